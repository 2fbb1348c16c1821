// Products of batches of matrices on the CPU, into memory that is there: on libtorch's own threads, each product a call of one of them.
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include "blas.hpp"
#include "lipstorch.hpp"

using namespace lips;

namespace {

// How a BLAS reads the matrices of a batch [batch, rows, columns]: row by row, or the transposes.
struct Layout {
  bool known = false, transposed = false;
  int64_t stride = 0, apart = 0;

  explicit Layout(const at::Tensor& x) {
    if (x.dim() != 3) return;
    apart = x.stride(0);
    int64_t rows = x.size(1), columns = x.size(2);
    if (columns == 1 || x.stride(2) == 1) known = rows == 1 || x.stride(1) >= columns, stride = rows == 1 ? columns : x.stride(1);
    if (known) return;
    if (rows == 1 || x.stride(1) == 1) known = columns == 1 || x.stride(2) >= rows, stride = columns == 1 ? rows : x.stride(2), transposed = true;
  }
};

bool takes(const at::Tensor& x) {
  return x.device().is_cpu() && x.scalar_type() == at::kFloat && has_memory(x) && x.dim() == 3 && x.numel() > 0 && !(at::GradMode::is_enabled() && x.requires_grad());
}

constexpr int64_t kTile = 128;

// Entry (i, j) to (j, i) for the rows and columns of a tile below the diagonal or on it, by squares of a cache line a side.
void mirror(float* c, int64_t n, int64_t top, int64_t bottom, int64_t left, int64_t right) {
  constexpr int64_t side = 16;
  for (int64_t i0 = top; i0 < bottom; i0 += side)
    for (int64_t j0 = left; j0 < std::min(right, i0 + side); j0 += side)
      for (int64_t i = i0; i < std::min(bottom, i0 + side); i++)
        for (int64_t j = j0; j < std::min({right, j0 + side, i}); j++) c[j * n + i] = c[i * n + j];
}

}  // namespace

// result ← beta·result + alpha·a·b for float32 matrices [batch, ...] without gradients; a beta of 0 reads nothing. Returns 1, having
// done nothing, where libtorch's operator is to be used.
LIPS_API int32_t lips_multiply_into(void* result_handle, void* a_handle, void* b_handle, double beta, double alpha) {
  return guarded("multiply_into", [&] {
    auto result = borrow(result_handle), a = borrow(a_handle), b = borrow(b_handle);
    if (!Blas::get().usable() || !takes(result) || !takes(a) || !takes(b)) return 1;
    int64_t batch = result.size(0), m = result.size(1), n = result.size(2), k = a.size(2);
    if (a.size(0) != batch || b.size(0) != batch || a.size(1) != m || b.size(1) != k || b.size(2) != n) return 1;
    Layout x(a), y(b), to(result);
    if (!x.known || !y.known || !to.known) return 1;
    auto p = a.data_ptr<float>(), q = b.data_ptr<float>(), c = result.data_ptr<float>();
    if (to.transposed) {
      std::swap(x, y), std::swap(p, q), std::swap(m, n);
      x.transposed = !x.transposed, y.transposed = !y.transposed;
    }
    auto factor = static_cast<float>(alpha), kept = static_cast<float>(beta);
    if (batch < at::get_num_threads()) {
      for (int64_t i = 0; i < batch; i++)
        parallel_gemm<float>(x.transposed, y.transposed, m, n, k, factor, p + i * x.apart, x.stride, q + i * y.apart, y.stride, kept, c + i * to.apart, to.stride);
    } else {
      OneBlasThread one;
      at::parallel_for(0, batch, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++)
          Blas::get().gemm(x.transposed, y.transposed, m, n, k, factor, p + i * x.apart, x.stride, q + i * y.apart, y.stride, kept, c + i * to.apart, to.stride);
      });
    }
    result.unsafeGetTensorImpl()->bump_version();
    return 0;
  });
}

// result ← alpha·a·b, [batch, n, n] in one piece, of which is known that it is symmetric: tiles on the diagonal and below it are computed,
// and copied to the other side. Returns 1, having done nothing, where libtorch's operator is to be used.
LIPS_API int32_t lips_symmetric_product(void* result_handle, void* a_handle, void* b_handle, double alpha) {
  return guarded("symmetric_product", [&] {
    auto result = borrow(result_handle), a = borrow(a_handle), b = borrow(b_handle);
    if (!Blas::get().usable() || !takes(result) || !takes(a) || !takes(b) || !result.is_contiguous()) return 1;
    int64_t batch = result.size(0), n = result.size(1), k = a.size(2);
    if (result.size(2) != n || a.size(0) != batch || b.size(0) != batch || a.size(1) != n || b.size(1) != k || b.size(2) != n) return 1;
    Layout x(a), y(b);
    if (!x.known || !y.known) return 1;
    auto p = a.data_ptr<float>(), q = b.data_ptr<float>(), c = result.data_ptr<float>();
    auto factor = static_cast<float>(alpha);
    int64_t sides = (n + kTile - 1) / kTile, tiles = sides * (sides + 1) / 2;
    OneBlasThread one;
    at::parallel_for(0, batch * tiles, 1, [&](int64_t begin, int64_t end) {
      for (int64_t item = begin; item < end; item++) {
        int64_t matrix = item / tiles, tile = item % tiles, row = 0;
        while (tile > row) tile -= ++row;
        int64_t top = row * kTile, left = tile * kTile, rows = std::min(kTile, n - top), columns = std::min(kTile, n - left);
        auto from = p + matrix * x.apart + (x.transposed ? top : top * x.stride), other = q + matrix * y.apart + (y.transposed ? left * y.stride : left);
        auto to = c + matrix * n * n;
        Blas::get().gemm(x.transposed, y.transposed, rows, columns, k, factor, from, x.stride, other, y.stride, 0.0f, to + top * n + left, n);
        mirror(to, n, top, top + rows, left, left + columns);
      }
    });
    result.unsafeGetTensorImpl()->bump_version();
    return 0;
  });
}
