#include "products/bf16.h"

/* Rotary position embedding (Su et al. 2021, arXiv:2104.09864), pairs half a head apart. */

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

/* Of `x` and `bf16_x` one is given. */
typedef struct {
  float *x;
  uint16_t *bf16_x;
  const int32_t *positions;
  const float *cos, *sin;
  float direction; /* 1 forward, -1 inverse */
  size_t T, heads, E, rows;
} rotation;

static void rotation_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const rotation *p = context;
  size_t half = p->E / 2;
  ck_range tokens = ck_piece(p->T, p->rows, task);
  for (size_t t = tokens.first; t < tokens.first + tokens.count; t++) {
    size_t angles = (size_t)p->positions[t] * half;
    for (size_t h = 0; h < p->heads; h++) {
      size_t head = (t * p->heads + h) * p->E;
      if (p->x) {
        rotate_head(p->x + head, p->x + head + half, p->cos + angles, p->sin + angles,
                    p->direction, half);
      } else {
        bf16_rotate_head(p->bf16_x + head, p->bf16_x + head + half, p->cos + angles,
                         p->sin + angles, p->direction, half);
      }
    }
  }
}

void ck_rope(float *x, const int32_t *positions, const float *cos, const float *sin, bool inverse,
             size_t T, size_t heads, size_t E) {
  rotation p = {x, NULL, positions, cos, sin, inverse ? -1.0f : 1.0f, T, heads, E,
                ck_task_rows(heads * E)};
  ck_parallel_for(ck_ceil_divide(T, p.rows), CK_ANY_WORKERS, rotation_task, &p);
}

void ck_bf16_rope(uint16_t *x, const int32_t *positions, const float *cos, const float *sin,
                  bool inverse, size_t T, size_t heads, size_t E) {
  rotation p = {NULL, x, positions, cos, sin, inverse ? -1.0f : 1.0f, T, heads, E,
                ck_task_rows(heads * E)};
  ck_parallel_for(ck_ceil_divide(T, p.rows), CK_ANY_WORKERS, rotation_task, &p);
}
