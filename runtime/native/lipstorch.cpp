// The C ABI through which .NET reaches libtorch: one generic call over the operator dispatcher, and the few things
// that are no operator (lifetime, memory, autograd, generators, threads). Compiles unchanged against libtorch 1.13
// to 2.14; what needs CUDA's headers sits behind LIPS_CUDA.
//
// Conventions. A tensor handle is an owned c10::TensorImpl* (0 is the undefined tensor). Functions return 0 on
// success and -1 on failure, unless said otherwise; lips_error() then holds this thread's message. No C++ exception
// crosses the boundary.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/version.h>

#include "lipstorch.hpp"
#ifdef LIPS_CUDA
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <cuda_runtime_api.h>
#endif

#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

using namespace lips;

namespace {

enum Tag : int32_t {
  kNone = 0, kTensor, kInt, kDouble, kBool, kIntList, kTensorList, kOptionalTensorList, kDoubleList, kDevice, kString,
  kGenerator, kDefault
};

// One argument or result. `extra` is the length of a list or the index of a device.
struct Value {
  int32_t tag;
  int32_t extra;
  int64_t payload;
};

enum Want : char { kAny, kFloat, kInts, kFloats };

struct Op {
  c10::OperatorHandle handle;
  std::vector<c10::optional<c10::IValue>> defaults;
  std::vector<Want> wants;
  size_t returns;
};

void describe(std::ostream& out, const at::Tensor& t) {
  if (!t.defined()) {
    out << "undefined";
    return;
  }
  out << c10::toString(t.scalar_type()) << '[';
  bool first = true;
  for (auto n : t.sizes()) {
    if (!first) out << ", ";
    out << n;
    first = false;
  }
  out << ']';
  if (!t.device().is_cpu()) out << '@' << t.device();
}

void describe(std::ostream& out, const Value& v) {
  switch (v.tag) {
    case kTensor: describe(out, borrow(v.payload)); break;
    case kInt: out << v.payload; break;
    case kDouble: { double d; std::memcpy(&d, &v.payload, 8); out << d; break; }
    case kBool: out << (v.payload ? "true" : "false"); break;
    case kIntList: {
      auto p = reinterpret_cast<const int64_t*>(v.payload);
      out << '[';
      for (int i = 0; i < v.extra; i++) out << (i ? ", " : "") << p[i];
      out << ']';
      break;
    }
    case kTensorList:
    case kOptionalTensorList: {
      auto p = reinterpret_cast<void**>(v.payload);
      out << '[';
      for (int i = 0; i < v.extra; i++) {
        if (i) out << ", ";
        describe(out, borrow(p[i]));
      }
      out << ']';
      break;
    }
    case kString: out << '"' << reinterpret_cast<const char*>(v.payload) << '"'; break;
    default: out << "none"; break;
  }
}

void push(torch::jit::Stack& stack, const Value& v, Want want) {
  switch (v.tag) {
    case kNone: stack.emplace_back(); break;
    case kTensor: stack.emplace_back(borrow(v.payload)); break;
    case kInt:
      if (want == kFloat) stack.emplace_back(static_cast<double>(v.payload));
      else if (want == kInts) stack.emplace_back(c10::IntArrayRef(&v.payload, 1));
      else stack.emplace_back(v.payload);
      break;
    case kDouble: {
      double d;
      std::memcpy(&d, &v.payload, 8);
      stack.emplace_back(d);
      break;
    }
    case kBool: stack.emplace_back(v.payload != 0); break;
    case kIntList: stack.emplace_back(c10::IntArrayRef(reinterpret_cast<const int64_t*>(v.payload), v.extra)); break;
    case kDoubleList:
      stack.emplace_back(std::vector<double>(reinterpret_cast<const double*>(v.payload),
                                             reinterpret_cast<const double*>(v.payload) + v.extra));
      break;
    case kTensorList: {
      auto p = reinterpret_cast<void**>(v.payload);
      c10::List<at::Tensor> list;
      list.reserve(v.extra);
      for (int i = 0; i < v.extra; i++) list.push_back(borrow(p[i]));
      stack.emplace_back(std::move(list));
      break;
    }
    case kOptionalTensorList: {
      auto p = reinterpret_cast<void**>(v.payload);
      c10::List<c10::optional<at::Tensor>> list;
      list.reserve(v.extra);
      for (int i = 0; i < v.extra; i++)
        list.push_back(p[i] ? c10::optional<at::Tensor>(borrow(p[i])) : c10::optional<at::Tensor>());
      stack.emplace_back(std::move(list));
      break;
    }
    case kDevice:
      stack.emplace_back(c10::Device(static_cast<c10::DeviceType>(v.payload), static_cast<c10::DeviceIndex>(v.extra)));
      break;
    case kString: stack.emplace_back(std::string(reinterpret_cast<const char*>(v.payload))); break;
    case kGenerator: stack.emplace_back(*reinterpret_cast<at::Generator*>(v.payload)); break;
    default: TORCH_CHECK(false, "argument tag ", v.tag, " is unknown");
  }
}

void pop(c10::IValue& from, Value& to) {
  to = Value{kNone, 0, 0};
  if (from.isTensor()) {
    to.tag = kTensor;
    to.payload = reinterpret_cast<int64_t>(own(std::move(from).toTensor()));
  } else if (from.isInt()) {
    to.tag = kInt;
    to.payload = from.toInt();
  } else if (from.isDouble()) {
    to.tag = kDouble;
    double d = from.toDouble();
    std::memcpy(&to.payload, &d, 8);
  } else if (from.isBool()) {
    to.tag = kBool;
    to.payload = from.toBool();
  } else if (from.isTensorList()) {
    auto list = std::move(from).toTensorVector();
    to.tag = kTensorList;
    to.extra = static_cast<int32_t>(list.size());
    auto p = static_cast<void**>(std::malloc(sizeof(void*) * (list.size() + 1)));
    for (size_t i = 0; i < list.size(); i++) p[i] = own(std::move(list[i]));
    to.payload = reinterpret_cast<int64_t>(p);
  } else if (!from.isNone()) {
    TORCH_CHECK(false, "a result of type ", from.tagKind(), " cannot be returned");
  }
}

at::Generator default_generator(int32_t type, int32_t index) {
  return at::globalContext().defaultGenerator(
      c10::Device(static_cast<c10::DeviceType>(type), static_cast<c10::DeviceIndex>(index)));
}

}  // namespace

