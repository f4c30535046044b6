#include "machine/vector.h"

/* Products with a frozen weight. An NF4 weight is expanded a panel of rows at a time; the panel
 * stays in the last-level cache until it is used. */

enum { PANEL_BYTES = 8 << 20, PANEL_LEAST_ROWS = 64 };

static size_t panel_rows(const ck_weight *weight) {
  size_t fitting = PANEL_BYTES / (CK_MAX(weight->K, 1) * sizeof(float));
  return CK_MIN(CK_MAX(fitting / 16 * 16, PANEL_LEAST_ROWS), CK_MAX(weight->N, 1));
}

size_t ck_linear_scratch(const ck_weight *weight) {
  return weight->float32 ? 0 : panel_rows(weight) * weight->K * sizeof(float);
}

void ck_linear_forward(const float *x, const ck_weight *weight, float *out, size_t T,
                       void *scratch) {
  size_t N = weight->N, K = weight->K;
  ck_matrix input = {x, K, false};
  if (weight->float32) {
    ck_matmul(T, N, K, 1, input, (ck_matrix){weight->float32, K, true}, out, N, false);
    return;
  }
  float *panel = scratch;
  size_t rows = panel_rows(weight);
  for (size_t first = 0; first < N; first += rows) {
    size_t count = CK_MIN(rows, N - first);
    ck_nf4_dequantize(&weight->nf4, first * K, count * K, panel);
    ck_matmul(T, count, K, 1, input, (ck_matrix){panel, K, true}, out + first, N, false);
  }
}

void ck_linear_backward(const float *dout, const ck_weight *weight, float *dx, size_t T,
                        void *scratch) {
  size_t N = weight->N, K = weight->K;
  if (weight->float32) {
    ck_matrix gradient = {dout, N, false};
    ck_matmul(T, K, N, 1, gradient, (ck_matrix){weight->float32, K, false}, dx, K, true);
    return;
  }
  float *panel = scratch;
  size_t rows = panel_rows(weight);
  for (size_t first = 0; first < N; first += rows) {
    size_t count = CK_MIN(rows, N - first);
    ck_nf4_dequantize(&weight->nf4, first * K, count * K, panel);
    ck_matrix gradient = {dout + first, N, false};
    ck_matmul(T, K, count, 1, gradient, (ck_matrix){panel, K, false}, dx, K, true);
  }
}
