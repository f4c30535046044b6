#include "numbers/bf16_exp.h"
#include "products/matvec.h"
#include "quantized/nf4.h"

#if defined(__x86_64__)

/* One token times a weight where the processor multiplies pairs of bfloat16: for rows of a multiple of
 * 64 elements. */

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

/* What ck_nf4_block_absmax makes of each code in one nested block: then a scale is one load. */
typedef struct {
  size_t nested; /* SIZE_MAX at first */
  float absmax[256];
} absmax_table;

CK_AVX512_BF16 static void fill_table(const ck_nf4 *weight, size_t nested, absmax_table *table) {
  __m512 factor = _mm512_set1_ps(weight->absmax2[nested]), offset = _mm512_set1_ps(weight->offset);
  for (size_t i = 0; i < 256; i += 16) {
    __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(weight->map + i), factor);
    _mm512_storeu_ps(table->absmax + i, _mm512_add_ps(scaled, offset));
  }
  table->nested = nested;
}

static const float *table_of_block(const ck_nf4 *weight, size_t block, absmax_table *table) {
  size_t nested = block / CK_NF4_NESTED_BLOCK;
  if (nested != table->nested) fill_table(weight, nested, table);
  return table->absmax;
}

/* Two blocks of 64. Each of the 32 words of their codes has the codes of four elements, 4 i + 1,
 * 4 i, 4 i + 3, 4 i + 2 from its low bits on. They are looked up in the 16 values of their block,
 * rounded to bfloat16 (see nf4_bf16.c): one table holds those of the first block and then those of
 * the second. `x` is sorted as the codes are. */
CK_AVX512_BF16_INLINE void add_blocks(__m512 sums[4], __m512i words, float first, float second,
                                      const uint16_t *x) {
  enum { CODE_OR_TABLE = 0xea /* (a & b) | c */ };
  const __m512i code_bits = _mm512_set1_epi16(15);
  const __m512i second_table = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(16), 1);
  const __m512 values = _mm512_loadu_ps(ck_nf4_code_values);
  __m512 low = _mm512_mul_ps(values, _mm512_set1_ps(first));
  __m512 high = _mm512_mul_ps(values, _mm512_set1_ps(second));
  __m512i table = (__m512i)_mm512_cvtne2ps_pbh(high, low);
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
    __m512i index = _mm512_ternarylogic_epi32(_mm512_srli_epi16(words, 4 * j), code_bits,
                                              second_table, CODE_OR_TABLE);
    sums[j] = _mm512_dpbf16_ps(sums[j], (__m512bh)_mm512_loadu_si512(x + 32 * j),
                               (__m512bh)_mm512_permutexvar_epi16(index, table));
  }
}

enum { TWO_BLOCKS = 2 * CK_NF4_BLOCK };

/* A row whose elements begin at a block; a last block without a second meets zeros in `x`. */
CK_AVX512_BF16 static float nf4_row(const uint16_t *x, const ck_nf4 *weight, size_t n, size_t K,
                                    absmax_table *tables) {
  __m512 sums[4];
  for (int j = 0; j < 4; j++) sums[j] = _mm512_setzero_ps();
  const uint8_t *codes = weight->codes + n * K / 2, *absmax_codes = weight->absmax_codes;
  size_t block = n * (K / CK_NF4_BLOCK), end = block + K / CK_NF4_BLOCK;
  while (block < end) {
    /* Without double quantization all scales are at hand; else those of a nested block. */
    size_t known = end;
    const float *table = NULL;
    if (!weight->absmax) {
      known = CK_MIN(end, ck_round_up(block + 1, CK_NF4_NESTED_BLOCK));
      table = table_of_block(weight, block, tables);
    }
    for (; block + 2 <= known; block += 2, codes += CK_NF4_BLOCK, x += TWO_BLOCKS) {
      _mm_prefetch((const char *)codes + AHEAD_BYTES, _MM_HINT_T0);
      float first = table ? table[absmax_codes[block]] : weight->absmax[block];
      float second = table ? table[absmax_codes[block + 1]] : weight->absmax[block + 1];
      add_blocks(sums, _mm512_loadu_si512(codes), first, second, x);
    }
    if (block < known) {
      bool both = block + 1 < end;
      float first = table ? table[absmax_codes[block]] : weight->absmax[block];
      float second = both ? ck_nf4_block_absmax(weight, block + 1) : 0;
      __m512i words = _mm512_maskz_loadu_epi64(both ? 0xff : 0x0f, codes);
      add_blocks(sums, words, first, second, x);
      block += 2, codes += CK_NF4_BLOCK, x += TWO_BLOCKS;
    }
  }
  return _mm512_reduce_add_ps(
      _mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])));
}

static void sort_by_codes(const uint16_t *x, uint16_t *sorted, size_t K) {
  memset(sorted, 0, ck_round_up(K, TWO_BLOCKS) * sizeof *sorted);
  for (size_t k = 0; k < K; k++) {
    size_t within = k % TWO_BLOCKS, code = within % 4 ^ 1;
    sorted[k - within + code * 32 + within / 4] = x[k];
  }
}

/* ---- What the table of kernels gets ----------------------------------------------------------*/

static bool has_fast_rows(const ck_matvec *p) { return p->K % 64 == 0; }

const uint16_t *ck_order_token_avx512_bf16(const ck_matvec *p, void *scratch) {
  if (p->weight->bfloat16 || !has_fast_rows(p)) return p->x;
  sort_by_codes(p->x, scratch, p->K);
  return scratch;
}

void ck_multiply_token_avx512_bf16(const ck_matvec *p, ck_range rows) {
  if (!has_fast_rows(p)) {
    ck_multiply_token_plain(p, rows);
    return;
  }
  const ck_operand *w = p->weight;
  absmax_table scales = {.nested = SIZE_MAX};
  for (size_t n = rows.first; n < rows.first + rows.count; n++) {
    p->out[n] = w->bfloat16 ? bf16_row(p->x, w->bfloat16 + n * w->stride, p->K)
                            : nf4_row(p->x, &w->nf4, n, p->K, &scales);
  }
}
#endif
