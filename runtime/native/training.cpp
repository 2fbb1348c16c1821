// What a training step does beside matrix products and attention, in one pass over memory each.
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/generated/Functions.h>

#include <cmath>

#include "blas.hpp"
#include "lipstorch.hpp"
#include "vectors.hpp"

using namespace lips;

namespace {

// row ← (softmax(row) - the target's one) · factor; the loss.
template <class T>
inline __attribute__((always_inline)) T to_loss_slope(const T* logits, T* slope, int64_t classes, int64_t target, T factor) {
  T most = largest(logits, classes), own = logits[target], sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < classes; j++) {
    T e = exp_of_negative(logits[j] - most);
    slope[j] = e;
    sum += e;
  }
  T share = factor / sum;
#pragma omp simd
  for (int64_t j = 0; j < classes; j++) slope[j] *= share;
  slope[target] -= factor;
  return most + std::log(sum) - own;
}
LIPS_VECTORS float loss_slope(const float* l, float* s, int64_t classes, int64_t target, float factor) { return to_loss_slope(l, s, classes, target, factor); }
double loss_slope(const double* l, double* s, int64_t classes, int64_t target, double factor) { return to_loss_slope(l, s, classes, target, factor); }

// result ← gain·op(a)·op(b), or += that; a and b are matrices of the result's type.
void multiply(bool ta, bool tb, const at::Tensor& a, const at::Tensor& b, double gain, bool adds, at::Tensor& result) {
  auto x = a.contiguous(), y = b.contiguous();
  int64_t m = x.size(ta ? 1 : 0), k = x.size(ta ? 0 : 1), n = y.size(tb ? 0 : 1);
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "linear", [&] {
    parallel_gemm<scalar_t>(ta, tb, m, n, k, static_cast<scalar_t>(gain), x.data_ptr<scalar_t>(), x.size(1), y.data_ptr<scalar_t>(), y.size(1),
                            adds ? scalar_t(1) : scalar_t(0), result.data_ptr<scalar_t>(), n);
  });
}

// bias + gain·x·weightᵀ. Where x is gelu(before), what is kept is `before`, which the gelu keeps anyway, and x is computed again.
struct Linear : torch::autograd::Function<Linear> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, const c10::optional<at::Tensor>& given_bias,
                            const c10::optional<at::Tensor>& given_before, const std::string& approximate, double gain) {
    auto bias = given_bias.value_or(at::Tensor()), before = given_before.value_or(at::Tensor());
    context->save_for_backward({before.defined() ? before : x, weight});
    context->saved_data["again"] = before.defined();
    context->saved_data["approximate"] = approximate;
    context->saved_data["gain"] = gain;
    context->saved_data["bias"] = bias.defined();
    auto rows = x.reshape({-1, x.size(-1)});
    auto sizes = x.sizes().vec();
    sizes.back() = weight.size(0);
    auto result = at::empty(sizes, x.options());
    // a copy also for one row, where the bias expanded would be the bias itself
    if (bias.defined()) result.copy_(bias);
    multiply(false, true, rows, weight, gain, bias.defined(), result);
    return result;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list slopes) {
    torch::autograd::variable_list result(6);
    if (!slopes[0].defined()) return result;
    auto saved = context->get_saved_variables();
    auto &kept = saved[0], &weight = saved[1];
    double gain = context->saved_data["gain"].toDouble();
    bool further = at::GradMode::is_enabled();
    auto slope = (further ? slopes[0] : with_memory(slopes[0])).reshape({-1, weight.size(0)});
    // The gain goes into the product itself; where a graph is wanted, it is an operator of its own.
    auto product = [&](bool transposed, const at::Tensor& a, const at::Tensor& b) {
      if (further) return (transposed ? a.t() : a).mm(b) * gain;
      auto to = at::empty({a.size(transposed ? 1 : 0), b.size(1)}, a.options());
      multiply(transposed, false, a, b, gain, false, to);
      return to;
    };
    if (context->needs_input_grad(1)) {
      auto x = context->saved_data["again"].toBool() ? at::gelu(kept, context->saved_data["approximate"].toStringRef()) : kept;
      result[1] = product(true, slope, x.reshape({-1, x.size(-1)}));
    }
    if (context->needs_input_grad(0)) result[0] = product(false, slope, weight).view(kept.sizes());
    if (context->saved_data["bias"].toBool()) result[2] = slope.sum(0);
    return result;
  }
};

// Whether nothing but the model's own reference stands in the way of writing over these logits: a matrix product, seen through views.
bool may_overwrite(const at::Tensor& logits) {
  auto node = logits.grad_fn();
  for (int i = 0; node && i < 8; i++) {
    if (dynamic_cast<torch::autograd::CppNode<Linear>*>(node.get())) return true;
    auto name = node->name();
    if (name == "AddmmBackward0" || name == "MmBackward0") return true;
    if (name != "ViewBackward0" && name != "UnsafeViewBackward0" && name != "ReshapeAliasBackward0" && name != "AliasBackward0") return false;
    node = node->next_edge(0).function;
  }
  return false;
}

