#!/usr/bin/env bash
# Is a ViT with a convolutional stem less sensitive to its optimizer? Small twins of ViT_P and ViT_C on CIFAR-10 under AdamW and plain SGD,
# two learning rates each, from three seeds.
#   LIPS_DATA=<folder with cifar-10-batches-bin> specs/conv-stem/optimizers.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
exec ./lips grid specs/conv-stem/vit-p-1gf.lips specs/conv-stem/vit-c-1gf.lips --name conv-stem-optimizers \
  --seeds 3 --curves loss --figure specs/conv-stem/optimizers.svg \
  vit-p-1gf:blocks=3 vit-p-1gf:patch=8 vit-c-1gf:blocks=2 'vit-c-1gf:channels=[16, 32, 64]' 'vit-c-1gf:strides=[2, 2, 2]' 'vit-c-1gf:kernels=[3, 3, 3]' \
  side=32 classes=10 width=64 heads=4 'data=cifar("cifar-10-batches-bin")' objective=cross_entropy \
  'optimizer=adamw(lr: 1e-3)|adamw(lr: 4e-3)|sgd(lr: 0.05)|sgd(lr: 0.25)' 'schedule=cosine(warmup: 30)' ema=0.98 batch=32 steps=300 "$@"
