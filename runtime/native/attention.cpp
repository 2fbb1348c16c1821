// Softmax attention of a sequence to itself on the CPU. A block of queries at a time meets the keys it may see and no
// others, so that nothing of length × length is ever kept: the backward pass computes the probabilities again from the
// logarithms of their sums (Dao et al. 2022). Its own gradient is that of the composed form.
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>

#include "blas.hpp"
#include "lipstorch.hpp"
#include "vectors.hpp"

using namespace lips;

namespace {

constexpr int64_t kQueries = 64;  // of a block

// Row r of the block is query first + r, which sees the keys up to itself where `causal`.
template <class T>
inline __attribute__((always_inline)) void to_probabilities(T* logits, int64_t rows, int64_t first, int64_t keys, bool causal, T* log_sums) {
  for (int64_t r = 0; r < rows; r++) {
    T* row = logits + r * keys;
    int64_t seen = causal ? first + r + 1 : keys;
    T most = largest(row, seen);
    T sum = exponentials(row, seen, most);
    T factor = 1 / sum;
#pragma omp simd
    for (int64_t j = 0; j < seen; j++) row[j] *= factor;
    for (int64_t j = seen; j < keys; j++) row[j] = 0;
    log_sums[r] = most + std::log(sum);
  }
}

// logits ← probabilities; slopes, those of the probabilities, ← those of the logits.
template <class T>
inline __attribute__((always_inline)) void to_logit_slopes(T* logits, T* slopes, int64_t rows, int64_t first, int64_t keys, bool causal,
                                                           const T* log_sums, const T* means) {
  for (int64_t r = 0; r < rows; r++) {
    T* row = logits + r * keys;
    T* slope = slopes + r * keys;
    int64_t seen = causal ? first + r + 1 : keys;
    T log_sum = log_sums[r], mean = means[r];
#pragma omp simd
    for (int64_t j = 0; j < seen; j++) {
      T p = exp_of_negative(row[j] - log_sum);
      row[j] = p;
      slope[j] = p * (slope[j] - mean);
    }
    for (int64_t j = seen; j < keys; j++) row[j] = slope[j] = 0;
  }
}

LIPS_VECTORS void probabilities(float* l, int64_t rows, int64_t first, int64_t keys, bool causal, float* s) {
  to_probabilities(l, rows, first, keys, causal, s);
}
void probabilities(double* l, int64_t rows, int64_t first, int64_t keys, bool causal, double* s) {
  to_probabilities(l, rows, first, keys, causal, s);
}
LIPS_VECTORS void logit_slopes(float* l, float* d, int64_t rows, int64_t first, int64_t keys, bool causal, const float* s, const float* m) {
  to_logit_slopes(l, d, rows, first, keys, causal, s, m);
}
void logit_slopes(double* l, double* d, int64_t rows, int64_t first, int64_t keys, bool causal, const double* s, const double* m) {
  to_logit_slopes(l, d, rows, first, keys, causal, s, m);
}

// The shapes of one call; a head's part of `qkv` has rows `stride` apart.
struct Shape {
  int64_t batch, length, heads, width, stride, half;
  double scale;
  bool causal;
  Shape(const at::Tensor& qkv, const at::Tensor& cosine, int64_t heads, double scale, bool causal)
      : batch(qkv.size(0)), length(qkv.size(1)), heads(heads), width(qkv.size(2) / 3 / heads), stride(qkv.size(2)),
        half(cosine.defined() ? cosine.size(1) : 0), scale(scale), causal(causal) {}
  int64_t all() const { return heads * width; }
};

// to[n, :] ← the row's channel pairs (k, k + half), turned by the position's angle, or back.
template <class T>
void turn(const Shape& s, const T* from, int64_t from_stride, const T* cosine, const T* sine, bool back, T* to, int64_t to_stride) {
  for (int64_t n = 0; n < s.length; n++, from += from_stride, to += to_stride) {
    const T *c = cosine + n * s.half, *d = sine + n * s.half;
    for (int64_t j = 0; j < s.half; j++) {
      T a = from[j], b = from[j + s.half], turned = back ? -d[j] : d[j];
      to[j] = a * c[j] - b * turned;
      to[j + s.half] = a * turned + b * c[j];
    }
    for (int64_t j = 2 * s.half; j < s.width; j++) to[j] = from[j];
  }
}

// One head of one sample: where its queries, keys and values lie, turned already.
template <class T>
struct Head {
  const T *q, *k, *v;
  int64_t q_stride, k_stride;
  std::vector<T> turned;

