#include "vector.h"

#include <string.h>

typedef struct {
  const int32_t *ids;
  const float *weight;
  float *out;
  size_t T, D, rows;
} embedding;

static void embedding_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const embedding *p = context;
  ck_range tokens = ck_piece(p->T, p->rows, task);
  for (size_t t = tokens.first; t < tokens.first + tokens.count; t++) {
    memcpy(p->out + t * p->D, p->weight + (size_t)p->ids[t] * p->D, p->D * sizeof(float));
  }
}

void ck_embedding(const int32_t *ids, const float *weight, float *out, size_t T, size_t D) {
  embedding p = {ids, weight, out, T, D, ck_task_rows(D)};
  ck_parallel_for(ck_ceil_divide(T, p.rows), CK_ANY_WORKERS, embedding_task, &p);
}
