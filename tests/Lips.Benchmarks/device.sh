#!/usr/bin/env bash
# The benchmarks on another machine with a CUDA device: one with a Python that has torch, a C++ compiler and no .NET SDK will do.
#   device.sh pack FILE.tar.gz     here: builds, and packs what has to be carried there, the .NET runtime included
#   device.sh run [ROW...]         there, in the folder where it was unpacked: the rows of README.md's tables; all without names
# DEVICE=cpu runs the same rows on the processor. PAIRS: of runs (5). MORE: further arguments, as --steps 12.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
cd "$here/../.."
fail() { echo "device.sh: $*" >&2; exit 1; }

pack() {
  local target sdk
  target=$(realpath -m "$1")
  ./lips bench 2>/dev/null || (( $? == 2 )) || fail "the build failed; ./lips bench says why"
  sdk=$(dirname "$(readlink -f "$(command -v dotnet)")")
  tar czf "$target" --exclude='*.pdb' --exclude='*.xml' --exclude='liblipstorch.so' --exclude='runtimes/win-*' --exclude='runtimes/*arm*' --exclude='runtimes/linux-x86' \
    Spec.sln specs runtime/native/*.cpp runtime/native/*.hpp runtime/native/build.sh runtime/native/gloo-declarations \
    runtime/Lips.Cli/bin/Release tests/Lips.Benchmarks/bin/Release tests/Lips.Benchmarks/peers tests/Lips.Benchmarks/device.sh \
    -C "$sdk" dotnet host shared/Microsoft.NETCore.App
  ls -l "$target"
}

# One row: its name, and the benchmark with its arguments.
rows=(
  "eager-float32 training --threads 1 --pairs $((${PAIRS:-5}))"
  "compiled-float32 training --threads 1 --pairs $((${PAIRS:-5})) --compile 1"
  "eager-bfloat16 training --threads 1 --pairs $((${PAIRS:-5})) --precision bfloat16"
  "compiled-bfloat16 training --threads 1 --pairs $((${PAIRS:-5})) --precision bfloat16 --compile 1"
  "large-float32 training --threads 1 --pairs $((${PAIRS:-5})) --batch 128 --compile 1"
  "large-bfloat16 training --threads 1 --pairs $((${PAIRS:-5})) --batch 128 --precision bfloat16 --compile 1"
  "enforcement enforcement --threads 1 --pairs $((${PAIRS:-5})) --repeat 6"
  "muon muon --threads 1 --pairs $((${PAIRS:-5})) --repeat 6"
  "norms norms --pairs $((${PAIRS:-5}))"
)

run() {
  local row name failed=0
  [[ -d shared/Microsoft.NETCore.App ]] && export DOTNET_ROOT=$PWD PATH=$PWD:$PATH
  export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
  export LIPS_PEER_PYTHON=${LIPS_PEER_PYTHON:-$(command -v python3)} LIPS_NATIVE=$PWD/runtime/native/build/liblipstorch.so
  [[ -e $LIPS_NATIVE ]] || runtime/native/build.sh
  for name in "$@"; do
    [[ " ${rows[*]} " == *" $name "* ]] || fail "there is no row '$name'; there are: $(printf '%s\n' "${rows[@]}" | cut -d' ' -f1 | xargs)"
  done
  for row in "${rows[@]}"; do
    name=${row%% *}
    if (( $# > 0 )) && [[ " $* " != *" $name "* ]]; then continue; fi
    echo "== $row"
    # shellcheck disable=SC2086
    dotnet tests/Lips.Benchmarks/bin/Release/net10.0/Lips.Benchmarks.dll ${row#* } --device "${DEVICE:-cuda}" ${MORE:-} || failed=1
  done
  return $failed
}

case ${1:-} in
  pack) [[ $# == 2 ]] || fail "pack what file? device.sh pack lips.tar.gz"; pack "$2" ;;
  run) shift; run "$@" ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
