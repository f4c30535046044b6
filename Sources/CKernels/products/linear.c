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

/* out[T, rows.count] = x W' for some rows of W, at the place of these columns. */
static void multiply_forward(const float *x, const float *W, ck_range rows, const ck_weight *weight,
                             float *out, size_t T) {
  ck_matmul(&(ck_float_product){
      .M = T, .N = rows.count, .K = weight->K, .alpha = 1,
      .a = {x, weight->K, false}, .b = {W, weight->K, true},
      .c = out + rows.first, .c_stride = weight->N});
}

/* dx += dout W for some rows of W. */
static void multiply_backward(const float *dout, const float *W, ck_range rows,
                              const ck_weight *weight, float *dx, size_t T) {
  ck_matmul(&(ck_float_product){
      .M = T, .N = weight->K, .K = rows.count, .alpha = 1,
      .a = {dout + rows.first, weight->N, false}, .b = {W, weight->K, false},
      .c = dx, .c_stride = weight->K, .accumulate = true});
}

typedef void (*multiply)(const float *x, const float *W, ck_range rows, const ck_weight *weight,
                         float *out, size_t T);

static void multiply_panels(multiply multiply_rows, const float *x, const ck_weight *weight,
                            float *out, size_t T, float *panel) {
  size_t N = weight->N, K = weight->K;
  if (weight->float32) {
    multiply_rows(x, weight->float32, (ck_range){0, N}, weight, out, T);
    return;
  }
  size_t count = panel_rows(weight);
  for (size_t first = 0; first < N; first += count) {
    ck_range rows = {first, CK_MIN(count, N - first)};
    ck_nf4_dequantize(&weight->nf4, rows.first * K, rows.count * K, panel);
    multiply_rows(x, panel, rows, weight, out, T);
  }
}

void ck_linear_forward(const float *x, const ck_weight *weight, float *out, size_t T,
                       void *scratch) {
  multiply_panels(multiply_forward, x, weight, out, T, scratch);
}

void ck_linear_backward(const float *dout, const ck_weight *weight, float *dx, size_t T,
                        void *scratch) {
  multiply_panels(multiply_backward, dout, weight, dx, T, scratch);
}