LIPS_API const char* lips_error() { return last_error.c_str(); }

LIPS_API void lips_free(void* memory) { std::free(memory); }

// ---- operators ------------------------------------------------------------------------------------------------------

// The operator `name` ("aten::add") with `overload` ("Tensor", or empty); null when this libtorch lacks it.
LIPS_API void* lips_op(const char* name, const char* overload) {
  try {
    auto found = c10::Dispatcher::singleton().findSchema({name, overload});
    if (!found) {
      last_error = std::string(name) + (*overload ? "." : "") + overload + ": this libtorch (" TORCH_VERSION ") has no such operator";
      return nullptr;
    }
    auto& schema = found->schema();
    auto op = new Op{*found, {}, {}, schema.returns().size()};
    for (auto& argument : schema.arguments()) {
      op->defaults.push_back(argument.default_value());
      auto type = argument.type();
      if (auto inner = type->cast<c10::OptionalType>()) type = inner->getElementType();
      if (type->kind() == c10::TypeKind::FloatType) {
        op->wants.push_back(kFloat);
      } else if (auto list = type->cast<c10::ListType>()) {
        auto kind = list->getElementType()->kind();
        op->wants.push_back(kind == c10::TypeKind::FloatType ? kFloats
                            : kind == c10::TypeKind::IntType || kind == c10::TypeKind::SymIntType ? kInts : kAny);
      } else {
        op->wants.push_back(kAny);
      }
    }
    return op;
  } catch (const std::exception& e) {
    last_error = std::string(name) + ": " + e.what();
    return nullptr;
  }
}

