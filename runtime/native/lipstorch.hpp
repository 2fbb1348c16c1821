// What the native sources share: tensor handles, and errors that stay on this side of the C ABI.
#pragma once

#include <ATen/ATen.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#define LIPS_API extern "C" __attribute__((visibility("default")))

namespace lips {

using Impl = c10::TensorImpl;
using ImplPtr = c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>;

// This thread's message, as lips_error() gives it.
inline thread_local std::string last_error;

inline at::Tensor borrow(void* handle) {
  if (handle == nullptr) return at::Tensor();
  auto impl = static_cast<Impl*>(handle);
  c10::raw::intrusive_ptr::incref(impl);
  return at::Tensor(ImplPtr::reclaim(impl));
}

inline at::Tensor borrow(int64_t payload) { return borrow(reinterpret_cast<void*>(payload)); }

inline void* own(at::Tensor tensor) { return tensor.defined() ? tensor.unsafeReleaseTensorImpl() : nullptr; }

inline std::vector<at::Tensor> borrow_all(void* const* handles, int32_t count) {
  std::vector<at::Tensor> list;
  list.reserve(count);
  for (int i = 0; i < count; i++) list.push_back(borrow(handles[i]));
  return list;
}

// The message without what helps only libtorch's own developers: the table of all backends' kernels.
inline std::string brief(const std::exception& e) {
  auto error = dynamic_cast<const c10::Error*>(&e);
  std::string text = error ? error->what_without_backtrace() : e.what();
  return text.substr(0, text.find(". This could be because the operator doesn't exist"));
}

// Whether this thread's layers compute under autocast on the CPU: then they are libtorch's own, which know the narrower type.
inline bool autocasts() { return !c10::impl::tls_is_dispatch_key_excluded(c10::DispatchKey::AutocastCPU); }

template <class F>
auto guarded(const char* what, F&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& e) {
    last_error = std::string(what) + ": " + brief(e);
  } catch (...) {
    last_error = std::string(what) + ": unknown native exception";
  }
  return decltype(body())(-1);
}

}  // namespace lips
