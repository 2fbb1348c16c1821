// A CUDA graph with the stream that it is warmed up and captured on. Where this is compiled without CUDA, every call says so.
#include "lipstorch.hpp"
#ifdef LIPS_CUDA
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <memory>
#endif

using namespace lips;

#ifdef LIPS_CUDA
namespace {

void check(cudaError_t code) { TORCH_CHECK(code == cudaSuccess, cudaGetErrorString(code)); }

// What is queued on `later` from now on waits for what is queued on `earlier` by now.
void order(const c10::cuda::CUDAStream& earlier, const c10::cuda::CUDAStream& later) {
  cudaEvent_t event;
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  auto code = cudaEventRecord(event, earlier.stream());
  if (code == cudaSuccess) code = cudaStreamWaitEvent(later.stream(), event, 0);
  cudaEventDestroy(event);  // the driver frees it when it is reached
  check(code);
}

// A capture that fails leaves the default generator as within one, and it would refuse to draw outside of any: one that holds nothing, and
// so ends well, brings it back.
void mend() {
  try {
    at::cuda::CUDAGraph nothing;
    nothing.capture_begin();
    nothing.capture_end();
  } catch (...) {
    cudaGetLastError();
  }
}

struct Graph {
  explicit Graph(c10::DeviceIndex index) : side(c10::cuda::getStreamFromPool(false, index)), outer(c10::cuda::getCurrentCUDAStream(side.device_index())) {}
  c10::cuda::CUDAStream side, outer;
  std::unique_ptr<c10::cuda::CUDAStreamGuard> guard;
  std::unique_ptr<at::cuda::CUDAGraph> graph;
};

}  // namespace
#define LIPS_GRAPH(what, ...)                  \
  return guarded("cuda graph, " what, [&] {    \
    auto& self = *static_cast<Graph*>(handle); \
    __VA_ARGS__;                               \
    return 0;                                  \
  })
#else
#define LIPS_GRAPH(what, ...)                                                    \
  return guarded("cuda graph, " what, [&] {                                      \
    (void)handle;                                                                \
    TORCH_CHECK(false, "the native library was compiled without CUDA");          \
    return -1;                                                                   \
  })
#endif

// A graph for a CUDA device, the current one where `index` is negative.
LIPS_API int32_t lips_graph_new(int32_t index, void** out) {
  return guarded("cuda graph", [&] {
#ifdef LIPS_CUDA
    *out = new Graph(static_cast<c10::DeviceIndex>(index));
    return 0;
#else
    (void)index; (void)out;
    TORCH_CHECK(false, "the native library was compiled without CUDA");
    return -1;
#endif
  });
}

LIPS_API void lips_graph_free(void* handle) {
#ifdef LIPS_CUDA
  guarded("cuda graph, free", [&] {
    // a replay may still run
    cudaDeviceSynchronize();
    delete static_cast<Graph*>(handle);
    return 0;
  });
#else
  (void)handle;
#endif
}

// This thread's operators go to the graph's stream, behind those that were queued before, until lips_graph_leave.
LIPS_API int32_t lips_graph_enter(void* handle) {
  LIPS_GRAPH("enter",
    TORCH_CHECK(!self.guard, "its stream is current already");
    self.outer = c10::cuda::getCurrentCUDAStream(self.side.device_index());
    order(self.outer, self.side);
    self.guard = std::make_unique<c10::cuda::CUDAStreamGuard>(self.side));
}
LIPS_API int32_t lips_graph_leave(void* handle) {
  LIPS_GRAPH("leave",
    self.guard.reset();
    order(self.side, self.outer));
}

// From here on operators are captured and not run. What was captured before, and the memory that eager steps have left to the allocator, goes
// back first, for a graph allocates from a pool of its own. The default random generator takes part: libtorch registers it with every capture.
LIPS_API int32_t lips_graph_begin(void* handle) {
  LIPS_GRAPH("capture",
    TORCH_CHECK(self.guard, "capture needs its stream to be current");
    check(cudaDeviceSynchronize());
    self.graph.reset();
    c10::cuda::CUDACachingAllocator::emptyCache();
    self.graph = std::make_unique<at::cuda::CUDAGraph>();
    self.graph->capture_begin());
}

// Ends the capture; where that fails, nothing is kept and the stream computes again.
LIPS_API int32_t lips_graph_end(void* handle) {
  LIPS_GRAPH("capture",
    try {
      self.graph->capture_end();
    } catch (...) {
      cudaGetLastError();  // the capture's, which the next operator would take for its own
      self.graph.reset();
      mend();
      throw;
    });
}

// Queues what was captured on the current stream.
LIPS_API int32_t lips_graph_replay(void* handle) { LIPS_GRAPH("replay", TORCH_CHECK(self.graph, "nothing was captured"); self.graph->replay()); }