// Calls `op`; missing trailing arguments take the schema's defaults. Returns the number of results, or -1.
LIPS_API int32_t lips_call(void* op_handle, const Value* args, int32_t count, Value* results, int32_t capacity) {
  auto op = static_cast<Op*>(op_handle);
  try {
    thread_local std::vector<c10::IValue> spare;
    torch::jit::Stack stack = std::move(spare);
    stack.clear();
    auto total = op->wants.size();
    TORCH_CHECK(static_cast<size_t>(count) <= total, "takes ", total, " arguments, got ", count);
    for (int i = 0; i < count; i++) {
      if (args[i].tag == kDefault) {
        TORCH_CHECK(op->defaults[i].has_value(), "argument ", i, " has no default");
        stack.push_back(*op->defaults[i]);
      } else {
        push(stack, args[i], op->wants[i]);
      }
    }
    for (size_t i = count; i < total; i++) {
      TORCH_CHECK(op->defaults[i].has_value(), "argument '", op->handle.schema().arguments()[i].name(), "' is missing");
      stack.push_back(*op->defaults[i]);
    }
    op->handle.callBoxed(&stack);
    auto produced = static_cast<int32_t>(stack.size());
    TORCH_CHECK(produced <= capacity, "returns ", produced, " values, room for ", capacity);
    for (int i = 0; i < produced; i++) pop(stack[i], results[i]);
    stack.clear();
    spare = std::move(stack);
    return produced;
  } catch (const std::exception& e) {
    auto& name = op->handle.schema().operator_name();
    std::ostringstream out;
    out << name.name;
    if (!name.overload_name.empty()) out << '.' << name.overload_name;
    out << '(';
    try {
      for (int i = 0; i < count; i++) {
        if (i) out << ", ";
        describe(out, args[i]);
      }
    } catch (...) {
      out << "...";
    }
    out << "): " << brief(e);
    last_error = out.str();
  } catch (...) {
    last_error = op->handle.schema().operator_name().name + ": unknown native exception";
  }
  return -1;
}

// ---- tensors --------------------------------------------------------------------------------------------------------

LIPS_API void lips_tensor_free(void* t) {
  if (t != nullptr) ImplPtr::reclaim(static_cast<Impl*>(t));
}

// A second owner of the same tensor object.
LIPS_API void* lips_tensor_copy_handle(void* t) { return own(borrow(t)); }

LIPS_API int32_t lips_tensor_dim(void* t) { return static_cast<int32_t>(static_cast<Impl*>(t)->dim()); }
LIPS_API int32_t lips_tensor_dtype(void* t) { return static_cast<int32_t>(c10::typeMetaToScalarType(static_cast<Impl*>(t)->dtype())); }
LIPS_API int64_t lips_tensor_numel(void* t) { return static_cast<Impl*>(t)->numel(); }
LIPS_API int32_t lips_tensor_device(void* t, int32_t* index) {
  auto device = static_cast<Impl*>(t)->device();
  *index = device.index();
  return static_cast<int32_t>(device.type());
}
LIPS_API void lips_tensor_sizes(void* t, int64_t* out) {
  auto sizes = static_cast<Impl*>(t)->sizes();
  std::copy(sizes.begin(), sizes.end(), out);
}
LIPS_API int32_t lips_tensor_strides(void* t, int64_t* out) {
  return guarded("stride", [&] {
    auto strides = static_cast<Impl*>(t)->strides();
    std::copy(strides.begin(), strides.end(), out);
    return 0;
  });
}
// Bit 0 requires_grad, 1 is_leaf, 2 is_contiguous, 3 is_sparse, 4 is_inference; -1 on failure.
LIPS_API int32_t lips_tensor_flags(void* t) {
  return guarded("flags", [&] {
    auto tensor = borrow(t);
    return (tensor.requires_grad() ? 1 : 0) | (tensor.is_leaf() ? 2 : 0) | (tensor.is_contiguous() ? 4 : 0) |
           (tensor.is_sparse() ? 8 : 0) | (tensor.is_inference() ? 16 : 0);
  });
}
// Address of the first element (the storage offset included); null for meta tensors or on failure.
LIPS_API void* lips_tensor_data(void* t) {
  try {
    return borrow(t).data_ptr();
  } catch (const std::exception& e) {
    last_error = std::string("data_ptr: ") + e.what();
    return nullptr;
  }
}
// Bytes of the storage behind the tensor and the tensor's offset in it, both in bytes.
LIPS_API int32_t lips_tensor_storage(void* t, void** address, int64_t* bytes) {
  return guarded("storage", [&] {
    auto tensor = borrow(t);
    *address = const_cast<void*>(static_cast<const void*>(tensor.storage().data()));
    *bytes = static_cast<int64_t>(tensor.storage().nbytes());
    return 0;
  });
}
// A CPU tensor over foreign memory; `release(context)` runs when its storage dies.
LIPS_API int32_t lips_from_blob(void* data, const int64_t* sizes, int32_t dim, int32_t dtype, void (*release)(void*), void* context, void** out) {
  return guarded("from_blob", [&] {
    at::AutoDispatchBelowADInplaceOrView below;
    *out = own(at::from_blob(data, c10::IntArrayRef(sizes, dim), [release, context](void*) { release(context); },
                             at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype))));
    return 0;
  });
}