  Head(const Shape& s, const T* qkv, int64_t item, const T* cosine, const T* sine) {
    const T* at = qkv + item / s.heads * s.length * s.stride + item % s.heads * s.width;
    q = at, k = at + s.all(), v = at + 2 * s.all();
    q_stride = k_stride = s.stride;
    if (s.half == 0) return;
    turned.resize(2 * s.length * s.width);
    turn(s, q, s.stride, cosine, sine, false, turned.data(), s.width);
    turn(s, k, s.stride, cosine, sine, false, turned.data() + s.length * s.width, s.width);
    q = turned.data(), k = q + s.length * s.width;
    q_stride = k_stride = s.width;
  }

  void logits(const Shape& s, int64_t first, int64_t rows, int64_t keys, T* to) const {
    Blas::get().gemm(false, true, rows, keys, s.width, static_cast<T>(s.scale), q + first * q_stride, q_stride, k, k_stride, T(0), to, keys);
  }
};

template <class T>
const T* data_or_null(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<T>() : nullptr;
}

template <class T>
void forward(const Shape& s, const at::Tensor& qkv, const at::Tensor& cosine, const at::Tensor& sine, at::Tensor& out, at::Tensor& log_sums) {
  OneBlasThread one;
  const T *from = qkv.data_ptr<T>(), *c = data_or_null<T>(cosine), *d = data_or_null<T>(sine);
  T *to = out.data_ptr<T>(), *sums = log_sums.data_ptr<T>();
  at::parallel_for(0, s.batch * s.heads, 1, [&](int64_t begin, int64_t end) {
    std::vector<T> block(std::min(kQueries, s.length) * s.length);
    for (int64_t item = begin; item < end; item++) {
      Head<T> head(s, from, item, c, d);
      T* heads_out = to + item / s.heads * s.length * s.all() + item % s.heads * s.width;
      for (int64_t first = 0; first < s.length; first += kQueries) {
        int64_t rows = std::min(kQueries, s.length - first), keys = s.causal ? first + rows : s.length;
        head.logits(s, first, rows, keys, block.data());
        probabilities(block.data(), rows, first, keys, s.causal, sums + item * s.length + first);
        Blas::get().gemm(false, false, rows, s.width, keys, T(1), block.data(), keys, head.v, s.stride, T(0), heads_out + first * s.all(), s.all());
      }
    }
  });
}

template <class T>
void backward(const Shape& s, const at::Tensor& qkv, const at::Tensor& cosine, const at::Tensor& sine, const at::Tensor& out,
              const at::Tensor& log_sums, const at::Tensor& slope, at::Tensor& result) {
  OneBlasThread one;
  const T *from = qkv.data_ptr<T>(), *c = data_or_null<T>(cosine), *d = data_or_null<T>(sine);
  const T *values = out.data_ptr<T>(), *slopes = slope.data_ptr<T>(), *sums = log_sums.data_ptr<T>();
  T* to = result.data_ptr<T>();
  at::parallel_for(0, s.batch * s.heads, 1, [&](int64_t begin, int64_t end) {
    auto size = std::min(kQueries, s.length) * s.length;
    std::vector<T> block(size), block_slopes(size), turned(s.half ? 2 * s.length * s.width : 0);
    T means[kQueries];
    auto& blas = Blas::get();
    for (int64_t item = begin; item < end; item++) {
      Head<T> head(s, from, item, c, d);
      auto place = item / s.heads * s.length * s.all() + item % s.heads * s.width;
      T* result_q = to + item / s.heads * s.length * s.stride + item % s.heads * s.width;
      T *q_slope = result_q, *k_slope = result_q + s.all(), *v_slope = result_q + 2 * s.all();
      int64_t stride = s.stride;
      if (s.half) q_slope = turned.data(), k_slope = q_slope + s.length * s.width, stride = s.width;
      // The last block sees every key, and so writes what the others add to.
      for (int64_t first = (s.length - 1) / kQueries * kQueries; first >= 0; first -= kQueries) {
        int64_t rows = std::min(kQueries, s.length - first), keys = s.causal ? first + rows : s.length;
        T before = first + rows == s.length ? T(0) : T(1);
        const T* g = slopes + place + first * s.all();
        for (int64_t r = 0; r < rows; r++) {
          T sum = 0;
          const T* value = values + place + (first + r) * s.all();
          for (int64_t j = 0; j < s.width; j++) sum += g[r * s.all() + j] * value[j];
          means[r] = sum;
        }
        head.logits(s, first, rows, keys, block.data());
        blas.gemm(false, true, rows, keys, s.width, T(1), g, s.all(), head.v, s.stride, T(0), block_slopes.data(), keys);
        logit_slopes(block.data(), block_slopes.data(), rows, first, keys, s.causal, sums + item * s.length + first, means);
        blas.gemm(true, false, keys, s.width, rows, T(1), block.data(), keys, g, s.all(), before, v_slope, s.stride);
        blas.gemm(false, false, rows, s.width, keys, static_cast<T>(s.scale), block_slopes.data(), keys, head.k, head.k_stride, T(0), q_slope + first * stride, stride);
        blas.gemm(true, false, keys, s.width, rows, static_cast<T>(s.scale), block_slopes.data(), keys, head.q + first * head.q_stride, head.q_stride, before, k_slope, stride);
      }
      if (s.half) {
        turn(s, q_slope, s.width, c, d, true, result_q, s.stride);
        turn(s, k_slope, s.width, c, d, true, result_q + s.all(), s.stride);
      }
    }
  });
}

// The same with libtorch's operators, differentiable as often as one likes: the slope of `qkv`.
at::Tensor composed_backward(const at::Tensor& qkv, const at::Tensor& cosine, const at::Tensor& sine, int64_t heads, double scale, bool causal,
                             const at::Tensor& slope) {
  auto batch = qkv.size(0), length = qkv.size(1), width = qkv.size(2) / 3;
  auto parts = qkv.reshape({batch, length, 3, heads, width / heads}).permute({2, 0, 3, 1, 4});
  auto half = cosine.defined() ? cosine.size(1) : 0;
  auto turned = [&](const at::Tensor& x, bool back) {
    if (half == 0) return x;
    auto a = x.narrow(-1, 0, half), b = x.narrow(-1, half, half);
    auto d = back ? sine.neg() : sine;
    return at::cat({a * cosine - b * d, a * d + b * cosine, x.narrow(-1, 2 * half, x.size(-1) - 2 * half)}, -1);
  };
  auto q = turned(parts[0], false), k = turned(parts[1], false), v = parts[2];
  auto logits = (q * scale).matmul(k.transpose(-2, -1));
  if (causal) {
    auto ahead = at::ones({length, length}, qkv.options().dtype(at::kBool)).triu(1);
    logits = logits.masked_fill(ahead, -std::numeric_limits<double>::infinity());
  }
  auto p = logits.softmax(-1);
  auto g = slope.reshape({batch, length, heads, width / heads}).permute({0, 2, 1, 3});
  auto p_slope = g.matmul(v.transpose(-2, -1));
  auto logit_slope = p * (p_slope - (p * p_slope).sum(-1, true));
  auto q_slope = turned(logit_slope.matmul(k) * scale, true);
  auto k_slope = turned(logit_slope.transpose(-2, -1).matmul(q) * scale, true);
  auto v_slope = p.transpose(-2, -1).matmul(g);
  return at::stack({q_slope, k_slope, v_slope}).permute({1, 3, 0, 2, 4}).reshape(qkv.sizes());
}

struct Attention : torch::autograd::Function<Attention> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& qkv, const c10::optional<at::Tensor>& given_cosine,
                            const c10::optional<at::Tensor>& given_sine, int64_t heads, double scale, bool causal) {
    auto cosine = given_cosine.value_or(at::Tensor()), sine = given_sine.value_or(at::Tensor());
    Shape s(qkv, cosine, heads, scale, causal);
    auto out = at::empty({s.batch, s.length, s.all()}, qkv.options());
    auto log_sums = at::empty({s.batch, s.heads, s.length}, qkv.options());
    AT_DISPATCH_FLOATING_TYPES(qkv.scalar_type(), "attention", [&] { ::forward<scalar_t>(s, qkv, cosine, sine, out, log_sums); });
    context->save_for_backward({qkv, cosine, sine, out, log_sums});
    context->saved_data["heads"] = heads;
    context->saved_data["scale"] = scale;
    context->saved_data["causal"] = causal;
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list slopes) {
    auto saved = context->get_saved_variables();
    auto &qkv = saved[0], &cosine = saved[1], &sine = saved[2], &out = saved[3], &log_sums = saved[4];
    auto heads = context->saved_data["heads"].toInt();
    auto scale = context->saved_data["scale"].toDouble();
    auto causal = context->saved_data["causal"].toBool();
    at::Tensor result;
    if (!slopes[0].defined()) return {result, {}, {}, {}, {}, {}};
    if (at::GradMode::is_enabled()) {
      result = composed_backward(qkv, cosine, sine, heads, scale, causal, slopes[0]);
    } else {
      Shape s(qkv, cosine, heads, scale, causal);
      auto slope = with_memory(slopes[0]).contiguous();
      result = at::empty(qkv.sizes(), qkv.options());
      AT_DISPATCH_FLOATING_TYPES(qkv.scalar_type(), "attention", [&] { ::backward<scalar_t>(s, qkv, cosine, sine, out, log_sums, slope, result); });
    }
    return {result, {}, {}, {}, {}, {}};
  }
};

}  // namespace

