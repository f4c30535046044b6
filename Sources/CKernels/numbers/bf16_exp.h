/* Exponentials that end as bfloat16, for processors that round to it in hardware: half the
 * instructions of what a compiler makes of exp.h and convert.h. */
#pragma once

#include "machine/dispatch.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define CK_AVX512_BF16_INLINE __attribute__((always_inline)) CK_AVX512_BF16 static inline

#define CK_LOG2_E 1.44269504f

/* 2^x = 2^n 2^r, n = round(x); 2^r is the polynomial of degree 5 with 2^0 = 1 whose largest
 * relative error on [-1/2, 1/2] is least, 9.1e-8. Very negative numbers give 0. */
CK_AVX512_BF16_INLINE __m512 ck_power_of_two(__m512 x) {
  __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 r = _mm512_sub_ps(x, n);
  __m512 p = _mm512_set1_ps(1.32647273e-3f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(9.67151299e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.55073358e-2f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(2.40222424e-1f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(6.93147004e-1f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1));
  return _mm512_scalef_ps(p, n);
}

/* The first `count` of 16 lanes. */
CK_AVX512_BF16_INLINE __mmask16 ck_lanes(size_t count) {
  return (__mmask16)(count < 16 ? (1u << count) - 1 : 0xffff);
}

/* y[i] = exp(scale · (x[i] - maximum)) in bfloat16; returns their sum before rounding. */
CK_AVX512_BF16_INLINE float ck_bf16_exponentials(const float *x, float scale, float maximum,
                                                 uint16_t *y, size_t count) {
  __m512 top = _mm512_set1_ps(maximum), factor = _mm512_set1_ps(scale * CK_LOG2_E);
  __m512 sums[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
  size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    __m512 powers[2];
    for (int v = 0; v < 2; v++) {
      __m512 distance = _mm512_sub_ps(_mm512_loadu_ps(x + i + 16 * v), top);
      powers[v] = ck_power_of_two(_mm512_mul_ps(distance, factor));
      sums[v] = _mm512_add_ps(sums[v], powers[v]);
    }
    _mm512_storeu_si512(y + i, (__m512i)_mm512_cvtne2ps_pbh(powers[1], powers[0]));
  }
  for (; i < count; i += 16) {
    __mmask16 lanes = ck_lanes(count - i);
    __m512 distance = _mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, x + i), top);
    __m512 power = ck_power_of_two(_mm512_mul_ps(distance, factor));
    power = _mm512_maskz_mov_ps(lanes, power);
    sums[0] = _mm512_add_ps(sums[0], power);
    _mm256_mask_storeu_epi16(y + i, lanes, (__m256i)_mm512_cvtneps_pbh(power));
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(sums[0], sums[1]));
}
#endif
