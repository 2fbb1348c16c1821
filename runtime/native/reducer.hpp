// The exchange of gradients between processes during the backward pass. Included where libtorch has c10d.
#pragma once

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/version.h>
#if TORCH_VERSION_MAJOR >= 2
#include <torch/csrc/distributed/c10d/Backend.hpp>
#else
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#endif

#include <algorithm>
#include <memory>
#include <mutex>
#include <numeric>
#include <utility>
#include <vector>

namespace lips {

#if TORCH_VERSION_MAJOR >= 2
using Engine = c10d::Backend;
#else
using Engine = c10d::ProcessGroup;
#endif
using EnginePtr = c10::intrusive_ptr<Engine>;
using WorkPtr = c10::intrusive_ptr<c10d::Work>;

struct Group {
  EnginePtr engine;
  int rank;
  int size;
};

inline WorkPtr all_reduce(Group& group, at::Tensor tensor, c10d::ReduceOp::RedOpType operation) {
  c10d::AllreduceOptions options;
  options.reduceOp = operation;
  std::vector<at::Tensor> tensors{std::move(tensor)};
  return group.engine->allreduce(tensors, options);
}

inline WorkPtr broadcast(Group& group, at::Tensor tensor, int root) {
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
  std::vector<decltype(torch::autograd::impl::grad_accumulator(std::declval<const at::Tensor&>()))> nodes_;
  std::vector<Bucket> buckets_;
  std::vector<int64_t> sequence_;
  std::mutex mutex_;
  size_t next_ = 0;
  int64_t clock_ = 0;
  bool armed_ = false, learned_ = false;
};

}  // namespace lips
