// Loops over rows of numbers that the kernels share.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace lips {

// e^x for x ≤ 0 within 2 ulp, 0 below -87; no branch, so that loops over it use the vector units.
inline __attribute__((always_inline)) float exp_of_negative(float x) {
  float clamped = x < -87.0f ? -87.0f : x;
  float shifted = clamped * 1.44269504088896341f + 12582912.0f;  // 1.5·2^23: the nearest integer ends in the low bits
  float n = shifted - 12582912.0f;
  float r = clamped - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  uint32_t bits;
  std::memcpy(&bits, &shifted, 4);
  uint32_t scale_bits = (bits - 0x4b400000u + 127u) << 23;
  float scale;
  std::memcpy(&scale, &scale_bits, 4);
  return x < -87.0f ? 0.0f : p * scale;
}
inline __attribute__((always_inline)) double exp_of_negative(double x) { return std::exp(x); }

// √x as one instruction; std::sqrt of a float stays a call inside of loops.
inline __attribute__((always_inline)) float square_root(float x) { return __builtin_sqrtf(x); }
inline __attribute__((always_inline)) double square_root(double x) { return __builtin_sqrt(x); }

// The largest of a row; a NaN is passed over, and comes back out of the exponentials.
template <class T>
inline __attribute__((always_inline)) T largest(const T* row, int64_t n) {
  T most = -std::numeric_limits<T>::infinity();
#pragma omp simd reduction(max : most)
  for (int64_t j = 0; j < n; j++) most = row[j] > most ? row[j] : most;
  return most;
}

// row ← e^(row - shift); the sum.
template <class T>
inline __attribute__((always_inline)) T exponentials(T* row, int64_t n, T shift) {
  T sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < n; j++) {
    T e = exp_of_negative(row[j] - shift);
    row[j] = e;
    sum += e;
  }
  return sum;
}

}  // namespace lips
