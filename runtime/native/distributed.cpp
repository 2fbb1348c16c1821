// Several processes: libtorch's own engine c10d. A store for the rendezvous, groups of processes (Gloo, and NCCL where the
// library was compiled with it), collectives that run beside the computation, and the exchange of gradients during the
// backward pass. The conventions are those of lipstorch.cpp; where this libtorch has no c10d, every function says so.
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>
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
#if TORCH_VERSION_MAJOR >= 2
#include <torch/csrc/distributed/c10d/Backend.hpp>
#else
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#endif
#endif

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <numeric>
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

#if TORCH_VERSION_MAJOR >= 2
using Engine = c10d::Backend;
#else
using Engine = c10d::ProcessGroup;
#endif
using EnginePtr = c10::intrusive_ptr<Engine>;
using WorkPtr = c10::intrusive_ptr<c10d::Work>;

struct Store {
  c10::intrusive_ptr<c10d::TCPStore> server;
  c10::intrusive_ptr<c10d::Store> keys;
};

struct Group {
  EnginePtr engine;
  int rank;
  int size;
};

WorkPtr all_reduce(Group& group, at::Tensor tensor, c10d::ReduceOp::RedOpType operation) {
  c10d::AllreduceOptions options;
  options.reduceOp = operation;
  std::vector<at::Tensor> tensors{std::move(tensor)};
  return group.engine->allreduce(tensors, options);
}

WorkPtr broadcast(Group& group, at::Tensor tensor, int root) {
  c10d::BroadcastOptions options;
  options.rootRank = root;
  std::vector<at::Tensor> tensors{std::move(tensor)};
  return group.engine->broadcast(tensors, options);
}

// The sums of gradients over all processes, in buckets that travel while the backward pass still computes.
//
// A bucket holds neighbours of the parameters' list, the last ones first, always the same: the order in which a sum's terms
// are added depends on the place in the bucket, and a resumed run must add as the one before it did. Buckets are sent in one
// order on all processes, whatever the order they are filled in. The first backward pass is watched and sends nothing before
// its end: in which order buckets are complete, and after how many accumulations a gradient is (a weight that several
// recomputed blocks share has several); what rank 0 saw counts. Behind its gradients a bucket holds one flag each: a gradient
// that no process has stays undefined.
class Reducer : public std::enable_shared_from_this<Reducer> {
 public:
  Reducer(Group& group, std::vector<at::Tensor> parameters, int64_t bucket_bytes)
      : group_(group), parameters_(std::move(parameters)), bucket_bytes_(bucket_bytes), accumulations_(parameters_.size(), 0),
        expected_(parameters_.size(), 1), moment_(parameters_.size(), 0), place_(parameters_.size()), ready_(parameters_.size(), false) {
    fill_buckets();
    sequence_.resize(buckets_.size());
    std::iota(sequence_.begin(), sequence_.end(), 0);
  }

  void watch() {
    for (size_t i = 0; i < parameters_.size(); i++) {
      auto node = torch::autograd::impl::grad_accumulator(parameters_[i]);
      TORCH_CHECK(node, "parameter ", i, " is no leaf that wants a gradient");
      node->add_post_hook(std::make_unique<Hook>(weak_from_this(), i));
      nodes_.push_back(std::move(node));
    }
  }

  void arm() {
    std::lock_guard<std::mutex> lock(mutex_);
    TORCH_CHECK(!armed_, "the gradients of the pass before were not exchanged");
    std::fill(accumulations_.begin(), accumulations_.end(), 0);
    std::fill(moment_.begin(), moment_.end(), 0);
    std::fill(ready_.begin(), ready_.end(), false);
    for (auto& bucket : buckets_) {
      bucket.missing = bucket.members.size();
      bucket.work.reset();
    }
    clock_ = next_ = 0;
    armed_ = true;
  }

