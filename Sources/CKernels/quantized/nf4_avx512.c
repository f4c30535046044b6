#include "quantized/nf4.h"

#if defined(__x86_64__)
#include "products/bf16.h"

#include <immintrin.h>
#include <pthread.h>

/* NF4 with AVX-512: codes and values by looking up 16 or 32 at a time. */

enum { BLOCK = CK_NF4_BLOCK, HALF = BLOCK / 2 };

/* ---- Quantization ----------------------------------------------------------------------------*/

/* [-1, 1] in 32 cells, none with more than one border in it: a value's code is that of its cell's
 * lower end, or the next one where the value is above the cell's border. */
enum { CELLS = 32 };

static float cell_borders[CELLS];
static uint32_t cell_codes[CELLS];

static void fill_cells(void) {
  for (int cell = 0; cell < CELLS; cell++) {
    float low = (float)(cell - CELLS / 2) / (CELLS / 2);
    uint32_t code = 0;
    float border = 2;
    for (int j = 14; j >= 0; j--) {
      float candidate = (ck_nf4_code_values[j] + ck_nf4_code_values[j + 1]) / 2;
      if (candidate < low) {
        code = (uint32_t)j + 1;
        break;
      }
      border = candidate;
    }
    cell_borders[cell] = border;
    cell_codes[cell] = code;
  }
}

CK_AVX512 CK_INLINE __m512 load_16(const void *values, ck_value_type type, size_t first) {
  const __m256i *halves = (const void *)((const uint16_t *)values + first);
  switch (type) {
    case CK_BFLOAT16:
      return _mm512_castsi512_ps(
          _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(halves)), 16));
    case CK_FLOAT16: return _mm512_cvtph_ps(_mm256_loadu_si256(halves));
    case CK_FLOAT32: break;
  }
  return _mm512_loadu_ps((const float *)values + first);
}

CK_AVX512 static void quantize_in_cells(const ck_nf4_quantization *p, size_t first_block,
                                        size_t blocks) {
  const __m512 borders[2] = {_mm512_loadu_ps(cell_borders), _mm512_loadu_ps(cell_borders + 16)};
  const __m512i starts[2] = {_mm512_loadu_si512(cell_codes), _mm512_loadu_si512(cell_codes + 16)};
  const __m512 one = _mm512_set1_ps(1), half_cells = _mm512_set1_ps(CELLS / 2);
  const __m512i last_cell = _mm512_set1_epi32(CELLS - 1);
  enum { VECTORS = BLOCK / 16 };
  for (size_t b = first_block; b < first_block + blocks; b++) {
    __m512 values[VECTORS], largest = _mm512_setzero_ps();
    for (size_t v = 0; v < VECTORS; v++) {
      values[v] = load_16(p->values, p->type, b * BLOCK + 16 * v);
      largest = _mm512_max_ps(largest, _mm512_abs_ps(values[v]));
    }
    float absmax = _mm512_reduce_max_ps(largest);
    __m512 reciprocal = _mm512_set1_ps(1.0f / CK_MAX(absmax, CK_NF4_LEAST_ABSMAX));
    for (size_t v = 0; v < VECTORS; v++) {
      __m512 scaled = _mm512_mul_ps(values[v], reciprocal);
      scaled = _mm512_max_ps(_mm512_min_ps(scaled, one), _mm512_sub_ps(_mm512_setzero_ps(), one));
      __m512 place = _mm512_add_ps(_mm512_mul_ps(scaled, half_cells), half_cells);
      __m512i cell = _mm512_min_epi32(_mm512_cvttps_epi32(place), last_cell);
      __m512 border = _mm512_permutex2var_ps(borders[0], cell, borders[1]);
      __m512i code = _mm512_permutex2var_epi32(starts[0], cell, starts[1]);
      __mmask16 above = _mm512_cmp_ps_mask(scaled, border, _CMP_GT_OQ);
      code = _mm512_mask_add_epi32(code, above, code, _mm512_set1_epi32(1));
      /* Two neighbours make a byte, the first in its high half. */
      __m512i bytes = _mm512_or_si512(_mm512_slli_epi64(code, 4), _mm512_srli_epi64(code, 32));
      _mm_storel_epi64((__m128i *)(p->codes + b * (BLOCK / 2) + 8 * v),
                       _mm512_cvtepi64_epi8(bytes));
    }
    p->absmax[b] = absmax;
  }
}

void ck_nf4_quantize_avx512(const ck_nf4_quantization *p, size_t first_block, size_t blocks) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, fill_cells);
  quantize_in_cells(p, first_block, blocks);
}

/* ---- Values in bfloat16 ----------------------------------------------------------------------*/

#define INLINE(target) __attribute__((always_inline)) target static inline

/* The 16 values of a block are rounded first and then looked up. A table holds them twice, so that
 * the fifth bit of an index makes no difference. */
