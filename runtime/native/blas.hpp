// Matrix products of the libraries that libtorch computes with, called from within a parallel region.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace lips {

// Whether a kernel may read the tensor's memory as it stands: autograd passes zeros around that have none.
inline bool has_memory(const at::Tensor& tensor) { return !tensor._is_zerotensor() && !tensor.is_neg(); }

inline at::Tensor with_memory(const at::Tensor& tensor) {
  return tensor._is_zerotensor() ? at::zeros(tensor.sizes(), tensor.options()) : tensor.resolve_neg();
}

// Row-major C[m, n] = alpha·op(A)·op(B) + beta·C, on the thread that calls.
struct Blas {
  using Sgemm = void (*)(const char*, const char*, const int*, const int*, const int*, const float*, const float*, const int*, const float*,
                         const int*, const float*, float*, const int*);
  using Dgemm = void (*)(const char*, const char*, const int*, const int*, const int*, const double*, const double*, const int*, const double*,
                         const int*, const double*, double*, const int*);
  Sgemm sgemm = reinterpret_cast<Sgemm>(dlsym(RTLD_DEFAULT, "sgemm_"));
  Dgemm dgemm = reinterpret_cast<Dgemm>(dlsym(RTLD_DEFAULT, "dgemm_"));
  // oneDNN's, row-major, which libtorch calls for convolutions: with vectors of 512 bits it is ahead of OpenBLAS, with others it need not be.
  using Onednn = int (*)(char, char, int64_t, int64_t, int64_t, float, const float*, int64_t, const float*, int64_t, float, float*, int64_t);
  Onednn onednn = chosen_onednn();
  int (*get_threads)() = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_num_threads"));
  void (*set_threads)(int) = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));

  static const Blas& get() {
    static const Blas blas;
    return blas;
  }

  // Only OpenBLAS can be told to leave the threads to us.
  bool usable() const { return sgemm && dgemm && get_threads && set_threads; }

  void gemm(bool ta, bool tb, int m, int n, int k, float alpha, const float* a, int lda, const float* b, int ldb, float beta, float* c, int ldc) const {
    if (onednn && onednn(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) == 0) return;
    sgemm(tb ? "T" : "N", ta ? "T" : "N", &n, &m, &k, &alpha, b, &ldb, a, &lda, &beta, c, &ldc);
  }
  void gemm(bool ta, bool tb, int m, int n, int k, double alpha, const double* a, int lda, const double* b, int ldb, double beta, double* c, int ldc) const {
    dgemm(tb ? "T" : "N", ta ? "T" : "N", &n, &m, &k, &alpha, b, &ldb, a, &lda, &beta, c, &ldc);
  }

 private:
  static Onednn chosen_onednn() {
#if defined(__x86_64__) && defined(__GNUC__)
    auto chosen = std::getenv("LIPS_PRODUCTS");
    if (!__builtin_cpu_supports("avx512f") || (chosen && std::strcmp(chosen, "blas") == 0)) return nullptr;
    return reinterpret_cast<Onednn>(dlsym(RTLD_DEFAULT, "dnnl_sgemm"));
#else
    return nullptr;
#endif
  }
};

// While it lives, each product stays on the thread that asks for it.
class OneBlasThread {
 public:
  OneBlasThread() : before_(Blas::get().get_threads()) {
    if (before_ != 1) Blas::get().set_threads(1);
  }
  ~OneBlasThread() {
    if (before_ != 1) Blas::get().set_threads(before_);
  }

 private:
  int before_;
};

// The same on all threads of libtorch's own pool, each with a part of C: a BLAS with threads of its own lets those of the two wait for each other.
template <class T>
void parallel_gemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, T alpha, const T* a, int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  OneBlasThread one;
  auto& blas = Blas::get();
  int64_t threads = static_cast<double>(m) * n * k < 1 << 19 ? 1 : at::get_num_threads(), down = 1;
  // parts as square as can be: each packs its rows of A and its columns of B
  for (int64_t d = 1; d <= threads; d++)
    if (threads % d == 0 && m / d + n / (threads / d) < m / down + n / (threads / down)) down = d;
  int64_t across = threads / down, rows = ((m + down - 1) / down + 15) / 16 * 16, columns = ((n + across - 1) / across + 15) / 16 * 16;
  at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; part++) {
      int64_t i = part / across * rows, j = part % across * columns;
      if (i >= m || j >= n) continue;
      blas.gemm(ta, tb, std::min(rows, m - i), std::min(columns, n - j), k, alpha, a + (ta ? i : i * lda), lda, b + (tb ? j * ldb : j), ldb, beta, c + i * ldc + j, ldc);
    }
  });
}

}  // namespace lips

// A loop's code for the vector units there are; libtorch's own kernels choose in the same way.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define LIPS_VECTORS __attribute__((target_clones("arch=skylake-avx512", "arch=haswell", "default")))
#else
#define LIPS_VECTORS
#endif