// softmax(scale·q·kᵀ)·v for every head: `qkv` is [batch, length, 3·width] on the CPU, in which a row holds q, then k, then v,
// each with its heads side by side; the result is [batch, length, width]. Where given, `cosine` and `sine` [length, turned/2]
// turn queries and keys by their position. Returns 1 where the composed form is to be used.
LIPS_API int32_t lips_attention(void* qkv_handle, void* cosine_handle, void* sine_handle, int64_t heads, double scale, int32_t causal, void** out) {
  return guarded("attention", [&] {
    if (autocasts()) return 1;
    auto qkv = borrow(qkv_handle), cosine = borrow(cosine_handle), sine = borrow(sine_handle);
    auto type = qkv.scalar_type();
    if (!has_memory(qkv) || !Blas::get().usable() || !qkv.device().is_cpu() || (type != at::kFloat && type != at::kDouble) || qkv.dim() != 3 || qkv.numel() == 0) return 1;
    if (cosine.defined() && (cosine.scalar_type() != type || cosine.dim() != 2 || cosine.size(0) != qkv.size(1))) return 1;
    c10::optional<at::Tensor> c(cosine.defined() ? cosine.contiguous() : cosine), d(sine.defined() ? sine.contiguous() : sine);
    *out = own(Attention::apply(qkv.contiguous(), c, d, heads, scale, causal != 0));
    return 0;
  });
}
