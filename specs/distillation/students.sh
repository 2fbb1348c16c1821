#!/usr/bin/env bash
# What do NKD and USKD add to plain training of one student? A teacher of 245,098 parameters, then students of 32,554 by each
# objective, from three seeds, on a part of CIFAR-10. The teacher is trained once, into runs/teacher.
#   LIPS_DATA=<folder with cifar-10-batches-bin> specs/distillation/students.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
cifar=$(specs/cifar-subset.sh)
common=(layers=2 patch=8 side=32 classes=10 teacher_width=96 teacher_heads=4 batch=32 "data=cifar(\"$cifar\")" 'schedule=cosine(warmup: 50)')
if [[ ! -e runs/teacher/model.safetensors ]]; then
  ./lips train specs/distillation/nkd.lips --model Teacher --name teacher "${common[@]}" optimizer.lr=2e-3 steps=600
fi
exec ./lips grid specs/distillation/nkd.lips --name students --seeds 3 --curves accuracy --figure specs/distillation/students.svg \
  'objective=cross_entropy|nkd(teacher: Teacher, weights: "runs/teacher/model.safetensors", temperature: 1, gamma: 1.5)|uskd(feature: logits.blocks[1], alpha: 1, beta: 0.1, mu: 0.005)' \
  "${common[@]}" width=32 heads=2 optimizer.lr=2e-3 steps=300 validate_every=60 "$@"
