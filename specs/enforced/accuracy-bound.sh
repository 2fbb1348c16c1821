#!/usr/bin/env bash
# What accuracy a proven bound costs: the Shakespeare model with the largest caps that the solver finds for each claim, as a table,
# runs/accuracy-bound/grid.json and specs/enforced/accuracy-bound.svg. More steps and a larger batch where there is time for them.
#   LIPS_DATA=<folder with tinyshakespeare.txt> specs/enforced/accuracy-bound.sh [steps=2000 batch=64 …]
set -euo pipefail
cd "$(dirname "$0")/../.."
exec ./lips grid specs/enforced/shakespeare-budget.lips --name accuracy-bound --figure specs/enforced/accuracy-bound.svg \
  'budget=2|4|10|100' steps=400 batch=16 validate_every=200 "$@"