  void accumulated(size_t i) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!armed_) return;
    accumulations_[i]++;
    moment_[i] = ++clock_;
    if (!learned_ || accumulations_[i] < expected_[i]) return;
    TORCH_CHECK(!buckets_[place_[i].bucket].work, "the gradient of parameter ", i, " changed after it was sent: this model's graph has other uses of a shared weight than in its first step");
    take(i);
    while (next_ < buckets_.size() && buckets_[sequence_[next_]].missing == 0) send();
  }

  void finish() {
    std::lock_guard<std::mutex> lock(mutex_);
    TORCH_CHECK(armed_, "no backward pass was announced");
    armed_ = false;
    at::NoGradGuard no_grad;
    for (size_t i = 0; i < parameters_.size(); i++)
      if (!ready_[i]) take(i);
    while (next_ < buckets_.size()) send();
    for (auto k : sequence_) give(buckets_[k]);
    if (!learned_) learn();
  }

 private:
  struct Hook : torch::autograd::FunctionPostHook {
    Hook(std::weak_ptr<Reducer> reducer, size_t index) : reducer_(std::move(reducer)), index_(index) {}
    torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs, const torch::autograd::variable_list&) override {
      if (auto reducer = reducer_.lock()) reducer->accumulated(index_);
      return outputs;
    }

   private:
    std::weak_ptr<Reducer> reducer_;
    size_t index_;
  };

  struct Bucket {
    std::vector<size_t> members;
    std::vector<at::Tensor> views;
    at::Tensor flat;
    at::Tensor flags;
    size_t missing = 0;
    WorkPtr work;
  };

  struct Place {
    size_t bucket = 0;
    size_t index = 0;
  };

  void fill_buckets() {
    int64_t bytes = 0;
    for (size_t i = parameters_.size(); i-- > 0;) {
      auto& parameter = parameters_[i];
      auto size = static_cast<int64_t>(parameter.numel() * parameter.element_size());
      bool fits = !buckets_.empty() && bytes + size <= bucket_bytes_;
      if (fits) {
        auto& other = parameters_[buckets_.back().members[0]];
        fits = other.scalar_type() == parameter.scalar_type() && other.device() == parameter.device();
      }
      if (!fits) {
        buckets_.emplace_back();
        bytes = 0;
      }
      bytes += size;
      place_[i] = Place{buckets_.size() - 1, buckets_.back().members.size()};
      buckets_.back().members.push_back(i);
    }
    at::NoGradGuard no_grad;
    for (auto& bucket : buckets_) {
      int64_t total = 0, offset = 0, count = bucket.members.size();
      for (auto i : bucket.members) total += parameters_[i].numel();
      bucket.flat = at::zeros({total + count}, parameters_[bucket.members[0]].options().requires_grad(false));
      for (auto i : bucket.members) {
        bucket.views.push_back(bucket.flat.narrow(0, offset, parameters_[i].numel()).view(parameters_[i].sizes()));
        offset += parameters_[i].numel();
      }
      bucket.flags = bucket.flat.narrow(0, offset, count);
    }
  }

  void take(size_t i) {
    at::NoGradGuard no_grad;
    auto& bucket = buckets_[place_[i].bucket];
    auto& gradient = parameters_[i].grad();
    auto& view = bucket.views[place_[i].index];
    if (gradient.defined()) view.copy_(gradient);
    else view.zero_();
    bucket.flags.narrow(0, place_[i].index, 1).fill_(gradient.defined() ? 1 : 0);
    if (!ready_[i]) bucket.missing--;
    ready_[i] = true;
  }

  void send() {
    auto& bucket = buckets_[sequence_[next_++]];
    bucket.work = all_reduce(group_, bucket.flat, c10d::ReduceOp::SUM);
  }

  void give(Bucket& bucket) {
    bucket.work->wait();
    bucket.work.reset();
    at::Tensor flags;
    for (size_t k = 0; k < bucket.members.size(); k++) {
      auto& parameter = parameters_[bucket.members[k]];
      auto& gradient = parameter.mutable_grad();
      if (gradient.defined()) {
        gradient.copy_(bucket.views[k]);
        continue;
      }
      if (!flags.defined()) flags = bucket.flags.to(at::kCPU, at::kFloat);
      if (flags.data_ptr<float>()[k] > 0) gradient = bucket.views[k].clone();
    }
  }

  void learn() {
    auto buckets = static_cast<int64_t>(buckets_.size()), count = static_cast<int64_t>(parameters_.size());
    auto facts = at::empty({buckets + count}, at::TensorOptions().dtype(at::kLong));
    auto order = facts.data_ptr<int64_t>(), expected = order + buckets;
    std::iota(order, order + buckets, 0);
    auto complete = [&](int64_t k) {
      int64_t last = 0;
      for (auto i : buckets_[k].members) last = std::max(last, moment_[i] == 0 ? INT64_MAX : moment_[i]);
      return last;
    };
    std::stable_sort(order, order + buckets, [&](int64_t a, int64_t b) { return complete(a) < complete(b); });
    for (int64_t i = 0; i < count; i++) expected[i] = std::max<int64_t>(1, accumulations_[i]);
    auto there = facts.to(parameters_[0].device());
    broadcast(group_, there, 0)->wait();
    auto agreed = there.to(at::kCPU);
    auto values = agreed.data_ptr<int64_t>();
    for (int64_t k = 0; k < buckets; k++) sequence_[k] = values[k];
    for (int64_t i = 0; i < count; i++) expected_[i] = values[buckets + i];
    learned_ = true;
  }

  Group group_;
  std::vector<at::Tensor> parameters_;
  int64_t bucket_bytes_;
  std::vector<int64_t> accumulations_, expected_, moment_;
  std::vector<Place> place_;
  std::vector<bool> ready_;
  std::vector<std::shared_ptr<torch::autograd::Node>> nodes_;
  std::vector<Bucket> buckets_;
  std::vector<int64_t> sequence_;
  std::mutex mutex_;
  size_t next_ = 0;
  int64_t clock_ = 0;
  bool armed_ = false, learned_ = false;
};

template <class T>
T& as(void* handle) { return *static_cast<T*>(handle); }

}  // namespace

// ---- rendezvous -----------------------------------------------------------------------------------------------------

// A key-value store over TCP; the process that serves it may ask for port 0 and learns the port it got. Keys stand below `prefix`.
LIPS_API int32_t lips_store_new(const char* host, int32_t port, int32_t serves, int64_t timeout_ms, const char* prefix, void** out, int32_t* bound) {
  return guarded("TCPStore", [&] {
    c10d::TCPStoreOptions options;
    options.port = static_cast<uint16_t>(port);
    options.isServer = serves != 0;
    options.waitWorkers = false;
    options.timeout = std::chrono::milliseconds(timeout_ms);
    auto server = c10::make_intrusive<c10d::TCPStore>(std::string(host), options);
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
