#!/usr/bin/env bash
# Prints a folder with the first 10,000 training and 2,000 test images of CIFAR-10, cut from the one in LIPS_DATA: enough for the
# demonstrations, and cheaper to validate on.
set -euo pipefail
from=${LIPS_DATA:-data}/cifar-10-batches-bin to=$PWD/runs/cifar-subset
mkdir -p "$to"
cut() {
  local file
  for file in "$from/$1" "$from/$2"; do
    if [[ -e $file ]]; then head -c $(( $3 * 3073 )) "$file" > "$to/$1"; return; fi
  done
  echo "there is neither $1 nor $2 in $from; set LIPS_DATA to the folder that holds cifar-10-batches-bin" >&2
  exit 1
}
cut train.bin data_batch_1.bin 10000
cut test.bin test_batch.bin 2000
echo "$to"
