#include "products/bf16.h"

#include <math.h>

/* Root-mean-square normalization (Zhang & Sennrich 2019, arXiv:1910.07467). */

CK_KERNEL(float, sum_of_squares, (const float *restrict x, size_t D), (x, D)) {
  CK_SUM_IN_LANES
  float sum = 0;
  for (size_t i = 0; i < D; i++) sum += x[i] * x[i];
  return sum;
}

CK_KERNEL(void, normalize,
          (const float *restrict x, const float *restrict weight, float s, float *restrict out,
           size_t D),
          (x, weight, s, out, D)) {
  for (size_t i = 0; i < D; i++) out[i] = weight[i] * (x[i] * s);
}

/* sum of dout · weight · x */
CK_KERNEL(float, weighted_dot,
          (const float *restrict dout, const float *restrict weight, const float *restrict x, size_t
           D),
          (dout, weight, x, D)) {
  CK_SUM_IN_LANES
  float sum = 0;
  for (size_t i = 0; i < D; i++) sum += dout[i] * weight[i] * x[i];
  return sum;
}

CK_KERNEL(void, add_input_gradient,
          (const float *restrict dout, const float *restrict weight, const float *restrict x, float
           s, float projection, float *restrict dx, size_t D),
          (dout, weight, x, s, projection, dx, D)) {
  for (size_t i = 0; i < D; i++) dx[i] += s * (weight[i] * dout[i]) - projection * x[i];
}

CK_KERNEL(void, bf16_normalize,
          (const float *restrict x, const float *restrict weight, float s, uint16_t *restrict out,
           size_t D),
          (x, weight, s, out, D)) {
  for (size_t i = 0; i < D; i++) out[i] = ck_bfloat16_from_float(weight[i] * (x[i] * s));
}

CK_KERNEL(float, bf16_weighted_dot,
          (const uint16_t *restrict dout, const float *restrict weight, const float *restrict x,
           size_t D),
          (dout, weight, x, D)) {
  CK_SUM_IN_LANES
  float sum = 0;
  for (size_t i = 0; i < D; i++) sum += ck_float_from_bf16(dout[i]) * weight[i] * x[i];
  return sum;
}

CK_KERNEL(void, bf16_add_input_gradient,
          (const uint16_t *restrict dout, const float *restrict weight, const float *restrict x,
           float s, float projection, float *restrict dx, size_t D),
          (dout, weight, x, s, projection, dx, D)) {
  for (size_t i = 0; i < D; i++) {
    dx[i] += s * (weight[i] * ck_float_from_bf16(dout[i])) - projection * x[i];
  }
}

/* Of `out` and `bf16_out` one is given, and so below. */
typedef struct {
  const float *x, *weight;
  float epsilon;
  float *out;
  uint16_t *bf16_out;
  float *inverse_rms;
  size_t T, D, rows;
} forward;

static void forward_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const forward *p = context;
  ck_range tokens = ck_piece(p->T, p->rows, task);
  for (size_t t = tokens.first; t < tokens.first + tokens.count; t++) {
    const float *x = p->x + t * p->D;
    float s = 1 / sqrtf(sum_of_squares(x, p->D) / (float)p->D + p->epsilon);
    p->inverse_rms[t] = s;
    if (p->out) {
      normalize(x, p->weight, s, p->out + t * p->D, p->D);
    } else {
      bf16_normalize(x, p->weight, s, p->bf16_out + t * p->D, p->D);
    }
  }
}

void ck_rmsnorm_forward(const float *x, const float *weight, float epsilon, float *out,
                        float *inverse_rms, size_t T, size_t D) {
  forward p = {x, weight, epsilon, out, NULL, inverse_rms, T, D, ck_task_rows(D)};
  ck_parallel_for(ck_ceil_divide(T, p.rows), CK_ANY_WORKERS, forward_task, &p);
}

void ck_bf16_rmsnorm_forward(const float *x, const float *weight, float epsilon, uint16_t *out,
                             float *inverse_rms, size_t T, size_t D) {
  forward p = {x, weight, epsilon, NULL, out, inverse_rms, T, D, ck_task_rows(D)};
  ck_parallel_for(ck_ceil_divide(T, p.rows), CK_ANY_WORKERS, forward_task, &p);
}

typedef struct {
  const float *dout;
  const uint16_t *bf16_dout;
  const float *x, *weight, *inverse_rms;
  float *dx;
  size_t T, D, rows;
} backward;

static void backward_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const backward *p = context;
  ck_range tokens = ck_piece(p->T, p->rows, task);
  for (size_t t = tokens.first; t < tokens.first + tokens.count; t++) {
    const float *x = p->x + t * p->D;
    float *dx = p->dx + t * p->D, s = p->inverse_rms[t];
    if (p->dout) {
      const float *dout = p->dout + t * p->D;
      float projection = weighted_dot(dout, p->weight, x, p->D) / (float)p->D * s * s * s;
      add_input_gradient(dout, p->weight, x, s, projection, dx, p->D);
    } else {
      const uint16_t *dout = p->bf16_dout + t * p->D;
      float projection = bf16_weighted_dot(dout, p->weight, x, p->D) / (float)p->D * s * s * s;
      bf16_add_input_gradient(dout, p->weight, x, s, projection, dx, p->D);
    }
  }
}

void ck_rmsnorm_backward(const float *dout, const float *x, const float *weight,
                         const float *inverse_rms, float *dx, size_t T, size_t D) {
  backward p = {dout, NULL, x, weight, inverse_rms, dx, T, D, ck_task_rows(D)};
  ck_parallel_for(ck_ceil_divide(T, p.rows), CK_ANY_WORKERS, backward_task, &p);
}

void ck_bf16_rmsnorm_backward(const uint16_t *dout, const float *x, const float *weight,
                              const float *inverse_rms, float *dx, size_t T, size_t D) {
  backward p = {NULL, dout, x, weight, inverse_rms, dx, T, D, ck_task_rows(D)};
  ck_parallel_for(ck_ceil_divide(T, p.rows), CK_ANY_WORKERS, backward_task, &p);
}