struct CrossEntropy : torch::autograd::Function<CrossEntropy> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& logits, const at::Tensor& target, int64_t ignored, bool overwrite) {
    auto rows = logits.size(0), classes = logits.size(1);
    auto ids = target.data_ptr<int64_t>();
    int64_t counted = 0;
    for (int64_t i = 0; i < rows; i++)
      if (ids[i] != ignored) {
        TORCH_CHECK(ids[i] >= 0 && ids[i] < classes, "target ", ids[i], " is out of the ", classes, " classes");
        counted++;
      }
    auto slope = overwrite ? logits.detach() : at::empty_like(logits);
    std::vector<double> losses(rows, 0.0);
    AT_DISPATCH_FLOATING_TYPES(logits.scalar_type(), "cross_entropy", [&] {
      auto from = logits.data_ptr<scalar_t>();
      auto to = slope.data_ptr<scalar_t>();
      auto factor = static_cast<scalar_t>(1.0 / counted);
      at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++)
          if (ids[i] == ignored) std::fill_n(to + i * classes, classes, scalar_t(0));
          else losses[i] = loss_slope(from + i * classes, to + i * classes, classes, ids[i], factor);
      });
    });
    double sum = 0;
    for (double loss : losses) sum += loss;
    // whoever has kept the logits for a backward pass of its own shall hear of it
    if (overwrite) logits.unsafeGetTensorImpl()->bump_version();
    context->saved_data["slope"] = slope;
    return at::scalar_tensor(sum / counted, logits.options());
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list slopes) {
    if (!slopes[0].defined()) return {{}, {}, {}, {}};
    TORCH_CHECK(!at::GradMode::is_enabled(), "this cross-entropy has no second derivative; torch.nn.functional.cross_entropy has");
    auto found = context->saved_data.find("slope");
    TORCH_CHECK(found != context->saved_data.end(), "this cross-entropy has one backward pass, and it is done; torch.nn.functional.cross_entropy has more");
    auto slope = std::move(found->second).toTensor();
    context->saved_data.erase(found);
    double factor = with_memory(slopes[0]).item<double>();
    if (factor != 1) slope.mul_(factor);
    return {slope, {}, {}, {}};
  }
};

template <class T>
inline __attribute__((always_inline)) void to_mix(const T* a, T keep, const T* b, T share, T* to, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; i++) to[i] = keep * a[i] + share * b[i];
}
LIPS_VECTORS void mix(const float* a, float keep, const float* b, float share, float* to, int64_t n) { to_mix(a, keep, b, share, to, n); }
LIPS_VECTORS void mix(const double* a, double keep, const double* b, double share, double* to, int64_t n) { to_mix(a, keep, b, share, to, n); }

// keep·a + share·b.
struct Mix : torch::autograd::Function<Mix> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& a, double keep, const at::Tensor& b, double share) {
    context->saved_data["keep"] = keep;
    context->saved_data["share"] = share;
    auto result = at::empty_like(a);
    AT_DISPATCH_FLOATING_TYPES(a.scalar_type(), "mix", [&] {
      auto x = a.data_ptr<scalar_t>(), y = b.data_ptr<scalar_t>(), to = result.data_ptr<scalar_t>();
      at::parallel_for(0, a.numel(), 16384, [&](int64_t begin, int64_t end) {
        mix(x + begin, static_cast<scalar_t>(keep), y + begin, static_cast<scalar_t>(share), to + begin, end - begin);
      });
    });
    return result;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list slopes) {
    if (!slopes[0].defined()) return {{}, {}, {}, {}};
    return {slopes[0] * context->saved_data["keep"].toDouble(), {}, slopes[0] * context->saved_data["share"].toDouble(), {}};
  }
};

struct AdamW {
  double kept, first, second, root, epsilon, rate;  // 1 - rate·decay, β₁, β₂, 1/√(1 - β₂ⁿ), ε, rate/(1 - β₁ⁿ)
};

template <class T>
inline __attribute__((always_inline)) void to_updated(T* value, const T* slope, T* first, T* second, int64_t n, const AdamW& s) {
  T kept = s.kept, b1 = s.first, a1 = 1 - s.first, b2 = s.second, a2 = 1 - s.second, root = s.root, epsilon = s.epsilon, rate = s.rate;
#pragma omp simd
  for (int64_t i = 0; i < n; i++) {
    T g = slope[i], m = b1 * first[i] + a1 * g, v = b2 * second[i] + a2 * g * g;
    first[i] = m;
    second[i] = v;
    value[i] = kept * value[i] - rate * m / (square_root(v) * root + epsilon);
  }
}
LIPS_VECTORS void updated(float* value, const float* slope, float* first, float* second, int64_t n, const AdamW& s) { to_updated(value, slope, first, second, n, s); }
LIPS_VECTORS void updated(double* value, const double* slope, double* first, double* second, int64_t n, const AdamW& s) { to_updated(value, slope, first, second, n, s); }

}  // namespace

