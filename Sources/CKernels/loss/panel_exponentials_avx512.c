#include "loss/panel_exponentials.h"
#include "numbers/bf16_exp.h"

#if defined(__x86_64__)

/* Whole panels. */
CK_AVX512_BF16 static void exponentials_of_rows(const float *logits, size_t rows,
                                                uint16_t *weights, size_t stride,
                                                ck_panel_statistics *statistics, size_t panels) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = logits + r * CK_PANEL_COLUMNS;
    float maximum =
        _mm512_reduce_max_ps(_mm512_max_ps(_mm512_loadu_ps(row), _mm512_loadu_ps(row + 16)));
    float sum = ck_bf16_exponentials(row, 1, maximum, weights + r * stride, CK_PANEL_COLUMNS);
    statistics[r * panels] = (ck_panel_statistics){maximum, sum};
  }
}

void ck_panel_exponentials_avx512_bf16(const ck_panel_exponentials *p) {
  if (p->columns == CK_PANEL_COLUMNS) {
    exponentials_of_rows(p->logits, p->rows, p->weights, p->stride, p->statistics, p->panels);
  } else {
    ck_panel_exponentials_plain(p);
  }
}
#endif
