#!/usr/bin/env bash
# Does attention collapse at a high learning rate, and does σReparam prevent it? A small ViT with LayerNorm (specs/baselines/vit.lips)
# and one without norms under σReparam, on CIFAR-10, from three seeds, with no warm-up, no weight decay and no clipping.
#   LIPS_DATA=<folder with cifar-10-batches-bin> specs/sigma-reparam/entropy-collapse.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
exec ./lips grid specs/baselines/vit.lips specs/sigma-reparam/vit-b16.lips --name entropy-collapse \
  --seeds 3 --curves loss,entropy --figure specs/sigma-reparam/entropy-collapse.svg \
  layers=4 width=64 heads=4 patch=8 side=32 classes=10 'data=cifar("cifar-10-batches-bin")' objective=cross_entropy \
  'optimizer=adamw(lr: 1e-3, weight_decay: 0)' 'optimizer.lr=1e-3|5e-3|2.5e-2' schedule=constant clip=1e9 batch=32 steps=300 "$@"
