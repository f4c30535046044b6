#include "products/bf16.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* The innermost kernel: 8 rows by 32 columns stay in registers over the whole contraction. */

typedef void (*tile_function)(const ck_tile_product *, size_t count, float *c, size_t stride,
                              bool accumulate);

/* ---- Any processor: pairs are widened to float32 ---------------------------------------------*/

/* Half a panel at a time, in rows that are few enough for 16 registers of 8 floats. */
enum { LANES = 16, PLAIN_ROWS = 4 };

CK_INLINE void multiply_lanes(const ck_tile_product *p, size_t first_row, size_t rows,
                              size_t first_column, float *c, size_t stride) {
#pragma clang fp contract(fast)
  float sums[PLAIN_ROWS][LANES];
  for (size_t r = 0; r < rows; r++) {
    for (size_t j = 0; j < LANES; j++) sums[r][j] = c[r * stride + j];
  }
  const uint32_t *panel = p->panel + first_column;
  const uint16_t *left = p->left + first_row * p->row;
  for (size_t k = 0; k < p->pairs; k++) {
    for (size_t r = 0; r < rows; r++) {
      float even = ck_float_from_bf16(left[r * p->row + 2 * k]);
      float odd = ck_float_from_bf16(left[r * p->row + 2 * k + 1]);
      for (size_t j = 0; j < LANES; j++) {
        uint32_t word = panel[k * CK_PANEL_COLUMNS + j];
        sums[r][j] += even * ck_float_from_bits(word << 16);
        sums[r][j] += odd * ck_float_from_bits(word & 0xffff0000);
      }
    }
  }
  for (size_t r = 0; r < rows; r++) {
    for (size_t j = 0; j < LANES; j++) c[r * stride + j] = sums[r][j];
  }
}

CK_KERNEL(void, add_product, (const ck_tile_product *p, size_t rows, float *c, size_t stride),
          (p, rows, c, stride)) {
  for (size_t column = 0; column < CK_PANEL_COLUMNS; column += LANES) {
    size_t r = 0;
    for (; r + PLAIN_ROWS <= rows; r += PLAIN_ROWS) {
      multiply_lanes(p, r, PLAIN_ROWS, column, c + r * stride + column, stride);
    }
    for (; r < rows; r++) multiply_lanes(p, r, 1, column, c + r * stride + column, stride);
  }
}

static void widened_tile(const ck_tile_product *products, size_t count, size_t rows, float *c,
                         size_t stride, bool accumulate) {
  if (!accumulate) {
    for (size_t r = 0; r < rows; r++) memset(c + r * stride, 0, CK_PANEL_COLUMNS * sizeof *c);
  }
  for (size_t i = 0; i < count; i++) add_product(products + i, rows, c, stride);
}

/* ---- AVX-512 ---------------------------------------------------------------------------------*/

#if defined(__x86_64__)

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

/* Processors with AMX multiply pairs at half the speed of float32. */
static bool multiplies_pairs(void) { return ck_level == CK_LEVEL_AVX512_BF16; }

#endif

static void vector_tile(const ck_tile_product *products, size_t count, size_t rows, float *c,
                        size_t stride, bool accumulate) {
#if defined(__x86_64__)
  if (ck_level >= CK_LEVEL_AVX512) {
    tile_function tile = multiplies_pairs() ? avx512_bf16_tiles[rows - 1] : avx512_tiles[rows - 1];
    tile(products, count, c, stride, accumulate);
    return;
  }
#endif
  widened_tile(products, count, rows, c, stride, accumulate);
}

void ck_bf16_narrow_tile(const ck_tile_product *products, size_t count, float *c, size_t stride,
                         bool accumulate) {
#if defined(__x86_64__)
  if (ck_level >= CK_LEVEL_AVX512) {
    tile_function tile = multiplies_pairs() ? avx512_bf16_16x1 : avx512_16x1;
    tile(products, count, c, stride, accumulate);
    return;
  }
#endif
  widened_tile(products, count, CK_NARROW_ROWS, c, stride, accumulate);
}

size_t ck_bf16_tile_rows(void) { return ck_amx == CK_AMX_NONE ? CK_TILE_ROWS : CK_AMX_ROWS; }

size_t ck_bf16_padded_rows(size_t rows) {
  return ck_amx == CK_AMX_NONE ? rows : ck_round_up(rows, CK_AMX_ROWS);
}

void ck_bf16_tile(const ck_tile_product *products, size_t count, size_t rows, float *c,
                  size_t stride, bool accumulate) {
  if (ck_amx != CK_AMX_NONE && rows == CK_AMX_ROWS) {
    ck_bf16_tile_amx(products, count, c, stride, accumulate);
    return;
  }
  if (rows <= CK_TILE_ROWS) {
    vector_tile(products, count, rows, c, stride, accumulate);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    ck_tile_product part = products[i];
    for (size_t r = 0; r < rows; r += CK_TILE_ROWS) {
      vector_tile(&part, 1, CK_MIN(CK_TILE_ROWS, rows - r), c + r * stride, stride,
                  accumulate || i > 0);
      part.left += CK_TILE_ROWS * part.row;
    }
  }
}
