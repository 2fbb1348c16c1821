#!/usr/bin/env bash
# Compiles the .cpp files here against the libtorch that is there, into build/liblipstorch.so.
# Which libtorch: $LIBTORCH, else Debian's libtorch-dev, else the one inside the Python on the path.
set -euo pipefail
cd "$(dirname "$0")"

fail() { echo "lips: $*" >&2; exit 1; }
has_libtorch() { [[ -n $1 && -f $1/include/torch/csrc/api/include/torch/version.h ]]; }

root=
if [[ -n ${LIBTORCH:-} ]]; then
  has_libtorch "$LIBTORCH" || fail "LIBTORCH=$LIBTORCH holds no include/torch/csrc/api/include/torch/version.h; point it at a libtorch folder"
  root=$LIBTORCH
elif has_libtorch /usr; then
  root=/usr
elif command -v python3 >/dev/null; then
  candidate=$(python3 -c 'import importlib.util as u, os; s = u.find_spec("torch"); print(os.path.dirname(s.origin) if s and s.origin else "")' 2>/dev/null || true)
  if has_libtorch "$candidate"; then root=$candidate; fi
fi
[[ -n $root ]] || fail "no libtorch found; run: apt-get install libtorch-dev libopenblas0-pthread g++ (or set LIBTORCH)"
compiler=${CXX:-g++}
command -v "$compiler" >/dev/null || fail "no C++ compiler found; run: apt-get install g++"

lib=
for candidate in "$root/lib/$("$compiler" -dumpmachine)" "$root/lib" "$root/lib64"; do
  if [[ -e $candidate/libtorch_cpu.so ]]; then lib=$candidate; break; fi
done
[[ -n $lib ]] || fail "no libtorch_cpu.so under $root; the libtorch there is incomplete"

headers=(-I"$root/include/torch/csrc/api/include")
if [[ $root != /usr ]]; then headers+=(-I"$root/include"); fi
# Asked of the compiler, for the header that holds the numbers is not the same in all versions.
version() { printf '#include <torch/version.h>\nTORCH_VERSION_MAJOR * 1000 + TORCH_VERSION_MINOR\n' | "$compiler" -E -P -x c++ "${headers[@]}" - | tail -1; }
# The headers of 2.10 and later may use C++20; those of 1.13 are written for C++14 to 17.
standard=c++17
if (( $(version) >= 2010 )); then standard=c++20; fi

# libtorch is compiled without assertions, and with them objects of its headers have further members (at::RecordFunction).
# No loop over roots is vectorized where each might have to set errno.
flags=(-std=$standard -O2 -DNDEBUG -fno-math-errno -fopenmp -fPIC -shared -fvisibility=hidden -w "${headers[@]}")
libs=(-L"$lib" -Wl,--no-as-needed -ltorch_cpu -lc10 -ltorch -Wl,-rpath,"$lib")
# libtorch builds from before 2023 may use the old string ABI.
if ! grep -q '__cxx11' "$lib/libc10.so"; then flags+=(-D_GLIBCXX_USE_CXX11_ABI=0); fi
# c10d, libtorch's engine for several processes, with Gloo where it is in this libtorch.
c10d=$root/include/torch/csrc/distributed/c10d
if [[ -f $c10d/ProcessGroupGloo.hpp ]] && grep -q 'N4c10d16ProcessGroupGlooE' "$lib/libtorch_cpu.so"; then
  # Gloo's own headers, where they are installed; else the few declarations that libtorch's headers name.
  flags+=(-DUSE_DISTRIBUTED -DUSE_C10D -DUSE_C10D_GLOO -idirafter gloo-declarations)
fi
if [[ -e $lib/libtorch_cuda.so ]]; then
  libs+=(-ltorch_cuda -lc10_cuda)
  # the last is where Debian's nvidia-cuda-dev has it, among the system's own headers
  for cuda in "${CUDA_HOME:-}" /usr/local/cuda "$root"/../nvidia/cu13 "$root"/../nvidia/cuda_runtime /usr; do
    [[ -n $cuda && -f $cuda/include/cuda_runtime_api.h ]] || continue
    runtime=$(find -L "$cuda/lib64" "$cuda/lib" "$cuda/lib/$("$compiler" -dumpmachine)" -maxdepth 1 -name 'libcudart.so*' 2>/dev/null | head -1 || true)
    [[ -n $runtime ]] || continue
    flags+=(-DLIPS_CUDA -I"$cuda/include")
    libs+=("$runtime" -Wl,-rpath,"$(dirname "$runtime")")
    # NCCL beside Gloo, where libtorch has it and its header is installed.
    for nccl in "${NCCL_HOME:-}" "$cuda" "$root"/../nvidia/nccl /usr; do
      [[ -n $nccl && -f $nccl/include/nccl.h && -f $c10d/ProcessGroupNCCL.hpp ]] || continue
      if [[ " ${flags[*]} " == *" -DUSE_C10D "* ]] && grep -q 'N4c10d16ProcessGroupNCCLE' "$lib/libtorch_cuda.so"; then
        flags+=(-DUSE_C10D_NCCL -idirafter "$nccl/include")
      fi
      break
    done
    break
  done
fi

mkdir -p build
exec 9>build/.lock
flock 9
out=build/liblipstorch.so
work=build/objects.$$
trap 'rm -rf "$work" "$out.$$"' EXIT
mkdir -p "$work"
compilations=()
for source in ./*.cpp; do
  "$compiler" "${flags[@]}" -c "$source" -o "$work/$(basename "$source" .cpp).o" &
  compilations+=($!)
done
failed=
for compilation in "${compilations[@]}"; do wait "$compilation" || failed=1; done
[[ -z $failed ]] && "$compiler" "${flags[@]}" "$work"/*.o -o "$out.$$" "${libs[@]}" -ldl || fail "the native sources do not compile against the libtorch in $root"
mv "$out.$$" "$out"
