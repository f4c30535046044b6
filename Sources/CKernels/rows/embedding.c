#include "products/bf16.h"

typedef struct {
  const int32_t *ids;
  const float *weight; /* or */
  const uint16_t *bf16_weight;
  float *out;
  size_t T, D, rows;
} embedding;

static void embedding_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const embedding *p = context;
  ck_range tokens = ck_piece(p->T, p->rows, task);
  for (size_t t = tokens.first; t < tokens.first + tokens.count; t++) {
    size_t row = (size_t)p->ids[t] * p->D;
    if (p->weight) {
      memcpy(p->out + t * p->D, p->weight + row, p->D * sizeof(float));
    } else {
      ck_bf16_widen(p->bf16_weight + row, p->out + t * p->D, p->D);
    }
  }
}

void ck_embedding(const int32_t *ids, const float *weight, float *out, size_t T, size_t D) {
  embedding p = {ids, weight, NULL, out, T, D, ck_task_rows(D)};
  ck_parallel_for(ck_ceil_divide(T, p.rows), CK_ANY_WORKERS, embedding_task, &p);
}

void ck_bf16_embedding(const int32_t *ids, const uint16_t *weight, float *out, size_t T,
                       size_t D) {
  embedding p = {ids, NULL, weight, out, T, D, ck_task_rows(D)};
  ck_parallel_for(ck_ceil_divide(T, p.rows), CK_ANY_WORKERS, embedding_task, &p);
}
