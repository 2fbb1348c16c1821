// Shapes without values for operators that libtorch before 2.0 has no `meta` kernel of, so that a model can be run on
// the meta device there too. Each gives an empty tensor of the result's shape and element type.
#include <torch/version.h>
#if TORCH_VERSION_MAJOR < 2
#include <ATen/ATen.h>
#include <ATen/ExpandUtils.h>
#include <torch/library.h>

namespace {

using at::IntArrayRef;
using at::Tensor;
using Optional = c10::optional<Tensor>;

Tensor same(const Tensor& self) { return at::empty(self.sizes(), self.options()); }

Tensor truth(const Tensor& self) { return at::empty(self.sizes(), self.options().dtype(at::kBool)); }

Tensor truth_of_both(const Tensor& self, const Tensor& other) {
  return at::empty(at::infer_size(self.sizes(), other.sizes()), self.options().dtype(at::kBool));
}

Tensor shuffled(const Tensor& self, IntArrayRef) { return same(self); }

Tensor rolled(const Tensor& self, IntArrayRef, IntArrayRef) { return same(self); }

Tensor chosen(const Tensor& condition, const Tensor& self, const Tensor& other) {
  auto sizes = at::infer_size(condition.sizes(), at::infer_size(self.sizes(), other.sizes()));
  return at::empty(sizes, self.options().dtype(at::result_type(self, other)));
}

Tensor selected(const Tensor& self, int64_t dim, const Tensor& index) {
  auto sizes = self.sizes().vec();
  sizes[at::maybe_wrap_dim(dim, self.dim())] = index.numel();
  return at::empty(sizes, self.options());
}

Tensor spread(const Tensor& self, at::OptionalIntArrayRef dims, c10::optional<int64_t>, bool keepdim) {
  std::vector<bool> reduced(self.dim(), !dims || dims->empty());
  if (dims)
    for (auto d : *dims) reduced[at::maybe_wrap_dim(d, self.dim())] = true;
  std::vector<int64_t> sizes;
  for (int64_t i = 0; i < self.dim(); i++)
    if (!reduced[i] || keepdim) sizes.push_back(reduced[i] ? 1 : self.size(i));
  return at::empty(sizes, self.options());
}

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

TORCH_LIBRARY_IMPL(aten, Meta, m) {
  m.impl("abs", same);
  m.impl("relu", same);
  m.impl("logical_not", truth);
  m.impl("logical_and", truth_of_both);
  m.impl("logical_or", truth_of_both);
  m.impl("logical_xor", truth_of_both);
  m.impl("flip", shuffled);
  m.impl("roll", rolled);
  m.impl("where.self", chosen);
  m.impl("index_select", selected);
  m.impl("var.correction", spread);
  m.impl("std.correction", spread);
  m.impl("native_batch_norm", batch_norm);
  m.impl("convolution_overrideable", convolution);
  m.impl("im2col", columns);
  m.impl("reflection_pad2d", reflected);
}

}  // namespace
#endif
