#include "bf16.h"
#include "nf4.h"

#include <math.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* NF4 weights as bfloat16, rounded once: what bitsandbytes computes with where its compute type is
 * bfloat16. */

enum { BLOCK = CK_NF4_BLOCK };

static void fetch_part(const ck_nf4 *weight, size_t first, size_t count, uint16_t *out) {
  float absmax = ck_nf4_block_absmax(weight, first / BLOCK);
  for (size_t i = 0; i < count; i++) {
    uint8_t byte = weight->codes[(first + i) / 2];
    int code = (first + i) % 2 ? byte & 15 : byte >> 4;
    out[i] = ck_bfloat16_from_float(ck_nf4_code_values[code] * absmax);
  }
}

#if defined(__x86_64__)
/* The 16 values of a block are rounded first and then looked up: 32 of them with one permutation. */
CK_AVX512 static void fetch_half_blocks_avx512(const ck_nf4 *weight, size_t first, size_t count,
                                               uint16_t *out) {
  const __m512 values = _mm512_loadu_ps(ck_nf4_code_values);
  __m512i table = _mm512_setzero_si512();
  for (size_t i = 0; i < count; i += BLOCK / 2) {
    if (i == 0 || (first + i) % BLOCK == 0) {
      float absmax = ck_nf4_block_absmax(weight, (first + i) / BLOCK);
      __m512i bits = _mm512_castps_si512(_mm512_mul_ps(values, _mm512_set1_ps(absmax)));
      __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
      __m512i rounded = _mm512_srli_epi32(
          _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), 16);
      /* Twice the same 16, so that the fifth bit of an index makes no difference. */
      table = _mm512_broadcast_i64x4(_mm512_cvtepi32_epi16(rounded));
    }
    __m512i bytes =
        _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(weight->codes + (first + i) / 2)));
    __m512i codes = _mm512_or_si512(_mm512_srli_epi32(bytes, 4), _mm512_slli_epi32(bytes, 16));
    _mm512_storeu_si512(out + i, _mm512_permutexvar_epi16(codes, table));
  }
}
#endif

void ck_nf4_dequantize_bf16(const ck_nf4 *weight, size_t first, size_t count, uint16_t *out) {
#if defined(__x86_64__)
  size_t half = BLOCK / 2, whole = count / half * half;
  if (ck_level >= CK_LEVEL_AVX512 && first % half == 0 && whole > 0) {
    fetch_half_blocks_avx512(weight, first, whole, out);
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
