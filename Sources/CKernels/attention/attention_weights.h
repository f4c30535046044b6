/* What is made of rows of scores in bfloat16, forward and backward, for the table of kernels. */
#pragma once

#include "products/bf16.h"

/* Backward takes 64 queries against 128 keys at a time; both are multiples of a panel's columns. */
enum { CK_PAIR_QUERIES = 64, CK_PAIR_KEYS = 128 };

/* Where in panels of P or dS the pairs of a query and a panel's keys begin. */
static inline size_t ck_pair_offset(size_t query, size_t panel) {
  return panel * ck_panel_words(CK_PAIR_QUERIES) + query / 2 * CK_PANEL_COLUMNS;
}

/* A query's visible keys, from `hidden` up to `visible`, and what its weights are made from. */
typedef struct {
  float log_sum_exp, delta;
  size_t hidden, visible;
} ck_attention_query;

/* Where the results of two queries go, a panel of keys after the other: P and dS as pairs, dS also
 * row by row. */
typedef struct {
  uint32_t *weight_pairs, *dscore_pairs;
  uint16_t *even, *odd;
} ck_pair_results;

/* P and dS of two queries: products of q and k, products of dout and v [2][CK_PAIR_KEYS]. */
struct ck_query_pair {
  const float *scores, *dscores;
  ck_attention_query even, odd;
  float scale, soft_cap;
  ck_pair_results results;
  size_t keys; /* whole panels */
};

float ck_attention_weights_plain(const float *scores, float scale, float maximum,
                                 uint16_t *weights, size_t count);
float ck_attention_weights_avx512_bf16(const float *scores, float scale, float maximum,
                                       uint16_t *weights, size_t count);

void ck_finish_pair_plain(const ck_query_pair *p);
void ck_finish_pair_avx512_bf16(const ck_query_pair *p);

/* The same where there is a soft cap (0: none), or keys that lie before a window. */
void ck_finish_masked_pair(const ck_query_pair *p);
