#include "products/bf16.h"

/* Rows that are multiplied by a number each, and sums of products of rows. */

enum { PIECE = 1024 };

static const float *widened(ck_input x, size_t first, size_t count, float *buffer) {
  if (x.float32) return x.float32 + first;
  ck_bf16_widen(x.bfloat16 + first, buffer, count);
  return buffer;
}

CK_KERNEL(void, multiply, (const float *x, float factor, float *restrict out, size_t count),
          (x, factor, out, count)) {
  for (size_t i = 0; i < count; i++) out[i] = factor * x[i];
}

static void scale_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const ck_row_factors *p = context;
  float wide[PIECE], product[PIECE];
  ck_range rows = ck_piece(p->T, ck_task_rows(p->D), task);
  for (size_t t = rows.first; t < rows.first + rows.count; t++) {
    for (size_t d = 0; d < p->D; d += PIECE) {
      size_t first = t * p->D + d, count = CK_MIN(PIECE, p->D - d);
      multiply(widened(p->x, first, count, wide), p->factors[t], product, count);
      if (p->out.float32) {
        memcpy(p->out.float32 + first, product, count * sizeof *product);
      } else {
        ck_bf16_narrow(product, p->out.bfloat16 + first, count);
      }
    }
  }
}

void ck_scale_rows(ck_row_factors p) {
  ck_parallel_for(ck_ceil_divide(p.T, ck_task_rows(p.D)), CK_ANY_WORKERS, scale_task, &p);
}

static void dot_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const ck_row_dots *p = context;
  float left[PIECE], right[PIECE];
  ck_range rows = ck_piece(p->T, ck_task_rows(p->D), task);
  for (size_t t = rows.first; t < rows.first + rows.count; t++) {
    float sum = 0;
    for (size_t d = 0; d < p->D; d += PIECE) {
      size_t first = t * p->D + d, count = CK_MIN(PIECE, p->D - d);
      sum += ck_dot(widened(p->x, first, count, left), widened(p->y, first, count, right), count);
    }
    p->out[t] = sum;
  }
}

void ck_row_dot(ck_row_dots p) {
  ck_parallel_for(ck_ceil_divide(p.T, ck_task_rows(p.D)), CK_ANY_WORKERS, dot_task, &p);
}
