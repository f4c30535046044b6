#include "vector.h"

/* Rotary position embedding (Su et al. 2021, arXiv:2104.09864), pairs half a head apart. */

CK_CLONES
static void rotate_head(float *restrict low, float *restrict high, const float *restrict cos,
                        const float *restrict sin, float direction, size_t half) {
  for (size_t i = 0; i < half; i++) {
    float a = low[i], b = high[i], s = sin[i] * direction;
    low[i] = a * cos[i] - b * s;
    high[i] = b * cos[i] + a * s;
  }
}

typedef struct {
  float *x;
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
      float *head = p->x + (t * p->heads + h) * p->E;
      rotate_head(head, head + half, p->cos + angles, p->sin + angles, p->direction, half);
    }
  }
}

void ck_rope(float *x, const int32_t *positions, const float *cos, const float *sin, bool inverse,
             size_t T, size_t heads, size_t E) {
  rotation p = {x, positions, cos, sin, inverse ? -1.0f : 1.0f, T, heads, E,
                ck_task_rows(heads * E)};
  ck_parallel_for(ck_ceil_divide(T, p.rows), CK_ANY_WORKERS, rotation_task, &p);
}
