#include "products/bf16.h"

#include <math.h>

/* Layer normalization (Ba et al. 2016, arXiv:1607.06450). */

CK_KERNEL(float, sum_of, (const float *x, size_t D), (x, D)) {
  CK_SUM_IN_LANES
  float sum = 0;
  for (size_t i = 0; i < D; i++) sum += x[i];
  return sum;
}

CK_KERNEL(float, squared_distances, (const float *x, float mean, size_t D), (x, mean, D)) {
  CK_SUM_IN_LANES
  float sum = 0;
  for (size_t i = 0; i < D; i++) sum += (x[i] - mean) * (x[i] - mean);
  return sum;
}

CK_KERNEL(void, normalize,
          (const float *restrict x, const float *restrict weight, const float *restrict bias,
           float mean, float s, float *restrict out, size_t D),
          (x, weight, bias, mean, s, out, D)) {
  for (size_t i = 0; i < D; i++) out[i] = weight[i] * ((x[i] - mean) * s) + bias[i];
}

CK_KERNEL(void, bf16_normalize,
          (const float *restrict x, const float *restrict weight, const float *restrict bias,
           float mean, float s, uint16_t *restrict out, size_t D),
          (x, weight, bias, mean, s, out, D)) {
  for (size_t i = 0; i < D; i++) {
    out[i] = ck_bfloat16_from_float(weight[i] * ((x[i] - mean) * s) + bias[i]);
  }
}

/* Sums of g and of g · n, with g = weight · dout and n = (x - mean) · s. */
typedef struct {
  float gradient, projection;
} sums;

CK_KERNEL(sums, gradient_sums,
          (const float *restrict dout, const float *restrict weight, const float *restrict x,
           float mean, float s, size_t D),
          (dout, weight, x, mean, s, D)) {
  CK_SUM_IN_LANES
  float gradient = 0, projection = 0;
  for (size_t i = 0; i < D; i++) {
    float g = weight[i] * dout[i];
    gradient += g;
    projection += g * ((x[i] - mean) * s);
  }
  return (sums){gradient, projection};
}

CK_KERNEL(void, add_input_gradient,
          (const float *restrict dout, const float *restrict weight, const float *restrict x,
           float mean, float s, sums means, float *restrict dx, size_t D),
          (dout, weight, x, mean, s, means, dx, D)) {
  for (size_t i = 0; i < D; i++) {
    float g = weight[i] * dout[i], n = (x[i] - mean) * s;
    dx[i] += s * (g - means.gradient - n * means.projection);
  }
}

/* ---- Forward ---------------------------------------------------------------------------------*/

static void forward_row(const ck_layernorm *p, size_t t) {
  const float *x = p->x + t * p->D;
  float mean = sum_of(x, p->D) / (float)p->D;
  float s = 1 / sqrtf(squared_distances(x, mean, p->D) / (float)p->D + p->epsilon);
  p->statistics[2 * t] = mean;
  p->statistics[2 * t + 1] = s;
  if (p->out.float32) {
    normalize(x, p->weight, p->bias, mean, s, p->out.float32 + t * p->D, p->D);
  } else {
    bf16_normalize(x, p->weight, p->bias, mean, s, p->out.bfloat16 + t * p->D, p->D);
  }
}

static void forward_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const ck_layernorm *p = context;
  ck_range tokens = ck_piece(p->T, ck_task_rows(p->D), task);
  for (size_t t = tokens.first; t < tokens.first + tokens.count; t++) forward_row(p, t);
}

void ck_layernorm_forward(ck_layernorm norm) {
  ck_parallel_for(ck_ceil_divide(norm.T, ck_task_rows(norm.D)), CK_ANY_WORKERS, forward_task,
                  &norm);
}

/* ---- Backward --------------------------------------------------------------------------------*/

enum { PIECE = 1024 }; /* of a row that must be widened */

static const float *widened(ck_input x, size_t first, size_t count, float *buffer) {
  if (x.float32) return x.float32 + first;
  ck_bf16_widen(x.bfloat16 + first, buffer, count);
  return buffer;
}

static void backward_row(const ck_layernorm_gradient *p, size_t t) {
  const float *x = p->x + t * p->D, mean = p->statistics[2 * t], s = p->statistics[2 * t + 1];
  float buffer[PIECE];
  sums means = {0, 0};
  for (size_t first = 0; first < p->D; first += PIECE) {
    size_t count = CK_MIN(PIECE, p->D - first);
    const float *dout = widened(p->dout, t * p->D + first, count, buffer);
    sums piece = gradient_sums(dout, p->weight + first, x + first, mean, s, count);
    means.gradient += piece.gradient;
    means.projection += piece.projection;
  }
  means.gradient /= (float)p->D;
  means.projection /= (float)p->D;
  for (size_t first = 0; first < p->D; first += PIECE) {
    size_t count = CK_MIN(PIECE, p->D - first);
    const float *dout = widened(p->dout, t * p->D + first, count, buffer);
    add_input_gradient(dout, p->weight + first, x + first, mean, s, means,
                       p->dx + t * p->D + first, count);
  }
}

static void backward_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const ck_layernorm_gradient *p = context;
  ck_range tokens = ck_piece(p->T, ck_task_rows(p->D), task);
  for (size_t t = tokens.first; t < tokens.first + tokens.count; t++) backward_row(p, t);
}

void ck_layernorm_backward(ck_layernorm_gradient norm) {
  ck_parallel_for(ck_ceil_divide(norm.T, ck_task_rows(norm.D)), CK_ANY_WORKERS, backward_task,
                  &norm);
}
