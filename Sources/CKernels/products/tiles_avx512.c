#include "products/tiles.h"

#if defined(__x86_64__)
#include <immintrin.h>

/* Tiles with AVX-512, with and without products of bfloat16 pairs. */

typedef void (*tile_function)(const ck_tile_product *, size_t count, float *c, size_t stride,
                              bool accumulate);

/* sums[r][v] += a pair of row r times `vectors` vectors of 16 pairs. */
#define DEFINE_ROWS(name, target, prepare, multiply)                                             \
  __attribute__((always_inline)) target static inline void name##_rows(                          \
      const ck_tile_product *products, size_t count, float *c, size_t stride, bool accumulate,   \
      const int rows, const int vectors) {                                                       \
    __m512 sums[CK_NARROW_ROWS][2];                                                              \
    for (int r = 0; r < rows; r++) {                                                             \
      for (int v = 0; v < vectors; v++) {                                                        \
        sums[r][v] = accumulate ? _mm512_loadu_ps(c + (size_t)r * stride + 16 * v)               \
                                : _mm512_setzero_ps();                                           \
      }                                                                                          \
    }                                                                                            \
    for (size_t i = 0; i < count; i++) {                                                         \
      ck_tile_product p = products[i];                                                           \
      for (size_t k = 0; k < p.pairs; k++) {                                                     \
        prepare(p.panel);                                                                        \
        _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++) {                      \
          int32_t pair;                                                                          \
          memcpy(&pair, p.left + (size_t)r * p.row, sizeof pair);                                \
          multiply(sums[r], vectors, _mm512_set1_epi32(pair));                                   \
        }                                                                                        \
        p.left += 2;                                                                             \
        p.panel += CK_PANEL_COLUMNS;                                                             \
      }                                                                                          \
    }                                                                                            \
    for (int r = 0; r < rows; r++) {                                                             \
      for (int v = 0; v < vectors; v++) {                                                        \
        _mm512_storeu_ps(c + (size_t)r * stride + 16 * v, sums[r][v]);                           \
      }                                                                                          \
    }                                                                                            \
  }                                                                                              \
  DEFINE_TILE(name, target, 1, 2) DEFINE_TILE(name, target, 2, 2)                                \
  DEFINE_TILE(name, target, 3, 2) DEFINE_TILE(name, target, 4, 2)                                \
  DEFINE_TILE(name, target, 5, 2) DEFINE_TILE(name, target, 6, 2)                                \
  DEFINE_TILE(name, target, 7, 2) DEFINE_TILE(name, target, 8, 2)                                \
  DEFINE_TILE(name, target, 16, 1)                                                               \
  static const tile_function name##_tiles[CK_TILE_ROWS] = {                                      \
      name##_1x2, name##_2x2, name##_3x2, name##_4x2,                                            \
      name##_5x2, name##_6x2, name##_7x2, name##_8x2};

#define DEFINE_TILE(name, target, rows, vectors)                                                 \
  target static void name##_##rows##x##vectors(const ck_tile_product *products, size_t count,    \
                                               float *c, size_t stride, bool accumulate) {       \
    name##_rows(products, count, c, stride, accumulate, rows, vectors);                          \
  }

/* What the table of kernels gets. */
#define DEFINE_ENTRIES(name)                                                                     \
  void ck_tile_##name(const ck_tile_product *products, size_t count, size_t rows, float *c,      \
                      size_t stride, bool accumulate) {                                          \
    name##_tiles[rows - 1](products, count, c, stride, accumulate);                              \
  }                                                                                              \
  void ck_narrow_tile_##name(const ck_tile_product *products, size_t count, float *c,            \
                             size_t stride, bool accumulate) {                                   \
    name##_16x1(products, count, c, stride, accumulate);                                         \
  }

/* With products of pairs: 16 of them for 10 loads. Measured on Zen 5 at 508 of 517 GFLOP/s a core
 * with the panel in the second-level cache. */
#define LOAD_PAIRS(panel)                                      \
  __m512bh low = (__m512bh)_mm512_loadu_si512(panel);          \
  __m512bh high = (__m512bh)_mm512_loadu_si512((panel) + 16)
#define MULTIPLY_PAIRS(sum, vectors, left)                     \
  __m512bh both = (__m512bh)(left);                            \
  (sum)[0] = _mm512_dpbf16_ps((sum)[0], both, low);            \
  if ((vectors) > 1) (sum)[1] = _mm512_dpbf16_ps((sum)[1], both, high)
DEFINE_ROWS(avx512_bf16, CK_AVX512_BF16, LOAD_PAIRS, MULTIPLY_PAIRS)
DEFINE_ENTRIES(avx512_bf16)

/* Without: both halves of a pair become float32 by moving bits, which other units do meanwhile. */
#define EVEN(pairs) _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16))
#define ODD(pairs) _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(~0xffff)))
#define LOAD_HALVES(panel)                                     \
  __m512i low = _mm512_loadu_si512(panel);                     \
  __m512i high = _mm512_loadu_si512((panel) + 16);             \
  __m512 low_even = EVEN(low), low_odd = ODD(low);             \
  __m512 high_even = EVEN(high), high_odd = ODD(high)
#define MULTIPLY_HALVES(sum, vectors, left)                    \
  __m512i both = (left);                                       \
  __m512 even = EVEN(both), odd = ODD(both);                   \
  (sum)[0] = _mm512_fmadd_ps(even, low_even, (sum)[0]);        \
  (sum)[0] = _mm512_fmadd_ps(odd, low_odd, (sum)[0]);          \
  if ((vectors) > 1) {                                         \
    (sum)[1] = _mm512_fmadd_ps(even, high_even, (sum)[1]);     \
    (sum)[1] = _mm512_fmadd_ps(odd, high_odd, (sum)[1]);       \
  }
DEFINE_ROWS(avx512, CK_AVX512, LOAD_HALVES, MULTIPLY_HALVES)
DEFINE_ENTRIES(avx512)

/* Whole tiles with the instruction that rounds 32 floats at once. */
CK_AVX512_BF16 static void narrow_whole_rows(const float *block, uint16_t *out, size_t stride,
                                             size_t rows) {
  for (size_t r = 0; r < rows; r++, block += CK_PANEL_COLUMNS, out += stride) {
    __m512bh both = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(block + 16), _mm512_loadu_ps(block));
    _mm512_storeu_si512(out, (__m512i)both);
  }
}

void ck_narrow_rows_avx512_bf16(const float *block, uint16_t *out, size_t stride, size_t rows,
                                size_t columns) {
  if (columns == CK_PANEL_COLUMNS) {
    narrow_whole_rows(block, out, stride, rows);
  } else {
    ck_narrow_rows_plain(block, out, stride, rows, columns);
  }
}
#endif
