// Several processes: libtorch's own engine c10d. A store for the rendezvous, groups of processes (Gloo, and NCCL where the
// library was compiled with it), collectives that run beside the computation, and the exchange of gradients during the
// backward pass. The conventions are those of lipstorch.cpp; where this libtorch has no c10d, every function says so.
#include <torch/version.h>

#include "lipstorch.hpp"
#ifdef USE_C10D
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include "reducer.hpp"
#endif

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

using namespace lips;

// Bit 0: Gloo, bit 1: NCCL.
LIPS_API int32_t lips_distributed() {
  int32_t engines = 0;
#ifdef USE_C10D_GLOO
  engines |= 1;
#endif
#ifdef USE_C10D_NCCL
  engines |= 2;
#endif
  return engines;
}

#ifdef USE_C10D
namespace {

struct Store {
  c10::intrusive_ptr<c10d::TCPStore> server;
  c10::intrusive_ptr<c10d::Store> keys;
};

// From 2.4 on a store is served by libuv unless told otherwise, which not every libtorch was compiled with (Debian's was not). Both servers speak
// one protocol; versions that have but one have no such option.
template <class Options>
auto serve_without_libuv(Options& options, int) -> decltype(options.useLibUV, void()) { options.useLibUV = false; }
template <class Options>
void serve_without_libuv(Options&, long) {}

constexpr std::chrono::milliseconds kAnswer{10000};

template <class T>
T& as(void* handle) { return *static_cast<T*>(handle); }

}  // namespace

// ---- rendezvous -----------------------------------------------------------------------------------------------------

