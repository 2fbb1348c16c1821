#!/usr/bin/env bash
# Rewrites every snapshot and every document that is printed from code. Read the difference before committing it.
set -euo pipefail
cd "$(dirname "$0")/.."
find tests compiler -name '*.received.*' -not -path '*/bin/*' -not -path '*/obj/*' -delete
for project in tests/*.Tests; do
  # Snapshots are written whatever the tests find; the ordinary run says whether all is well.
  LIPS_ACCEPT=1 dotnet test --project "$project" -v q || true
done
git status --short tests compiler grammar