// ---- autograd -------------------------------------------------------------------------------------------------------

LIPS_API int32_t lips_set_requires_grad(void* t, int32_t value) {
  return guarded("requires_grad_", [&] { borrow(t).set_requires_grad(value != 0); return 0; });
}
LIPS_API int32_t lips_grad(void* t, void** out) {
  return guarded("grad", [&] { *out = own(borrow(t).grad()); return 0; });
}
LIPS_API int32_t lips_set_grad(void* t, void* grad) {
  return guarded("grad", [&] { borrow(t).mutable_grad() = borrow(grad); return 0; });
}
LIPS_API int32_t lips_backward(void* const* tensors, int32_t count, void* const* grads, int32_t grad_count,
                               int32_t retain_graph, int32_t create_graph, void* const* inputs, int32_t input_count) {
  return guarded("backward", [&] {
    c10::optional<bool> retain = retain_graph != 0 || create_graph != 0;
    torch::autograd::backward(borrow_all(tensors, count), borrow_all(grads, grad_count), retain, create_graph != 0,
                              borrow_all(inputs, input_count));
    return 0;
  });
}
// Gradients of `outputs` by `inputs`; out[i] is 0 for an unused input when allow_unused.
LIPS_API int32_t lips_autograd_grad(void* const* outputs, int32_t output_count, void* const* inputs, int32_t input_count,
                                    void* const* grads, int32_t grad_count, int32_t retain_graph, int32_t create_graph,
                                    int32_t allow_unused, void** out) {
  return guarded("autograd.grad", [&] {
    c10::optional<bool> retain = retain_graph != 0 || create_graph != 0;
    auto result = torch::autograd::grad(borrow_all(outputs, output_count), borrow_all(inputs, input_count),
                                        borrow_all(grads, grad_count), retain, create_graph != 0, allow_unused != 0);
    for (size_t i = 0; i < result.size(); i++) out[i] = own(std::move(result[i]));
    return 0;
  });
}
namespace {
using BackwardOfCaller = int32_t (*)(void* context, void* gradient, void** gradients, int32_t count, char* message, int32_t room);

// A node of the graph whose backward pass is the caller's. `context` is released once, with the graph.
struct CallersNode : torch::autograd::Node {
  CallersNode(BackwardOfCaller backward, void (*release)(void*)) : backward_(backward), release_(release) {}
  ~CallersNode() override { release_variables(); }
  void take(void* context) { context_ = context; }
  torch::autograd::variable_list apply(torch::autograd::variable_list&& gradients) override {
    TORCH_CHECK(context_ != nullptr, "this part of the graph was freed by the backward pass before");
    auto count = num_outputs();
    torch::autograd::variable_list result(count);
    if (!gradients[0].defined()) return result;
    std::vector<void*> handles(count, nullptr);
    char message[1024] = "";
    auto failed = backward_(context_, own(gradients[0]), handles.data(), static_cast<int32_t>(count), message, sizeof message);
    for (size_t i = 0; i < count; i++)
      if (handles[i] != nullptr) result[i] = at::Tensor(ImplPtr::reclaim(static_cast<Impl*>(handles[i])));
    TORCH_CHECK(failed == 0, message);
    return result;
  }
  void release_variables() override {
    if (context_ != nullptr) release_(context_);
    context_ = nullptr;
  }

