#include "products/bf16.h"
#include "quantized/nf4.h"

#include <math.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* NF4 weights as bfloat16, rounded once: what bitsandbytes computes with where its compute type is
 * bfloat16. */

enum { BLOCK = CK_NF4_BLOCK, HALF = BLOCK / 2 };

static void fetch_part(const ck_nf4 *weight, size_t first, size_t count, uint16_t *out) {
  float absmax = ck_nf4_block_absmax(weight, first / BLOCK);
  for (size_t i = 0; i < count; i++) {
    uint8_t byte = weight->codes[(first + i) / 2];
    int code = (first + i) % 2 ? byte & 15 : byte >> 4;
    out[i] = ck_bfloat16_from_float(ck_nf4_code_values[code] * absmax);
  }
}

#if defined(__x86_64__)
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

static void fetch_half_blocks(const ck_nf4 *weight, size_t first, size_t count, uint16_t *out) {
  if (ck_level >= CK_LEVEL_AVX512_BF16) {
    fetch_by_hardware(weight, first, count, out);
  } else {
    fetch_by_integers(weight, first, count, out);
  }
}

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
#endif

bool ck_nf4_panel_of_rows(const ck_nf4 *weight, size_t first, size_t stride, size_t columns,
                          size_t K, uint32_t *panel) {
#if defined(__x86_64__)
  bool halves = first % HALF == 0 && stride % HALF == 0 && columns == HALF && K % 2 == 0;
  if (ck_level >= CK_LEVEL_AVX512_BF16 && halves) {
    panel_of_half_blocks(weight, first, stride, K / 2, panel);
    return true;
  }
#endif
  return false;
}

void ck_nf4_dequantize_bf16(const ck_nf4 *weight, size_t first, size_t count, uint16_t *out) {
#if defined(__x86_64__)
  size_t whole = count / HALF * HALF;
  if (ck_level >= CK_LEVEL_AVX512 && first % HALF == 0 && whole > 0) {
    fetch_half_blocks(weight, first, whole, out);
    first += whole;
    count -= whole;
    out += whole;
  }
#endif
  while (count > 0) {
    size_t part = CK_MIN(BLOCK - first % BLOCK, count);
    fetch_part(weight, first, part, out);
    first += part;
    count -= part;
    out += part;
  }
}
