#include "vector.h"

#include <math.h>

/* Root-mean-square normalization (Zhang & Sennrich 2019, arXiv:1910.07467). */

CK_CLONES
static float sum_of_squares(const float *restrict x, size_t D) {
  CK_SUM_IN_LANES
  float sum = 0;
  for (size_t i = 0; i < D; i++) sum += x[i] * x[i];
  return sum;
}

CK_CLONES
static void normalize(const float *restrict x, const float *restrict weight, float s,
                      float *restrict out, size_t D) {
  for (size_t i = 0; i < D; i++) out[i] = weight[i] * (x[i] * s);
}

/* sum of dout · weight · x */
CK_CLONES
static float weighted_dot(const float *restrict dout, const float *restrict weight,
                          const float *restrict x, size_t D) {
  CK_SUM_IN_LANES
  float sum = 0;
  for (size_t i = 0; i < D; i++) sum += dout[i] * weight[i] * x[i];
  return sum;
}

CK_CLONES
static void add_input_gradient(const float *restrict dout, const float *restrict weight,
                               const float *restrict x, float s, float projection,
                               float *restrict dx, size_t D) {
  for (size_t i = 0; i < D; i++) dx[i] += s * (weight[i] * dout[i]) - projection * x[i];
}

typedef struct {
  const float *x, *weight;
  float epsilon;
  float *out, *inverse_rms;
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
    normalize(x, p->weight, s, p->out + t * p->D, p->D);
  }
}

void ck_rmsnorm_forward(const float *x, const float *weight, float epsilon, float *out,
                        float *inverse_rms, size_t T, size_t D) {
  forward p = {x, weight, epsilon, out, inverse_rms, T, D, ck_task_rows(D)};
  ck_parallel_for(ck_ceil_divide(T, p.rows), CK_ANY_WORKERS, forward_task, &p);
}

typedef struct {
  const float *dout, *x, *weight, *inverse_rms;
  float *dx;
  size_t T, D, rows;
} backward;

static void backward_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const backward *p = context;
  ck_range tokens = ck_piece(p->T, p->rows, task);
  for (size_t t = tokens.first; t < tokens.first + tokens.count; t++) {
    const float *x = p->x + t * p->D, *dout = p->dout + t * p->D;
    float s = p->inverse_rms[t];
    float projection = weighted_dot(dout, p->weight, x, p->D) / (float)p->D * s * s * s;
    add_input_gradient(dout, p->weight, x, s, projection, p->dx + t * p->D, p->D);
  }
}

void ck_rmsnorm_backward(const float *dout, const float *x, const float *weight,
                         const float *inverse_rms, float *dx, size_t T, size_t D) {
  backward p = {dout, x, weight, inverse_rms, dx, T, D, ck_task_rows(D)};
  ck_parallel_for(ck_ceil_divide(T, p.rows), CK_ANY_WORKERS, backward_task, &p);
}
