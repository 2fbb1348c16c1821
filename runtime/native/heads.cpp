// Queries, keys and values out of one matrix product, queries and keys turned by their position, by libtorch's operators and so on any
// device. Its gradient is written into one tensor: that of slices and sums would fill and add tensors of all heads for each of them.
#include <torch/csrc/autograd/custom_function.h>

#include "lipstorch.hpp"

using namespace lips;

namespace {

// to ← from, [batch, length, heads, width], with its channel pairs (k, k + half) turned by the position's angle, or back; cosine and
// sine are [length, half].
void turn(const at::Tensor& from, const at::Tensor& cosine, const at::Tensor& sine, bool back, at::Tensor to) {
  auto half = cosine.size(1), width = from.size(3);
  auto c = cosine.unsqueeze(1), s = sine.unsqueeze(1);
  auto a = from.narrow(3, 0, half), b = from.narrow(3, half, half), x = to.narrow(3, 0, half), y = to.narrow(3, half, half);
  at::mul_out(x, a, c);
  at::mul_out(y, b, c);
  x.addcmul_(b, s, back ? 1 : -1);
  y.addcmul_(a, s, back ? -1 : 1);
  if (2 * half < width) to.narrow(3, 2 * half, width - 2 * half).copy_(from.narrow(3, 2 * half, width - 2 * half));
}

// The same as a new tensor, differentiable.
at::Tensor turned(const at::Tensor& from, const at::Tensor& cosine, const at::Tensor& sine, bool back) {
  auto half = cosine.size(1);
  auto c = cosine.unsqueeze(1), s = back ? sine.unsqueeze(1).neg() : sine.unsqueeze(1);
  auto a = from.narrow(3, 0, half), b = from.narrow(3, half, half);
  return at::cat({a * c - b * s, a * s + b * c, from.narrow(3, 2 * half, from.size(3) - 2 * half)}, 3);
}

struct Heads : torch::autograd::Function<Heads> {
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context, const at::Tensor& all, const at::Tensor& cosine, const at::Tensor& sine,
                                                int64_t heads, int64_t key_heads) {
    context->save_for_backward({cosine, sine});
    context->saved_data["heads"] = heads;
    context->saved_data["sizes"] = all.sizes();
    auto parts = all.view({all.size(0), all.size(1), heads + 2 * key_heads, -1});
    auto facing = heads + key_heads;
    auto asked = at::empty({parts.size(0), parts.size(1), facing, parts.size(3)}, parts.options());
    turn(parts.narrow(2, 0, facing), cosine, sine, false, asked);
    return {asked.narrow(2, 0, heads), asked.narrow(2, heads, key_heads), parts.narrow(2, facing, key_heads)};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list slopes) {
    auto saved = context->get_saved_variables();
    auto &cosine = saved[0], &sine = saved[1];
    auto q = slopes[0], k = slopes[1], v = slopes[2];
    at::Tensor result;
    if (at::GradMode::is_enabled()) {
      result = at::cat({turned(q, cosine, sine, true), turned(k, cosine, sine, true), v}, 2);
    } else {
      auto heads = q.size(2), key_heads = k.size(2);
      result = at::empty({q.size(0), q.size(1), heads + 2 * key_heads, q.size(3)}, q.options());
      turn(q, cosine, sine, true, result.narrow(2, 0, heads));
      turn(k, cosine, sine, true, result.narrow(2, heads, key_heads));
      result.narrow(2, heads + key_heads, key_heads).copy_(v);
    }
    return {result.reshape(context->saved_data["sizes"].toIntVector()), {}, {}, {}, {}};
  }
};

}  // namespace

// `all` is [batch, length, (heads + 2·key_heads)·width], contiguous: a row holds the queries of all heads, then keys, then values. Gives each
// as [batch, length, its heads, width], queries and keys turned. Returns 1 where the composed form is to be used.
LIPS_API int32_t lips_heads(void* all_handle, void* cosine_handle, void* sine_handle, int64_t heads, int64_t key_heads, void** q, void** k, void** v) {
  return guarded("heads", [&] {
    auto all = borrow(all_handle), cosine = borrow(cosine_handle), sine = borrow(sine_handle);
    if (all.dim() != 3 || all.numel() == 0 || !all.is_contiguous() || cosine.scalar_type() != all.scalar_type()) return 1;
    auto parts = Heads::apply(all, cosine, sine, heads, key_heads);
    *q = own(parts[0]);
    *k = own(parts[1]);
    *v = own(parts[2]);
    return 0;
  });
}
