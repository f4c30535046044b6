#include "attention/attention_weights.h"

#include "numbers/tanh.h"

/* ---- Forward ---------------------------------------------------------------------------------*/

CK_SHARED_KERNEL(float, ck_attention_weights_plain,
                 (const float *restrict scores, float scale, float maximum,
                  uint16_t *restrict weights, size_t count),
                 (scores, scale, maximum, weights, count)) {
  CK_SUM_IN_LANES
  float sum = 0;
  for (size_t i = 0; i < count; i++) {
    float weight = ck_exp((scores[i] - maximum) * scale);
    weights[i] = ck_bfloat16_from_float(weight);
    sum += weight;
  }
  return sum;
}

/* ---- Backward --------------------------------------------------------------------------------*/

CK_INLINE void finish_element(const float *scores, const float *dscores, ck_attention_query q,
                              float scale, size_t i, uint32_t *weight, uint32_t *dscore) {
  float w = ck_exp(scores[i] * scale - q.log_sum_exp);
  float d = w * (dscores[i] - q.delta) * scale;
  *weight = i < q.visible ? ck_bfloat16_from_float(w) : 0;
  *dscore = i < q.visible ? ck_bfloat16_from_float(d) : 0;
}

CK_KERNEL(void, finish_pair,
          (const float *restrict scores, const float *restrict dscores, ck_attention_query even,
           ck_attention_query odd, float scale, ck_pair_results results, size_t keys),
          (scores, dscores, even, odd, scale, results, keys)) {
  for (size_t key = 0; key < keys; key += CK_PANEL_COLUMNS) {
    size_t at = ck_pair_offset(0, key / CK_PANEL_COLUMNS);
    uint32_t *restrict weight_pairs = results.weight_pairs + at;
    uint32_t *restrict dscore_pairs = results.dscore_pairs + at;
    uint16_t *restrict even_row = results.even + key, *restrict odd_row = results.odd + key;
#pragma clang loop vectorize(assume_safety)
    for (size_t i = 0; i < CK_PANEL_COLUMNS; i++) {
      uint32_t w0, w1, d0, d1;
      finish_element(scores, dscores, even, scale, key + i, &w0, &d0);
      finish_element(scores + CK_PAIR_KEYS, dscores + CK_PAIR_KEYS, odd, scale, key + i, &w1,
                     &d1);
      weight_pairs[i] = w1 << 16 | w0;
      dscore_pairs[i] = d1 << 16 | d0;
      even_row[i] = (uint16_t)d0;
      odd_row[i] = (uint16_t)d1;
    }
  }
}

void ck_finish_pair_plain(const ck_query_pair *p) {
  finish_pair(p->scores, p->dscores, p->even, p->odd, p->scale, p->results, p->keys);
}

/* The same with a soft cap (0: none) and keys that lie before a window. */
CK_INLINE void finish_masked_element(const float *scores, const float *dscores,
                                     ck_attention_query q, float scale, float cap, size_t i,
                                     uint32_t *weight, uint32_t *dscore) {
  float score = scores[i] * scale, slope = scale;
  if (cap != 0) {
    score = ck_capped(score, cap);
    slope *= ck_cap_slope(score, cap);
  }
  float w = ck_exp(score - q.log_sum_exp);
  float d = w * (dscores[i] - q.delta) * slope;
  bool seen = i >= q.hidden && i < q.visible;
  *weight = seen ? ck_bfloat16_from_float(w) : 0;
  *dscore = seen ? ck_bfloat16_from_float(d) : 0;
}

CK_KERNEL(void, finish_masked_pair,
          (const float *restrict scores, const float *restrict dscores, ck_attention_query even,
           ck_attention_query odd, float scale, float cap, ck_pair_results results, size_t keys),
          (scores, dscores, even, odd, scale, cap, results, keys)) {
  for (size_t key = 0; key < keys; key += CK_PANEL_COLUMNS) {
    size_t at = ck_pair_offset(0, key / CK_PANEL_COLUMNS);
#pragma clang loop vectorize(assume_safety)
    for (size_t i = 0; i < CK_PANEL_COLUMNS; i++) {
      uint32_t w0, w1, d0, d1;
      finish_masked_element(scores, dscores, even, scale, cap, key + i, &w0, &d0);
      finish_masked_element(scores + CK_PAIR_KEYS, dscores + CK_PAIR_KEYS, odd, scale, cap, key + i,
                            &w1, &d1);
      results.weight_pairs[at + i] = w1 << 16 | w0;
      results.dscore_pairs[at + i] = d1 << 16 | d0;
      results.even[key + i] = (uint16_t)d0;
      results.odd[key + i] = (uint16_t)d1;
    }
  }
}

void ck_finish_masked_pair(const ck_query_pair *p) {
  finish_masked_pair(p->scores, p->dscores, p->even, p->odd, p->scale, p->soft_cap, p->results,
                     p->keys);
}
