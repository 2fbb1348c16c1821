// Shapes without values for operators that libtorch has no `meta` kernel of, so that a model can be run on the meta device
// there too. 1.13 has fewer of them than later versions, and in all of them many are written in Python, which is not here. Each
// gives an empty tensor of the result's shape and element type, and is registered where this libtorch has none.
#include <ATen/ATen.h>
#include <ATen/ExpandUtils.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <cstring>

namespace {

using at::IntArrayRef;
using at::Tensor;
using Optional = c10::optional<Tensor>;

Tensor same(const Tensor& self) { return at::empty(self.sizes(), self.options()); }

Tensor truth(const Tensor& self) { return at::empty(self.sizes(), self.options().dtype(at::kBool)); }

Tensor truth_of_both(const Tensor& self, const Tensor& other) {
  return at::empty(at::infer_size(self.sizes(), other.sizes()), self.options().dtype(at::kBool));
}

Tensor& truth_of_both_into(const Tensor& self, const Tensor& other, Tensor& out) {
  out.resize_(at::infer_size(self.sizes(), other.sizes()));
  return out;
}

Tensor shuffled(const Tensor& self, IntArrayRef) { return same(self); }

Tensor rolled(const Tensor& self, IntArrayRef, IntArrayRef) { return same(self); }

Tensor chosen(const Tensor& condition, const Tensor& self, const Tensor& other) {
  auto sizes = at::infer_size(condition.sizes(), at::infer_size(self.sizes(), other.sizes()));
  return at::empty(sizes, self.options().dtype(at::result_type(self, other)));
}

Tensor& chosen_into(const Tensor& condition, const Tensor& self, const Tensor& other, Tensor& out) {
  out.resize_(at::infer_size(condition.sizes(), at::infer_size(self.sizes(), other.sizes())));
  return out;
}

Tensor selected(const Tensor& self, int64_t dim, const Tensor& index) {
  auto sizes = self.sizes().vec();
  sizes[at::maybe_wrap_dim(dim, self.dim())] = index.numel();
  return at::empty(sizes, self.options());
}

// self, dim?, correction?, keepdim; one tensor, or with the mean two. Boxed, for the correction's type is not the same in all versions.
template <int results>
void spread(const c10::OperatorHandle&, torch::jit::Stack* stack) {
  auto arguments = torch::jit::last(*stack, 4);
  auto self = arguments[0].toTensor();
  auto dims = arguments[1].isNone() ? std::vector<int64_t>() : arguments[1].toIntVector();
  bool keepdim = arguments[3].toBool();
  std::vector<bool> reduced(self.dim(), dims.empty());
  for (auto d : dims) reduced[at::maybe_wrap_dim(d, self.dim())] = true;
  std::vector<int64_t> sizes;
  for (int64_t i = 0; i < self.dim(); i++)
    if (!reduced[i] || keepdim) sizes.push_back(reduced[i] ? 1 : self.size(i));
  torch::jit::drop(*stack, 4);
  for (int i = 0; i < results; i++) stack->emplace_back(at::empty(sizes, self.options()));
}

Tensor embedding_slope(const Tensor& slope, const Tensor&, int64_t rows, int64_t, bool) { return at::empty({rows, slope.size(-1)}, slope.options()); }

Tensor unfolding_slope(const Tensor& slope, IntArrayRef sizes, int64_t, int64_t, int64_t) { return at::empty(sizes, slope.options()); }

std::tuple<Tensor, Tensor, Tensor> batch_norm(const Tensor& input, const Optional&, const Optional&, const Optional&, const Optional&,
                                              bool training, double, double) {
  int64_t kept = training ? input.size(1) : 0;
  return std::make_tuple(same(input), at::empty({kept}, input.options()), at::empty({kept}, input.options()));
}

int64_t positions(int64_t size, int64_t padding, int64_t dilation, int64_t kernel, int64_t stride) {
  return (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
}

Tensor convolution(const Tensor& input, const Tensor& weight, const Optional&, IntArrayRef stride, IntArrayRef padding, IntArrayRef dilation,
                   bool transposed, IntArrayRef, int64_t groups) {
  TORCH_CHECK(!transposed, "transposed convolutions have no shape rule on the meta device of this libtorch");
  TORCH_CHECK(input.size(1) == weight.size(1) * groups, "the weight takes ", weight.size(1) * groups, " channels, the input has ", input.size(1));
  std::vector<int64_t> sizes{input.size(0), weight.size(0)};
  for (int64_t i = 2; i < input.dim(); i++)
    sizes.push_back(positions(input.size(i), padding[i - 2], dilation[i - 2], weight.size(i), stride[i - 2]));
  return at::empty(sizes, input.options());
}

Tensor columns(const Tensor& self, IntArrayRef kernel, IntArrayRef dilation, IntArrayRef padding, IntArrayRef stride) {
  auto rows = positions(self.size(-2), padding[0], dilation[0], kernel[0], stride[0]);
  auto across = positions(self.size(-1), padding[1], dilation[1], kernel[1], stride[1]);
  return at::empty({self.size(0), self.size(1) * kernel[0] * kernel[1], rows * across}, self.options());
}

Tensor reflected(const Tensor& self, IntArrayRef padding) {
  auto sizes = self.sizes().vec();
  for (size_t i = 0; 2 * i < padding.size(); i++) sizes[sizes.size() - 1 - i] += padding[2 * i] + padding[2 * i + 1];
  return at::empty(sizes, self.options());
}

template <class Kernel>
void add(torch::Library& m, const char* name, Kernel&& kernel) {
  auto point = std::strchr(name, '.');
  auto op = c10::Dispatcher::singleton().findSchema({"aten::" + (point ? std::string(name, point) : std::string(name)), point ? point + 1 : ""});
  if (op && !op->hasKernelForDispatchKey(c10::DispatchKey::Meta)) m.impl(name, std::forward<Kernel>(kernel));
}

TORCH_LIBRARY_IMPL(aten, Meta, m) {
  add(m, "abs", same);
  add(m, "relu", same);
  add(m, "logical_not", truth);
  add(m, "logical_and", truth_of_both);
  add(m, "logical_and.out", truth_of_both_into);
  add(m, "embedding_dense_backward", embedding_slope);
  add(m, "unfold_backward", unfolding_slope);
  add(m, "logical_or", truth_of_both);
  add(m, "logical_xor", truth_of_both);
  add(m, "flip", shuffled);
  add(m, "roll", rolled);
  add(m, "where.self", chosen);
  add(m, "where.self_out", chosen_into);
  add(m, "index_select", selected);
  add(m, "var.correction", torch::CppFunction::makeFromBoxedFunction<&spread<1>>());
  add(m, "std.correction", torch::CppFunction::makeFromBoxedFunction<&spread<1>>());
  add(m, "var_mean.correction", torch::CppFunction::makeFromBoxedFunction<&spread<2>>());
  add(m, "native_batch_norm", batch_norm);
  add(m, "convolution_overrideable", convolution);
  add(m, "im2col", columns);
  add(m, "reflection_pad2d", reflected);
}

}  // namespace
