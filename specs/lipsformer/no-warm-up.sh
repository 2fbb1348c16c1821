#!/usr/bin/env bash
# Can LipsFormer do without warm-up where its base cannot? Small twins of Swin (LayerNorm, dot products, specs/swin) and of LipsFormer as
# its authors release it, on a part of CIFAR-10, from three seeds, with one recipe and no warm-up.
#   LIPS_DATA=<folder with cifar-10-batches-bin> specs/lipsformer/no-warm-up.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
cifar=$(specs/cifar-subset.sh)
exec ./lips grid specs/swin/swin-tiny.lips specs/lipsformer/swin-tiny.lips --name no-warm-up \
  --seeds 3 --curves loss --figure specs/lipsformer/no-warm-up.svg \
  side=32 embed=32 'depths=[2, 1]' 'heads=[2, 4]' window=4 classes=10 drop_path=0 "data=cifar(\"$cifar\")" objective=cross_entropy \
  'optimizer=adamw(lr: 1e-3, betas: [0.9, 0.98], weight_decay: 0.05)' 'optimizer.lr=1e-3|1e-2' 'schedule=cosine(final: 0.01)' clip=5 batch=16 steps=120 "$@"
