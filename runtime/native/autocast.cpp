// Layers in a narrower type by torch's own autocast, whose state is each thread's.
#include <ATen/autocast_mode.h>
#include <torch/version.h>

#include "lipstorch.hpp"
#ifdef LIPS_CUDA
#include <c10/cuda/CUDAFunctions.h>
#include <cuda_runtime_api.h>
#endif

using namespace lips;

namespace {

// From 2.4 on there is one function for all kinds of devices, and those by name are deprecated; 2.4 has both.
#define LIPS_AUTOCAST_BY_DEVICE (TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 5))

bool enabled(c10::DeviceType device) {
#if LIPS_AUTOCAST_BY_DEVICE
  return at::autocast::is_autocast_enabled(device);
#else
  return device == c10::DeviceType::CPU ? at::autocast::is_cpu_enabled() : at::autocast::is_enabled();
#endif
}

void set_enabled(c10::DeviceType device, bool value) {
#if LIPS_AUTOCAST_BY_DEVICE
  at::autocast::set_autocast_enabled(device, value);
#else
  device == c10::DeviceType::CPU ? at::autocast::set_cpu_enabled(value) : at::autocast::set_enabled(value);
#endif
}

void set_type(c10::DeviceType device, at::ScalarType type) {
#if LIPS_AUTOCAST_BY_DEVICE
  at::autocast::set_autocast_dtype(device, type);
#else
  device == c10::DeviceType::CPU ? at::autocast::set_autocast_cpu_dtype(type) : at::autocast::set_autocast_gpu_dtype(type);
#endif
}

}  // namespace

// Turns autocast to `dtype` on or off for operators on a kind of device, on this thread; returns whether it was on. The weights that
// were cast by then are forgotten: what is cached belongs to one forward pass, whose graph it is a part of.
LIPS_API int32_t lips_autocast(int32_t device, int32_t value, int32_t dtype) {
  return guarded("autocast", [&] {
    auto type = static_cast<c10::DeviceType>(device);
    TORCH_CHECK(type == c10::DeviceType::CPU || type == c10::DeviceType::CUDA, "there is no autocast for ", type);
    int32_t before = enabled(type);
    at::autocast::clear_cache();
    if (value != 0) set_type(type, static_cast<at::ScalarType>(dtype));
    set_enabled(type, value != 0);
    return before;
  });
}

// Forgets the weights that were cast, which a change in place would make old.
LIPS_API int32_t lips_autocast_clear() {
  return guarded("autocast", [&] { at::autocast::clear_cache(); return 0; });
}

// 1 where a CUDA device has matrix units for bfloat16: Ampere's (8.0) and later.
LIPS_API int32_t lips_cuda_bfloat16(int32_t index) {
  return guarded("cuda.is_bf16_supported", [&] {
#ifdef LIPS_CUDA
    int major = 0;
    auto code = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, index < 0 ? c10::cuda::current_device() : index);
    TORCH_CHECK(code == cudaSuccess, cudaGetErrorString(code));
    return major >= 8 ? 1 : 0;
#else
    (void)index;
    return 1;  // nobody to ask: the operators themselves will tell
#endif
  });
}