// The mean cross-entropy of `logits` [n, classes] on the CPU, without the rows whose target is `ignored`. Its slope is made at once, in the
// memory of the logits where they are nobody else's (`consumes`): they are not to be read afterwards. Returns 1 where libtorch's own is to be used.
LIPS_API int32_t lips_cross_entropy(void* logits_handle, void* target_handle, int64_t ignored, int32_t consumes, void** out) {
  return guarded("cross_entropy", [&] {
    auto logits = borrow(logits_handle), target = borrow(target_handle);
    auto type = logits.scalar_type();
    if (!has_memory(logits) || !logits.device().is_cpu() || (type != at::kFloat && type != at::kDouble) || logits.dim() != 2 || logits.numel() == 0 || !logits.is_contiguous() ||
        target.scalar_type() != at::kLong || !at::GradMode::is_enabled() || !logits.requires_grad())
      return 1;
    *out = own(CrossEntropy::apply(logits, target.contiguous(), ignored, consumes != 0 && may_overwrite(logits)));
    return 0;
  });
}

// bias + gain·x·weightᵀ over the last axis, on the CPU; returns 1 where the composed form is to be used.
LIPS_API int32_t lips_linear(void* x_handle, void* weight_handle, void* bias_handle, double gain, void** out) {
  return guarded("linear", [&] {
    if (autocasts()) return 1;
    auto x = borrow(x_handle), weight = borrow(weight_handle), bias = borrow(bias_handle);
    auto type = x.scalar_type();
    if (!has_memory(x) || !has_memory(weight) || (bias.defined() && !has_memory(bias)) || !Blas::get().usable() || !x.device().is_cpu() || !weight.device().is_cpu() || (type != at::kFloat && type != at::kDouble) || weight.scalar_type() != type ||
        x.dim() < 2 || x.numel() == 0 || weight.dim() != 2 || weight.numel() == 0 || x.size(-1) != weight.size(1) ||
        (bias.defined() && (bias.scalar_type() != type || bias.dim() != 1 || bias.size(0) != weight.size(0))))
      return 1;
    at::Tensor before;
    std::string approximate;
    if (at::GradMode::is_enabled() && weight.requires_grad())
      if (auto gelu = dynamic_cast<torch::autograd::generated::GeluBackward0*>(x.grad_fn().get())) {
        before = gelu->self_.unpack();
        approximate = gelu->approximate;
      }
    *out = own(Linear::apply(x, weight, c10::optional<at::Tensor>(bias), c10::optional<at::Tensor>(before), approximate, gain));
    return 0;
  });
}

// keep·a + share·b for tensors of one shape on the CPU; returns 1 where the composed form is to be used.
LIPS_API int32_t lips_mix(void* a_handle, double keep, void* b_handle, double share, void** out) {
  return guarded("mix", [&] {
    auto a = borrow(a_handle), b = borrow(b_handle);
    auto type = a.scalar_type();
    if (!has_memory(a) || !has_memory(b) || !a.device().is_cpu() || !b.device().is_cpu() || (type != at::kFloat && type != at::kDouble) || b.scalar_type() != type || a.sizes() != b.sizes() ||
        !a.is_contiguous() || !b.is_contiguous())
      return 1;
    *out = own(Mix::apply(a, keep, b, share));
    return 0;
  });
}

// One step of AdamW for `count` weights with their gradients and moments; returns 1, having done nothing, where a list of
// operators is to do it. All that is computed about the step as a whole comes from the caller.
LIPS_API int32_t lips_adamw(void* const* values, void* const* slopes, void* const* firsts, void* const* seconds, int32_t count,
                            double kept, double beta1, double beta2, double root, double epsilon, double rate) {
  return guarded("adamw", [&] {
    auto v = borrow_all(values, count), g = borrow_all(slopes, count), m = borrow_all(firsts, count), s = borrow_all(seconds, count);
    for (int i = 0; i < count; i++) {
      auto type = v[i].scalar_type();
      if (type != at::kFloat && type != at::kDouble) return 1;
      for (auto tensor : {&v[i], &g[i], &m[i], &s[i]})
        if (!has_memory(*tensor) || !tensor->device().is_cpu() || tensor->scalar_type() != type || !tensor->is_non_overlapping_and_dense() || tensor->strides() != v[i].strides() ||
            tensor->sizes() != v[i].sizes())
          return 1;
    }
    AdamW step{kept, beta1, beta2, root, epsilon, rate};
    for (int i = 0; i < count; i++) {
      AT_DISPATCH_FLOATING_TYPES(v[i].scalar_type(), "adamw", [&] {
        auto value = v[i].data_ptr<scalar_t>(), first = m[i].data_ptr<scalar_t>(), second = s[i].data_ptr<scalar_t>();
        auto slope = g[i].data_ptr<scalar_t>();
        at::parallel_for(0, v[i].numel(), 16384, [&](int64_t begin, int64_t end) {
          updated(value + begin, slope + begin, first + begin, second + begin, end - begin, step);
        });
      });
      v[i].unsafeGetTensorImpl()->bump_version();
    }
    return 0;
  });
}