// A key-value store over TCP, to be connected to where one listens; the process that serves it may ask for port 0 and learns the port it got. Keys stand below `prefix`.
LIPS_API int32_t lips_store_new(const char* host, int32_t port, int32_t serves, int64_t timeout_ms, const char* prefix, void** out, int32_t* bound) {
  return guarded("TCPStore", [&] {
    c10d::TCPStoreOptions options;
    options.port = static_cast<uint16_t>(port);
    options.isServer = serves != 0;
    options.waitWorkers = false;
    serve_without_libuv(options, 0);
    auto timeout = std::chrono::milliseconds(timeout_ms);
    // Something listens there already, as the caller knows. From 2.4 on the connection is tried anew for as long as what is there hangs up.
    options.timeout = serves != 0 ? timeout : std::min(timeout, kAnswer);
    auto server = c10::make_intrusive<c10d::TCPStore>(std::string(host), options);
    server->setTimeout(timeout);
    *bound = server->getPort();
    c10::intrusive_ptr<c10d::Store> keys = server;
    if (*prefix) keys = c10::make_intrusive<c10d::PrefixStore>(std::string(prefix), keys);
    *out = new Store{std::move(server), std::move(keys)};
    return 0;
  });
}
LIPS_API void lips_store_free(void* store) { delete static_cast<Store*>(store); }
LIPS_API int32_t lips_store_set(void* store, const char* key, const uint8_t* bytes, int64_t count) {
  return guarded("TCPStore.set", [&] { as<Store>(store).keys->set(key, std::vector<uint8_t>(bytes, bytes + count)); return 0; });
}
// 1 and the value, to be released with lips_free, or 0 where the key was not set in time.
LIPS_API int32_t lips_store_get(void* store, const char* key, int64_t timeout_ms, uint8_t** bytes, int64_t* count) {
  return guarded("TCPStore.get", [&] {
    auto& keys = as<Store>(store).keys;
    auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    // asked for again and again, for a wait that runs out leaves some versions' connections unusable
    while (!keys->check({key})) {
      if (std::chrono::steady_clock::now() >= until) return 0;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    auto value = keys->get(key);
    *bytes = static_cast<uint8_t*>(std::malloc(value.size() + 1));
    *count = static_cast<int64_t>(value.size());
    std::memcpy(*bytes, value.data(), value.size());
    return 1;
  });
}
LIPS_API int32_t lips_store_add(void* store, const char* key, int64_t amount, int64_t* result) {
  return guarded("TCPStore.add", [&] { *result = as<Store>(store).keys->add(key, amount); return 0; });
}

// ---- groups ---------------------------------------------------------------------------------------------------------

// `engine` is "gloo" or "nccl". For Gloo `place` names the network interface, or "@" and a host name whose address is used;
// empty, it is the address of this machine's name.
LIPS_API int32_t lips_group_new(void* store, const char* prefix, const char* engine, const char* place, int32_t rank, int32_t size, int64_t timeout_ms, void** out) {
  return guarded("ProcessGroup", [&] {
    c10::intrusive_ptr<c10d::Store> keys = c10::make_intrusive<c10d::PrefixStore>(std::string(prefix), as<Store>(store).keys);
    EnginePtr made;
    std::string name = engine, where = place;
    if (name == "gloo") {
#ifdef USE_C10D_GLOO
      auto options = c10d::ProcessGroupGloo::Options::create(std::chrono::milliseconds(timeout_ms));
      options->devices.push_back(where.empty() ? c10d::ProcessGroupGloo::createDefaultDevice()
                                 : where[0] == '@' ? c10d::ProcessGroupGloo::createDeviceForHostname(where.substr(1))
                                                   : c10d::ProcessGroupGloo::createDeviceForInterface(where));
      made = c10::make_intrusive<c10d::ProcessGroupGloo>(keys, rank, size, options);
#endif
    } else if (name == "nccl") {
#ifdef USE_C10D_NCCL
      auto options = c10d::ProcessGroupNCCL::Options::create();
      options->timeout = std::chrono::milliseconds(timeout_ms);
      made = c10::make_intrusive<c10d::ProcessGroupNCCL>(keys, rank, size, options);
#endif
    }
    TORCH_CHECK(made, "this libtorch (" TORCH_VERSION ") was compiled without ", name);
    *out = new Group{std::move(made), rank, size};
    return 0;
  });
}
LIPS_API void lips_group_free(void* group) { delete static_cast<Group*>(group); }

// operation: 0 sum, 1 largest. `work` is to be waited for, once.
LIPS_API int32_t lips_all_reduce(void* group, void* tensor, int32_t operation, void** work) {
  return guarded("all_reduce", [&] {
    *work = new WorkPtr(all_reduce(as<Group>(group), borrow(tensor).detach(), operation == 0 ? c10d::ReduceOp::SUM : c10d::ReduceOp::MAX));
    return 0;
  });
}
LIPS_API int32_t lips_broadcast(void* group, void* tensor, int32_t root, void** work) {
  return guarded("broadcast", [&] { *work = new WorkPtr(broadcast(as<Group>(group), borrow(tensor).detach(), root)); return 0; });
}
LIPS_API int32_t lips_send(void* group, void* tensor, int32_t to, int32_t tag, void** work) {
  return guarded("send", [&] {
    std::vector<at::Tensor> tensors{borrow(tensor).detach()};
    *work = new WorkPtr(as<Group>(group).engine->send(tensors, to, tag));
    return 0;
  });
}
LIPS_API int32_t lips_receive(void* group, void* tensor, int32_t from, int32_t tag, void** work) {
  return guarded("receive", [&] {
    std::vector<at::Tensor> tensors{borrow(tensor).detach()};
    *work = new WorkPtr(as<Group>(group).engine->recv(tensors, from, tag));
    return 0;
  });
}
// Waits for the work and releases it, however it ended.
LIPS_API int32_t lips_work_wait(void* work) {
  std::unique_ptr<WorkPtr> held(static_cast<WorkPtr*>(work));
  return guarded("wait", [&] {
    TORCH_CHECK((*held)->wait(), "the collective was given up");
    return 0;
  });
}

// ---- gradients ------------------------------------------------------------------------------------------------------

LIPS_API int32_t lips_reducer_new(void* group, void* const* parameters, int32_t count, int64_t bucket_bytes, void** out) {
  return guarded("Reducer", [&] {
    auto reducer = std::make_shared<Reducer>(as<Group>(group), borrow_all(parameters, count), bucket_bytes);
    reducer->watch();
    *out = new std::shared_ptr<Reducer>(std::move(reducer));
    return 0;
  });
}
LIPS_API void lips_reducer_free(void* reducer) { delete static_cast<std::shared_ptr<Reducer>*>(reducer); }
// The next backward pass completes the gradients: they are sent as it goes.
LIPS_API int32_t lips_reducer_arm(void* reducer) {
  return guarded("Reducer.arm", [&] { as<std::shared_ptr<Reducer>>(reducer)->arm(); return 0; });
}
// Sends what was not sent, waits, and leaves in every parameter's gradient the sum over all processes.
LIPS_API int32_t lips_reducer_finish(void* reducer) {
  return guarded("Reducer.finish", [&] { as<std::shared_ptr<Reducer>>(reducer)->finish(); return 0; });
}

#else
namespace {
int32_t missing(const char* what) {
  return guarded(what, [] { TORCH_CHECK(false, "this libtorch (" TORCH_VERSION ") was compiled without its distributed engine, c10d"); return -1; });
}
}  // namespace
LIPS_API int32_t lips_store_new(const char*, int32_t, int32_t, int64_t, const char*, void**, int32_t*) { return missing("TCPStore"); }
LIPS_API void lips_store_free(void*) {}
LIPS_API int32_t lips_store_set(void*, const char*, const uint8_t*, int64_t) { return missing("TCPStore.set"); }
LIPS_API int32_t lips_store_get(void*, const char*, int64_t, uint8_t**, int64_t*) { return missing("TCPStore.get"); }
LIPS_API int32_t lips_store_add(void*, const char*, int64_t, int64_t*) { return missing("TCPStore.add"); }
LIPS_API int32_t lips_group_new(void*, const char*, const char*, const char*, int32_t, int32_t, int64_t, void**) { return missing("ProcessGroup"); }
LIPS_API void lips_group_free(void*) {}
LIPS_API int32_t lips_all_reduce(void*, void*, int32_t, void**) { return missing("all_reduce"); }
LIPS_API int32_t lips_broadcast(void*, void*, int32_t, void**) { return missing("broadcast"); }
LIPS_API int32_t lips_send(void*, void*, int32_t, int32_t, void**) { return missing("send"); }
LIPS_API int32_t lips_receive(void*, void*, int32_t, int32_t, void**) { return missing("receive"); }
LIPS_API int32_t lips_work_wait(void*) { return missing("wait"); }
LIPS_API int32_t lips_reducer_new(void*, void* const*, int32_t, int64_t, void**) { return missing("Reducer"); }
LIPS_API void lips_reducer_free(void*) {}
LIPS_API int32_t lips_reducer_arm(void*) { return missing("Reducer.arm"); }
LIPS_API int32_t lips_reducer_finish(void*) { return missing("Reducer.finish"); }
#endif
