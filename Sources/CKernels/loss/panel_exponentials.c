#include "loss/panel_exponentials.h"

#include "numbers/exp.h"

CK_INLINE ck_panel_statistics exponentials(const float *restrict logits, uint16_t *restrict weights,
                                        size_t count) {
  CK_SUM_IN_LANES
  float maximum = ck_maximum(logits, count), sum = 0;
  for (size_t i = 0; i < count; i++) {
    float weight = ck_exp(logits[i] - maximum);
    weights[i] = ck_bfloat16_from_float(weight);
    sum += weight;
  }
  return (ck_panel_statistics){maximum, sum};
}

/* Rows of one panel; the usual, whole one with a length that the compiler knows. */
CK_KERNEL(void, exponentials_of_rows,
          (const float *logits, size_t rows, uint16_t *weights, size_t stride,
           ck_panel_statistics *statistics, size_t panels, size_t count),
          (logits, rows, weights, stride, statistics, panels, count)) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = logits + r * CK_PANEL_COLUMNS;
    uint16_t *out = weights + r * stride;
    statistics[r * panels] = count == CK_PANEL_COLUMNS ? exponentials(row, out, CK_PANEL_COLUMNS)
                                                       : exponentials(row, out, count);
    for (size_t i = count; i < CK_PANEL_COLUMNS; i++) out[i] = 0;
  }
}

void ck_panel_exponentials_plain(const ck_panel_exponentials *p) {
  exponentials_of_rows(p->logits, p->rows, p->weights, p->stride, p->statistics, p->panels,
                       p->columns);
}
