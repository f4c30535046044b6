#include "products/float_tile.h"

#if defined(__x86_64__)
#include <immintrin.h>

/* The float32 tile for AVX-512: 8 rows by 32 columns. */

enum { ROWS = 8, COLUMNS = 32 };

__attribute__((always_inline)) CK_AVX512 static inline void multiply_rows(
    const float *left, const float *panel, size_t depth, float *c, size_t stride, bool accumulate,
    const size_t rows) {
  __m512 sums[ROWS][2];
  for (size_t r = 0; r < rows; r++) {
    for (size_t v = 0; v < 2; v++) {
      sums[r][v] = accumulate ? _mm512_loadu_ps(c + r * stride + 16 * v) : _mm512_setzero_ps();
    }
  }
  for (size_t k = 0; k < depth; k++) {
    __m512 low = _mm512_loadu_ps(panel), high = _mm512_loadu_ps(panel + 16);
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows; r++) {
      __m512 x = _mm512_set1_ps(left[r]);
      sums[r][0] = _mm512_fmadd_ps(x, low, sums[r][0]);
      sums[r][1] = _mm512_fmadd_ps(x, high, sums[r][1]);
    }
    left += ROWS;
    panel += COLUMNS;
  }
  for (size_t r = 0; r < rows; r++) {
    for (size_t v = 0; v < 2; v++) _mm512_storeu_ps(c + r * stride + 16 * v, sums[r][v]);
  }
}

CK_AVX512 void ck_float_tile_avx512(const float *left, const float *panel, size_t depth,
                                    size_t rows, float *c, size_t stride, bool accumulate) {
  switch (rows) {
    case 1: multiply_rows(left, panel, depth, c, stride, accumulate, 1); break;
    case 2: multiply_rows(left, panel, depth, c, stride, accumulate, 2); break;
    case 3: multiply_rows(left, panel, depth, c, stride, accumulate, 3); break;
    case 4: multiply_rows(left, panel, depth, c, stride, accumulate, 4); break;
    case 5: multiply_rows(left, panel, depth, c, stride, accumulate, 5); break;
    case 6: multiply_rows(left, panel, depth, c, stride, accumulate, 6); break;
    case 7: multiply_rows(left, panel, depth, c, stride, accumulate, 7); break;
    case 8: multiply_rows(left, panel, depth, c, stride, accumulate, 8); break;
  }
}
#endif
