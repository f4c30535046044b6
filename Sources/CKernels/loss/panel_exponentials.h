/* The exponentials of a panel of logits, for the table of kernels. */
#pragma once

#include "products/bf16.h"

typedef struct {
  float maximum, sum; /* of exp(logit - maximum) */
} ck_panel_statistics;

/* weights[r][i] = exp(logits[r][i] - maximum of the row) in bfloat16, 0 for columns that do not exist;
 * statistics[r * panels] is what is kept of the row's logits themselves. */
struct ck_panel_exponentials {
  const float *logits; /* [rows][32] */
  size_t rows, columns;
  uint16_t *weights; /* rows `stride` apart */
  size_t stride;
  ck_panel_statistics *statistics;
  size_t panels;
};

void ck_panel_exponentials_plain(const ck_panel_exponentials *p);
void ck_panel_exponentials_avx512_bf16(const ck_panel_exponentials *p);
