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
    if (w->grouped.codes) {
      ck_grouped_to_bf16(&w->grouped, n * p->K + k, count, values);
    } else {
      ck_kernels.nf4_to_bf16(&w->nf4, n * p->K + k, count, values);
    }
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

/* ---- Whole numbers in groups -----------------------------------------------------------------*/

#if defined(__x86_64__)
static bool takes_avx2(const ck_matvec *p) {
  return ck_level >= CK_LEVEL_AVX2 && ck_grouped_rows_are_fast_avx2(p);
}
#else
static bool takes_avx2(const ck_matvec *p) { return (void)p, false; }
#define ck_order_token_avx2 ck_order_token_plain
#define ck_multiply_token_avx2 ck_multiply_token_plain
#endif

static const uint16_t *order_token(const ck_matvec *p, void *scratch) {
  if (!p->weight->grouped.codes) return ck_kernels.order_token(p, scratch);
  return takes_avx2(p) ? ck_order_token_avx2(p, scratch) : p->x;
}

static void multiply_token(const ck_matvec *p, ck_range rows) {
  if (!p->weight->grouped.codes) {
    ck_kernels.multiply_token(p, rows);
  } else if (takes_avx2(p)) {
    ck_multiply_token_avx2(p, rows);
  } else {
    ck_multiply_token_plain(p, rows);
  }
}

/* ---- The whole -------------------------------------------------------------------------------*/

typedef struct {
  ck_matvec product;
  size_t rows; /* of a task */
} matvec;

static matvec begin(ck_matvec product) {
  const ck_operand *w = product.weight;
  size_t row_bytes = w->float32 ? 4 * product.K : w->bfloat16 ? 2 * product.K : product.K / 2;
  size_t rows = CK_MAX(ck_ceil_divide(product.N, ck_threads()),
                       LEAST_TASK_BYTES / CK_MAX(row_bytes, 1));
  return (matvec){product, CK_MAX(rows, 1)};
}

static void matvec_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const matvec *p = context;
  multiply_token(&p->product, ck_piece(p->product.N, p->rows, task));
}

/* Four bytes an element are more than any order of a token takes. */
size_t ck_bf16_matvec_scratch(size_t K) { return ck_round_up(K, 128) * 4; }

void ck_bf16_matvec(const uint16_t *x, const ck_operand *weight, size_t N, size_t K, float *out,
                    void *scratch) {
  matvec p = begin((ck_matvec){x, weight, N, K, out});
  p.product.x = order_token(&p.product, scratch);
  ck_parallel_for(ck_ceil_divide(N, p.rows), CK_ANY_WORKERS, matvec_task, &p);
}

/* ---- In float32 ------------------------------------------------------------------------------*/

typedef struct {
  matvec work;
  const float *x;
} float_matvec;

static float float_row(const float_matvec *p, size_t n) {
  const ck_operand *w = p->work.product.weight;
  size_t K = p->work.product.K;
  if (w->float32) return ck_dot(p->x, w->float32 + n * w->stride, K);
  float sum = 0, values[PART];
  for (size_t k = 0; k < K; k += PART) {
    size_t count = CK_MIN(PART, K - k);
    if (w->grouped.codes) {
      ck_grouped_decode_range(&w->grouped, n * K + k, count, values);
    } else {
      ck_nf4_dequantize_range(&w->nf4, n * K + k, count, values);
    }
    sum += ck_dot(p->x + k, values, count);
  }
  return sum;
}

static void float_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const float_matvec *p = context;
  ck_range rows = ck_piece(p->work.product.N, p->work.rows, task);
  for (size_t n = rows.first; n < rows.first + rows.count; n++) {
    p->work.product.out[n] = float_row(p, n);
  }
}

void ck_float_matvec(const float *x, const ck_operand *weight, size_t N, size_t K, float *out) {
  float_matvec p = {begin((ck_matvec){NULL, weight, N, K, out}), x};
  ck_parallel_for(ck_ceil_divide(N, p.work.rows), CK_ANY_WORKERS, float_task, &p);
}
