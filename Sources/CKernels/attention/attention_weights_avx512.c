#include "attention/attention_weights.h"
#include "numbers/bf16_exp.h"

#if defined(__x86_64__)

/* ---- Forward ---------------------------------------------------------------------------------*/

CK_AVX512_BF16 float ck_attention_weights_avx512_bf16(const float *scores, float scale,
                                                      float maximum, uint16_t *weights,
                                                      size_t count) {
  return ck_bf16_exponentials(scores, scale, maximum, weights, count);
}

/* ---- Backward --------------------------------------------------------------------------------*/

/* 16 keys of a query: P, and dS. */
CK_AVX512_BF16_INLINE __m512 finish_lanes(const float *scores, const float *dscores,
                                          ck_attention_query q, float scale, size_t i,
                                          __m512 *dscore) {
  __mmask16 visible = q.visible > i ? ck_lanes(q.visible - i) : 0;
  __m512 exponent = _mm512_fmsub_ps(_mm512_loadu_ps(scores + i), _mm512_set1_ps(scale * CK_LOG2_E),
                                    _mm512_set1_ps(q.log_sum_exp * CK_LOG2_E));
  __m512 weight = _mm512_maskz_mov_ps(visible, ck_power_of_two(exponent));
  __m512 distance = _mm512_sub_ps(_mm512_loadu_ps(dscores + i), _mm512_set1_ps(q.delta));
  __m512 scaled = _mm512_mul_ps(weight, _mm512_set1_ps(scale));
  *dscore = _mm512_maskz_mul_ps(visible, scaled, distance);
  return weight;
}

/* Whole panels of keys. */
CK_AVX512_BF16 static void finish_pair(const float *scores, const float *dscores,
                                       ck_attention_query even, ck_attention_query odd,
                                       float scale, ck_pair_results results, size_t keys) {
  /* Lane i of the even query beside lane i of the odd one. */
  const __m512i interleave = _mm512_add_epi16(
      _mm512_set_epi16(15, 15, 14, 14, 13, 13, 12, 12, 11, 11, 10, 10, 9, 9, 8, 8, 7, 7, 6, 6, 5, 5,
                       4, 4, 3, 3, 2, 2, 1, 1, 0, 0),
      _mm512_set1_epi32(16 << 16));
  for (size_t i = 0; i < keys; i += 16) {
    size_t at = ck_pair_offset(0, i / CK_PANEL_COLUMNS) + i % CK_PANEL_COLUMNS;
    __m512 d0, d1;
    __m512 w0 = finish_lanes(scores, dscores, even, scale, i, &d0);
    __m512 w1 = finish_lanes(scores + CK_PAIR_KEYS, dscores + CK_PAIR_KEYS, odd, scale, i, &d1);
    __m512i weights = (__m512i)_mm512_cvtne2ps_pbh(w1, w0);
    __m512i both = (__m512i)_mm512_cvtne2ps_pbh(d1, d0);
    _mm512_storeu_si512(results.weight_pairs + at, _mm512_permutexvar_epi16(interleave, weights));
    _mm512_storeu_si512(results.dscore_pairs + at, _mm512_permutexvar_epi16(interleave, both));
    _mm256_storeu_si256((__m256i *)(results.even + i), _mm512_castsi512_si256(both));
    _mm256_storeu_si256((__m256i *)(results.odd + i), _mm512_extracti64x4_epi64(both, 1));
  }
}

void ck_finish_pair_avx512_bf16(const ck_query_pair *p) {
  finish_pair(p->scores, p->dscores, p->even, p->odd, p->scale, p->results, p->keys);
}
#endif
