#include "products/bf16.h"

/* Rotary position embedding (Su et al. 2021, arXiv:2104.09864), pairs half of
 * what is rotated apart. */

CK_KERNEL(void, rotate_head,
          (float *restrict low, float *restrict high, const float *restrict cos, const float
           *restrict sin, float direction, size_t half),
          (low, high, cos, sin, direction, half)) {
  for (size_t i = 0; i < half; i++) {
    float a = low[i], b = high[i], s = sin[i] * direction;
    low[i] = a * cos[i] - b * s;
    high[i] = b * cos[i] + a * s;
  }
}

CK_KERNEL(void, bf16_rotate_head,
          (uint16_t *restrict low, uint16_t *restrict high, const float *restrict cos, const float
           *restrict sin, float direction, size_t half),
          (low, high, cos, sin, direction, half)) {
  for (size_t i = 0; i < half; i++) {
    float a = ck_float_from_bf16(low[i]), b = ck_float_from_bf16(high[i]), s = sin[i] * direction;
    low[i] = ck_bfloat16_from_float(a * cos[i] - b * s);
    high[i] = ck_bfloat16_from_float(b * cos[i] + a * s);
  }
}

static void rotate(const ck_rotation *p, size_t head, size_t angles) {
  const float *cos = p->cos + angles, *sin = p->sin + angles;
  float direction = p->inverse ? -1 : 1;
  size_t half = p->rotated / 2;
  if (p->x.float32) {
    float *x = p->x.float32 + head;
    rotate_head(x, x + half, cos, sin, direction, half);
  } else {
    uint16_t *x = p->x.bfloat16 + head;
    bf16_rotate_head(x, x + half, cos, sin, direction, half);
  }
}

static void rotation_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const ck_rotation *p = context;
  ck_range tokens = ck_piece(p->T, ck_task_rows(p->heads * p->E), task);
  for (size_t t = tokens.first; t < tokens.first + tokens.count; t++) {
    size_t angles = (size_t)p->positions[t] * (p->rotated / 2);
    for (size_t h = 0; h < p->heads; h++) rotate(p, (t * p->heads + h) * p->E, angles);
  }
}

void ck_rope(ck_rotation p) {
  ck_parallel_for(ck_ceil_divide(p.T, ck_task_rows(p.heads * p.E)), CK_ANY_WORKERS,
                  rotation_task, &p);
}
