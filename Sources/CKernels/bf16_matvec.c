#include "bf16.h"
#include "nf4.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* One token times a weight, for generation: every element of the weight is read once, so the memory
 * is what limits it. */

enum { PART = 256, TASK_BYTES = 128 << 10 };

typedef struct {
  const uint16_t *x;
  const ck_operand *weight;
  size_t N, K, rows;
  float *out;
} matvec;

static float plain_row(const matvec *p, size_t n) {
  if (p->weight->bfloat16) return ck_bf16_dot(p->x, p->weight->bfloat16 + n * p->weight->stride, p->K);
  float sum = 0;
  uint16_t values[PART];
  for (size_t k = 0; k < p->K; k += PART) {
    size_t count = CK_MIN(PART, p->K - k);
    ck_nf4_dequantize_bf16(&p->weight->nf4, n * p->K + k, count, values);
    sum += ck_bf16_dot(p->x + k, values, count);
  }
  return sum;
}

#if defined(__x86_64__)

/* The hardware stops fetching ahead where a page ends. */
enum { AHEAD_BYTES = 4096 };

/* Rows of a multiple of 64 elements, with two sums so that products need not wait. */
CK_AVX512_BF16 static float bf16_row(const uint16_t *x, const uint16_t *w, size_t K) {
  __m512 first = _mm512_setzero_ps(), second = _mm512_setzero_ps();
  for (size_t k = 0; k < K; k += 64) {
    _mm_prefetch((const char *)(w + k) + AHEAD_BYTES, _MM_HINT_T0);
    _mm_prefetch((const char *)(w + k) + AHEAD_BYTES + 64, _MM_HINT_T0);
    first = _mm512_dpbf16_ps(first, (__m512bh)_mm512_loadu_si512(x + k),
                             (__m512bh)_mm512_loadu_si512(w + k));
    second = _mm512_dpbf16_ps(second, (__m512bh)_mm512_loadu_si512(x + k + 32),
                              (__m512bh)_mm512_loadu_si512(w + k + 32));
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(first, second));
}

/* Blocks of 64. 32 bytes of codes are looked up in the 16 values of their block, rounded to bfloat16
 * (see nf4_bf16.c): once by their high halves, the even elements, once by their low ones. `x` is
 * sorted the same way. */
CK_AVX512_BF16 static float nf4_row(const uint16_t *x, const ck_nf4 *weight, size_t n, size_t K) {
  const __m512 values = _mm512_loadu_ps(ck_nf4_code_values);
  __m512 evens = _mm512_setzero_ps(), odds = _mm512_setzero_ps();
  const uint8_t *codes = weight->codes + n * K / 2;
  size_t block = n * K / CK_NF4_BLOCK;
  for (size_t k = 0; k < K; k += CK_NF4_BLOCK, block++) {
    float absmax = ck_nf4_block_absmax(weight, block);
    /* Twice the same 16, so that the fifth bit of an index makes no difference. */
    __m512i table = _mm512_broadcast_i64x4(
        (__m256i)_mm512_cvtneps_pbh(_mm512_mul_ps(values, _mm512_set1_ps(absmax))));
    _mm_prefetch((const char *)codes + k / 2 + AHEAD_BYTES, _MM_HINT_T0);
    __m512i bytes = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(codes + k / 2)));
    __m512i even = _mm512_permutexvar_epi16(_mm512_srli_epi16(bytes, 4), table);
    __m512i odd = _mm512_permutexvar_epi16(bytes, table);
    evens = _mm512_dpbf16_ps(evens, (__m512bh)_mm512_loadu_si512(x + k), (__m512bh)even);
    odds = _mm512_dpbf16_ps(odds, (__m512bh)_mm512_loadu_si512(x + k + 32), (__m512bh)odd);
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(evens, odds));
}

/* In each block of 64 the even elements come first, then the odd ones. */
static void sort_by_halves(const uint16_t *x, uint16_t *sorted, size_t K) {
  for (size_t k = 0; k < K; k++) sorted[k / 64 * 64 + k % 2 * 32 + k % 64 / 2] = x[k];
}
#endif

static bool has_fast_rows(size_t K) { return ck_level >= CK_LEVEL_AVX512_BF16 && K % 64 == 0; }

static float row(const matvec *p, size_t n) {
#if defined(__x86_64__)
  if (has_fast_rows(p->K)) {
    const ck_operand *w = p->weight;
    return w->bfloat16 ? bf16_row(p->x, w->bfloat16 + n * w->stride, p->K)
                       : nf4_row(p->x, &w->nf4, n, p->K);
  }
#endif
  return plain_row(p, n);
}

static void matvec_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const matvec *p = context;
  ck_range rows = ck_piece(p->N, p->rows, task);
  for (size_t n = rows.first; n < rows.first + rows.count; n++) p->out[n] = row(p, n);
}

size_t ck_bf16_matvec_scratch(size_t K) { return K * sizeof(uint16_t); }

void ck_bf16_matvec(const uint16_t *x, const ck_operand *weight, size_t N, size_t K, float *out,
                    void *scratch) {
  size_t row_bytes = CK_MAX(weight->bfloat16 ? 2 * K : K / 2, 1);
  matvec p = {x, weight, N, K, CK_MAX(TASK_BYTES / row_bytes, 1), out};
#if defined(__x86_64__)
  if (!weight->bfloat16 && has_fast_rows(K)) {
    sort_by_halves(x, scratch, K);
    p.x = scratch;
  }
#endif
  ck_parallel_for(ck_ceil_divide(N, p.rows), CK_ANY_WORKERS, matvec_task, &p);
}
