#include "products/bf16.h"

#include <math.h>
#include <string.h>

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

CK_KERNEL(void, add_normalized,
          (const float *restrict x, const float *restrict weight, float s,
           const float *restrict residual, float *restrict out, size_t D),
          (x, weight, s, residual, out, D)) {
  for (size_t i = 0; i < D; i++) out[i] = residual[i] + weight[i] * (x[i] * s);
}

/* ---- Rows in pieces --------------------------------------------------------------------------*/

/* Rows that must be converted, or whose result may be their input, go through a buffer. */
enum { PIECE = 1024 };

/* Elements `piece` of a row as float32: where they are, or in `buffer`. */
static const float *widened(ck_input x, size_t row, ck_range piece, float *buffer) {
  if (x.float32) return x.float32 + row + piece.first;
  ck_bf16_widen(x.bfloat16 + row + piece.first, buffer, piece.count);
  return buffer;
}

static void store(const float *values, ck_output out, size_t row, ck_range piece) {
  if (out.float32) {
    memcpy(out.float32 + row + piece.first, values, piece.count * sizeof *values);
  } else {
    ck_bf16_narrow(values, out.bfloat16 + row + piece.first, piece.count);
  }
}

/* ---- Forward ---------------------------------------------------------------------------------*/

static float inverse_rms_of(const ck_rmsnorm *p, size_t row) {
  float sum = 0, buffer[PIECE];
  if (p->x.float32) {
    sum = sum_of_squares(p->x.float32 + row, p->D);
  } else {
    for (size_t first = 0; first < p->D; first += PIECE) {
      ck_range piece = {first, CK_MIN(PIECE, p->D - first)};
      sum += sum_of_squares(widened(p->x, row, piece, buffer), piece.count);
    }
  }
  return 1 / sqrtf(sum / (float)p->D + p->epsilon);
}

static void normalize_pieces(const ck_rmsnorm *p, size_t row, float s) {
  float x[PIECE], y[PIECE];
  for (size_t first = 0; first < p->D; first += PIECE) {
    ck_range piece = {first, CK_MIN(PIECE, p->D - first)};
    normalize(widened(p->x, row, piece, x), p->weight + first, s, y, piece.count);
    store(y, p->out, row, piece);
  }
}

static void forward_row(const ck_rmsnorm *p, size_t t) {
  size_t row = t * p->D;
  float s = inverse_rms_of(p, row);
  p->inverse_rms[t] = s;
  if (!p->x.float32 || p->x.float32 == p->out.float32) {
    normalize_pieces(p, row, s);
  } else if (p->residual) {
    add_normalized(p->x.float32 + row, p->weight, s, p->residual + row, p->out.float32 + row, p->D);
  } else if (p->out.float32) {
    normalize(p->x.float32 + row, p->weight, s, p->out.float32 + row, p->D);
  } else {
    bf16_normalize(p->x.float32 + row, p->weight, s, p->out.bfloat16 + row, p->D);
  }
}

static void forward_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const ck_rmsnorm *p = context;
  ck_range tokens = ck_piece(p->T, ck_task_rows(p->D), task);
  for (size_t t = tokens.first; t < tokens.first + tokens.count; t++) forward_row(p, t);
}

void ck_rmsnorm_forward(ck_rmsnorm norm) {
  ck_parallel_for(ck_ceil_divide(norm.T, ck_task_rows(norm.D)), CK_ANY_WORKERS, forward_task,
                  &norm);
}

/* ---- Backward --------------------------------------------------------------------------------*/

static void accumulate_row(const ck_rmsnorm_gradient *p, size_t t) {
  size_t row = t * p->D;
  const float *x = p->x.float32 + row;
  float *dx = p->dx.float32 + row, s = p->inverse_rms[t];
  if (p->dout.float32) {
    const float *dout = p->dout.float32 + row;
    float projection = weighted_dot(dout, p->weight, x, p->D) / (float)p->D * s * s * s;
    add_input_gradient(dout, p->weight, x, s, projection, dx, p->D);
  } else {
    const uint16_t *dout = p->dout.bfloat16 + row;
    float projection = bf16_weighted_dot(dout, p->weight, x, p->D) / (float)p->D * s * s * s;
    bf16_add_input_gradient(dout, p->weight, x, s, projection, dx, p->D);
  }
}

static void write_row(const ck_rmsnorm_gradient *p, size_t t) {
  size_t row = t * p->D;
  float dout[PIECE], x[PIECE], dx[PIECE], s = p->inverse_rms[t], sum = 0;
  for (size_t first = 0; first < p->D; first += PIECE) {
    ck_range piece = {first, CK_MIN(PIECE, p->D - first)};
    sum += weighted_dot(widened(p->dout, row, piece, dout), p->weight + first,
                        widened(p->x, row, piece, x), piece.count);
  }
  float projection = sum / (float)p->D * s * s * s;
  for (size_t first = 0; first < p->D; first += PIECE) {
    ck_range piece = {first, CK_MIN(PIECE, p->D - first)};
    memset(dx, 0, piece.count * sizeof *dx);
    add_input_gradient(widened(p->dout, row, piece, dout), p->weight + first,
                       widened(p->x, row, piece, x), s, projection, dx, piece.count);
    store(dx, p->dx, row, piece);
  }
}

static void backward_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const ck_rmsnorm_gradient *p = context;
  ck_range tokens = ck_piece(p->T, ck_task_rows(p->D), task);
  for (size_t t = tokens.first; t < tokens.first + tokens.count; t++) {
    if (p->accumulate) {
      accumulate_row(p, t);
    } else {
      write_row(p, t);
    }
  }
}

void ck_rmsnorm_backward(ck_rmsnorm_gradient norm) {
  ck_parallel_for(ck_ceil_divide(norm.T, ck_task_rows(norm.D)), CK_ANY_WORKERS, backward_task,
                  &norm);
}