 private:
  BackwardOfCaller backward_;
  void (*release_)(void*);
  void* context_ = nullptr;
};

// Nodes are held by intrusive pointers, in earlier versions by shared ones with libtorch's way to delete long graphs.
template <class Pointer>
struct Making {
  template <class T, class... Arguments>
  static auto node(Arguments... arguments) { return c10::make_intrusive<T>(arguments...); }
};
template <class Node>
struct Making<std::shared_ptr<Node>> {
  template <class T, class... Arguments>
  static auto node(Arguments... arguments) { return std::shared_ptr<T>(new T(arguments...), [](T* node) { deleteNode(node); }); }
};

}  // namespace

// Makes `value`, computed without a graph, depend on `inputs` through `backward`: it gets an owned handle of the value's
// gradient, and answers with owned handles of those of the inputs (0: none). On failure `context` is the caller's still.
LIPS_API int32_t lips_set_backward(void* value, void* const* inputs, int32_t count, BackwardOfCaller backward, void (*release)(void*), void* context) {
  return guarded("set_backward", [&] {
    auto tensor = borrow(value);
    TORCH_CHECK(!tensor.requires_grad(), "the value has a graph already");
    auto node = Making<decltype(torch::autograd::Edge::function)>::node<CallersNode>(backward, release);
    node->set_next_edges(torch::autograd::collect_next_edges(borrow_all(inputs, count)));
    torch::autograd::impl::set_gradient_edge(tensor, {node, node->add_input_metadata(tensor)});
    node->take(context);
    return 0;
  });
}
LIPS_API int32_t lips_grad_mode(int32_t value) {  // value < 0 only asks; returns the mode before
  auto before = at::GradMode::is_enabled();
  if (value >= 0) at::GradMode::set_enabled(value != 0);
  return before ? 1 : 0;
}
LIPS_API void* lips_inference_begin(int32_t value) { return new c10::InferenceMode(value != 0); }
LIPS_API void lips_inference_end(void* guard) { delete static_cast<c10::InferenceMode*>(guard); }

// ---- random generators ----------------------------------------------------------------------------------------------

LIPS_API int32_t lips_manual_seed(int64_t seed) {
  return guarded("manual_seed", [&] { at::manual_seed(static_cast<uint64_t>(seed)); return 0; });
}
LIPS_API int32_t lips_generator_new(uint64_t seed, void** out) {
  return guarded("Generator", [&] { *out = new at::Generator(at::detail::createCPUGenerator(seed)); return 0; });
}
LIPS_API int32_t lips_generator_default(int32_t type, int32_t index, void** out) {
  return guarded("default_generator", [&] { *out = new at::Generator(default_generator(type, index)); return 0; });
}
LIPS_API void lips_generator_free(void* g) { delete static_cast<at::Generator*>(g); }
LIPS_API int32_t lips_generator_seed(void* g, uint64_t seed) {
  return guarded("Generator.manual_seed", [&] {
    auto generator = static_cast<at::Generator*>(g);
    std::lock_guard<std::mutex> lock(generator->mutex());
    generator->set_current_seed(seed);
    return 0;
  });
}
LIPS_API uint64_t lips_generator_initial_seed(void* g) { return static_cast<at::Generator*>(g)->current_seed(); }
LIPS_API int32_t lips_generator_get_state(void* g, void** out) {
  return guarded("get_rng_state", [&] {
    auto generator = static_cast<at::Generator*>(g);
    std::lock_guard<std::mutex> lock(generator->mutex());
    *out = own(generator->get_state());
    return 0;
  });
}
LIPS_API int32_t lips_generator_set_state(void* g, void* state) {
  return guarded("set_rng_state", [&] {
    auto generator = static_cast<at::Generator*>(g);
    std::lock_guard<std::mutex> lock(generator->mutex());
    generator->set_state(borrow(state));
    return 0;
  });
}

// ---- process --------------------------------------------------------------------------------------------------------

LIPS_API const char* lips_version() { return TORCH_VERSION; }

