#!/usr/bin/env bash
# Eight ways to keep weights small × three optimizers on the CIFAR-10 MLP: accuracy against the certified bound of the trained
# weights, as a table, runs/constraints/grid.{json,md,svg}, and the plot as specs/enforced/constraints.svg where the images are CIFAR-10.
#   LIPS_DATA=<folder with cifar-10-batches-bin> specs/enforced/grid.sh [epochs=2 …]
# Without that folder the images are made digits, and every row says so by its run's name (made-digits).
set -euo pipefail
cd "$(dirname "$0")/../.."
name=constraints data=() figure=(--figure specs/enforced/constraints.svg)
if [[ ! -d ${LIPS_DATA:-data}/cifar-10-batches-bin ]]; then
  name=constraints-made-digits data=('data=digits(samples: 10000)') figure=()
fi
exec ./lips grid specs/enforced/cifar-grid.lips --name "$name" "${figure[@]}" "${data[@]}" \
  'keep=weight_decay(0.1)|spectral_decay(0.1)|rms_cap(4, by: normalize)|rms_cap(4, by: hammer)|rms_cap(4, by: stiefel)|rms_cap(4, by: soft)|rms_cap(4, by: hard)|rms_cap(4, by: svd)' \
  'optimizer=muon(lr: 0.4)|adamw(lr: 1e-3)|sgd(lr: 0.1, momentum: 0.9)' "$@"
