#include "products/matvec.h"

/* One token times a weight, for generation: every element of the weight is read once, so the memory
 * is what limits it. */

enum { PART = 256, LEAST_TASK_BYTES = 32 << 10 };

/* ---- On any processor ------------------------------------------------------------------------*/

static float plain_row(const ck_matvec *p, size_t n) {
  const ck_operand *w = p->weight;
  if (w->bfloat16) return ck_bf16_dot(p->x, w->bfloat16 + n * w->stride, p->K);
  float sum = 0;
  uint16_t values[PART];
  for (size_t k = 0; k < p->K; k += PART) {
    size_t count = CK_MIN(PART, p->K - k);
    ck_kernels.nf4_to_bf16(&w->nf4, n * p->K + k, count, values);
    sum += ck_bf16_dot(p->x + k, values, count);
  }
  return sum;
}

const uint16_t *ck_order_token_plain(const ck_matvec *p, void *scratch) {
  (void)scratch;
  return p->x;
}

void ck_multiply_token_plain(const ck_matvec *p, ck_range rows) {
  for (size_t n = rows.first; n < rows.first + rows.count; n++) p->out[n] = plain_row(p, n);
}

/* ---- The whole -------------------------------------------------------------------------------*/

typedef struct {
  ck_matvec product;
  size_t rows; /* of a task */
} matvec;

static void matvec_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const matvec *p = context;
  ck_kernels.multiply_token(&p->product, ck_piece(p->product.N, p->rows, task));
}

size_t ck_bf16_matvec_scratch(size_t K) { return ck_round_up(K, 128) * sizeof(uint16_t); }

void ck_bf16_matvec(const uint16_t *x, const ck_operand *weight, size_t N, size_t K, float *out,
                    void *scratch) {
  size_t row_bytes = CK_MAX(weight->bfloat16 ? 2 * K : K / 2, 1);
  size_t rows = CK_MAX(ck_ceil_divide(N, ck_threads()), LEAST_TASK_BYTES / row_bytes);
  matvec p = {{x, weight, N, K, out}, CK_MAX(rows, 1)};
  p.product.x = ck_kernels.order_token(&p.product, scratch);
  ck_parallel_for(ck_ceil_divide(N, p.rows), CK_ANY_WORKERS, matvec_task, &p);
}