LIPS_API int32_t lips_get_num_threads() { return guarded("get_num_threads", [] { return at::get_num_threads(); }); }

// Threads of one operator, OpenBLAS's included.
LIPS_API int32_t lips_set_num_threads(int32_t count) {
  return guarded("set_num_threads", [&] {
    at::set_num_threads(count);
    if (auto blas = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) blas(count);
    return 0;
  });
}
LIPS_API int32_t lips_get_num_interop_threads() { return guarded("get_num_interop_threads", [] { return at::get_num_interop_threads(); }); }
LIPS_API int32_t lips_set_num_interop_threads(int32_t count) {
  return guarded("set_num_interop_threads", [&] { at::set_num_interop_threads(count); return 0; });
}

// The library that multiplies matrices: OpenBLAS's own description, "MKL", or empty for an unrecognised one.
LIPS_API const char* lips_blas() {
  if (auto config = reinterpret_cast<const char* (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_config"))) return config();
  if (at::hasMKL()) return "MKL";
  return dlsym(RTLD_DEFAULT, "bli_info_get_version_str") ? "BLIS" : "";
}

LIPS_API int32_t lips_cuda_device_count() {
  return guarded("cuda.device_count", [] { return at::hasCUDA() ? static_cast<int32_t>(at::getNumGPUs()) : 0; });
}
// 1 when this library was compiled with CUDA's headers (memory statistics, synchronization).
LIPS_API int32_t lips_cuda_compiled() {
#ifdef LIPS_CUDA
  return 1;
#else
  return 0;
#endif
}
LIPS_API int32_t lips_cuda_manual_seed(int32_t index, uint64_t seed) {
  return guarded("cuda.manual_seed", [&] {
    auto generator = default_generator(static_cast<int32_t>(c10::DeviceType::CUDA), index);
    std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_current_seed(seed);
    return 0;
  });
}
LIPS_API int32_t lips_cuda_synchronize(int32_t index) {
  return guarded("cuda.synchronize", [&] {
#ifdef LIPS_CUDA
    c10::impl::VirtualGuardImpl impl(c10::DeviceType::CUDA);
    auto before = impl.exchangeDevice(c10::Device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(index < 0 ? impl.getDevice().index() : index)));
    auto code = cudaDeviceSynchronize();
    impl.setDevice(before);
    TORCH_CHECK(code == cudaSuccess, cudaGetErrorString(code));
    return 0;
#else
    (void)index;
    TORCH_CHECK(false, "the native library was compiled without CUDA");
    return -1;
#endif
  });
}
// Bytes the CUDA caching allocator has given out, now and at most, and holds; -1 without CUDA.
LIPS_API int32_t lips_cuda_memory(int32_t index, int64_t* allocated, int64_t* peak, int64_t* reserved) {
  return guarded("cuda.memory", [&] {
#ifdef LIPS_CUDA
    auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(index);
    *allocated = stats.allocated_bytes[0].current;
    *peak = stats.allocated_bytes[0].peak;
    *reserved = stats.reserved_bytes[0].current;
    return 0;
#else
    (void)index; (void)allocated; (void)peak; (void)reserved;
    TORCH_CHECK(false, "the native library was compiled without CUDA");
    return -1;
#endif
  });
}
LIPS_API int32_t lips_cuda_reset_peak(int32_t index) {
  return guarded("cuda.reset_peak_memory", [&] {
#ifdef LIPS_CUDA
    c10::cuda::CUDACachingAllocator::resetPeakStats(index);
    return 0;
#else
    (void)index;
    TORCH_CHECK(false, "the native library was compiled without CUDA");
    return -1;
#endif
  });
}
// kind 0 matmul, 1 cudnn; value < 0 only asks. Returns the setting before.
LIPS_API int32_t lips_allow_tf32(int32_t kind, int32_t value) {
  return guarded("allow_tf32", [&] {
    auto& context = at::globalContext();
    int32_t before = kind == 0 ? context.allowTF32CuBLAS() : context.allowTF32CuDNN();
    if (value >= 0) kind == 0 ? context.setAllowTF32CuBLAS(value != 0) : context.setAllowTF32CuDNN(value != 0);
    return before;
  });
}