INLINE(CK_AVX512) __m512 scaled_values(const ck_nf4 *weight, size_t block) {
  return _mm512_mul_ps(_mm512_loadu_ps(ck_nf4_code_values),
                       _mm512_set1_ps(ck_nf4_block_absmax(weight, block)));
}

INLINE(CK_AVX512) __m512i table_by_integers(const ck_nf4 *weight, size_t block) {
  __m512i bits = _mm512_castps_si512(scaled_values(weight, block));
  __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  __m512i rounded = _mm512_srli_epi32(
      _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), 16);
  return _mm512_broadcast_i64x4(_mm512_cvtepi32_epi16(rounded));
}

/* In hardware, which makes zero of numbers below 1.2e-38. */
INLINE(CK_AVX512_BF16) __m512i table_by_hardware(const ck_nf4 *weight, size_t block) {
  return _mm512_broadcast_i64x4((__m256i)_mm512_cvtneps_pbh(scaled_values(weight, block)));
}

/* Half a block, 32 elements, with one permutation. */
INLINE(CK_AVX512) __m512i look_up(const uint8_t *codes, __m512i table) {
  __m512i bytes = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)codes));
  __m512i indexes = _mm512_or_si512(_mm512_srli_epi32(bytes, 4), _mm512_slli_epi32(bytes, 16));
  return _mm512_permutexvar_epi16(indexes, table);
}

#define DEFINE_FETCH(name, target, table_of_block)                                              \
  target static void name(const ck_nf4 *weight, size_t first, size_t count, uint16_t *out) {    \
    __m512i table = _mm512_setzero_si512();                                                     \
    for (size_t i = 0; i < count; i += HALF) {                                                  \
      if (i == 0 || (first + i) % BLOCK == 0) table = table_of_block(weight, (first + i) / BLOCK); \
      _mm512_storeu_si512(out + i, look_up(weight->codes + (first + i) / 2, table));            \
    }                                                                                           \
  }
DEFINE_FETCH(fetch_by_integers, CK_AVX512, table_by_integers)
DEFINE_FETCH(fetch_by_hardware, CK_AVX512_BF16, table_by_hardware)

/* Whole half blocks, and what is left in the plain way. */
#define DEFINE_ENTRY(name, fetch)                                                             \
  void name(const ck_nf4 *weight, size_t first, size_t count, uint16_t *out) {                \
    size_t whole = first % HALF == 0 ? count / HALF * HALF : 0;                               \
    fetch(weight, first, whole, out);                                                         \
    ck_nf4_to_bf16_plain(weight, first + whole, count - whole, out + whole);                  \
  }
DEFINE_ENTRY(ck_nf4_to_bf16_avx512, fetch_by_integers)
DEFINE_ENTRY(ck_nf4_to_bf16_avx512_bf16, fetch_by_hardware)

enum { PAIRS_AHEAD = 8 };

/* A panel has half a block of each row, and rows lie far apart: they are fetched ahead. */
CK_AVX512_BF16 static void panel_of_half_blocks(const ck_nf4 *weight, size_t first, size_t stride,
                                                size_t pairs, uint32_t *panel) {
  __m512i low, high; /* words of `even` and `odd` (from 32 on) in turn */
  {
    uint16_t order[2][32];
    for (uint16_t i = 0; i < 32; i++) {
      order[0][i] = i / 2 + i % 2 * 32;
      order[1][i] = 16 + i / 2 + i % 2 * 32;
    }
    low = _mm512_loadu_si512(order[0]);
    high = _mm512_loadu_si512(order[1]);
  }
  for (size_t p = 0; p < pairs; p++, first += 2 * stride, panel += CK_PANEL_COLUMNS) {
    const uint8_t *codes = weight->codes + first / 2;
    _mm_prefetch((const char *)codes + 2 * PAIRS_AHEAD * stride / 2, _MM_HINT_T0);
    _mm_prefetch((const char *)codes + (2 * PAIRS_AHEAD + 1) * stride / 2, _MM_HINT_T0);
    __m512i even = look_up(codes, table_by_hardware(weight, first / BLOCK));
    __m512i odd = look_up(codes + stride / 2, table_by_hardware(weight, (first + stride) / BLOCK));
    _mm512_storeu_si512(panel, _mm512_permutex2var_epi16(even, low, odd));
    _mm512_storeu_si512(panel + 16, _mm512_permutex2var_epi16(even, high, odd));
  }
}

bool ck_nf4_panel_of_rows_avx512_bf16(const ck_nf4 *weight, size_t first, size_t stride,
                                      size_t columns, size_t K, uint32_t *panel) {
  bool halves = first % HALF == 0 && stride % HALF == 0 && columns == HALF && K % 2 == 0;
  if (halves) panel_of_half_blocks(weight, first, stride, K / 2, panel);
  return halves;
}
#endif
