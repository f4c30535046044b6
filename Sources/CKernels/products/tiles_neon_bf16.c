#include "products/tiles.h"

#if defined(__aarch64__)
#include <arm_neon.h>

/* Tiles with BFDOT, which adds the product of two pairs of bfloat16 to a float32: panels are as it
 * wants them. BFMMLA, products of small matrices, would need panels of another layout.
 *
 * BFDOT does not round as other processors do. The two products are added, and their sum to the
 * float32, each rounded to odd, whatever the rounding mode: a step is up to two units in the last
 * place off, where a fused multiplication and addition is half of one, but without a bias. Numbers
 * below 1.2e-38 count as zero, in and out. Tolerances of sums over many elements already allow for
 * more; the bits of this level are its own, as those of every level are.
 *
 * 8 rows by 2 vectors are 16 sums; with four pairs of each row and two vectors of a panel that makes
 * 26 of 32 registers, and 64 instructions for 16 loads. Its speed has not been measured. */

enum { LANES = 4, STEP = 4 /* pairs in a register */, VECTORS = 2, PASS = VECTORS * LANES };

#define UNROLL _Pragma("clang loop unroll(full)")

CK_NEON_BF16 CK_INLINE bfloat16x8_t load_pairs(const void *pairs) {
  return vreinterpretq_bf16_u8(vld1q_u8(pairs));
}

/* Multiplies pair `lane` of all rows by a row of the panel. The lane is part of the instruction; of
 * vbfdotq_laneq_f32 clang 21 makes a copy of the lane first, and runs out of registers. */
#define ADD_PAIR(lane)                                                                     \
  UNROLL for (size_t v = 0; v < VECTORS; v++) {                                            \
    bfloat16x8_t right = load_pairs(panel + (lane) * CK_PANEL_COLUMNS + LANES * v);        \
    UNROLL for (size_t r = 0; r < rows; r++) {                                             \
      __asm__("bfdot %0.4s, %1.8h, %2.2h[" #lane "]"                                       \
              : "+w"(sums[r][v]) : "w"(right), "w"(left[r]));                              \
    }                                                                                      \
  }

/* sums += a product of `rows` rows and 8 columns. */
CK_NEON_BF16 CK_INLINE void add_product(const ck_tile_product *p, const uint32_t *panel,
                                        const size_t rows, float32x4_t sums[][VECTORS]) {
  size_t k = 0;
  bfloat16x8_t left[CK_TILE_ROWS];
  for (; k + STEP <= p->pairs; k += STEP, panel += STEP * CK_PANEL_COLUMNS) {
    UNROLL for (size_t r = 0; r < rows; r++) left[r] = load_pairs(p->left + r * p->row + 2 * k);
    ADD_PAIR(0)
    ADD_PAIR(1)
    ADD_PAIR(2)
    ADD_PAIR(3)
  }
  for (; k < p->pairs; k++, panel += CK_PANEL_COLUMNS) {
    UNROLL for (size_t r = 0; r < rows; r++) {
      uint32_t pair;
      memcpy(&pair, p->left + r * p->row + 2 * k, sizeof pair);
      left[r] = vreinterpretq_bf16_u32(vdupq_n_u32(pair));
    }
    ADD_PAIR(0)
  }
}

/* `rows` is a number that the compiler knows, so that no sum leaves its register. */
CK_NEON_BF16 CK_INLINE void multiply_pass(const ck_tile_product *products, size_t count,
                                          size_t column, const size_t rows, float *c,
                                          size_t stride, bool accumulate) {
  float32x4_t sums[CK_TILE_ROWS][VECTORS];
  c += column;
  UNROLL for (size_t r = 0; r < rows; r++) {
    UNROLL for (size_t v = 0; v < VECTORS; v++) {
      sums[r][v] = accumulate ? vld1q_f32(c + r * stride + LANES * v) : vdupq_n_f32(0);
    }
  }
  for (size_t i = 0; i < count; i++) {
    add_product(products + i, products[i].panel + column, rows, sums);
  }
  UNROLL for (size_t r = 0; r < rows; r++) {
    UNROLL for (size_t v = 0; v < VECTORS; v++) {
      vst1q_f32(c + r * stride + LANES * v, sums[r][v]);
    }
  }
}

typedef void (*pass_function)(const ck_tile_product *products, size_t count, size_t column,
                              float *c, size_t stride, bool accumulate);

#define DEFINE_PASS(rows)                                                                        \
  CK_NEON_BF16 static void pass_##rows(const ck_tile_product *products, size_t count,            \
                                       size_t column, float *c, size_t stride, bool accumulate) { \
    multiply_pass(products, count, column, rows, c, stride, accumulate);                         \
  }
DEFINE_PASS(1)
DEFINE_PASS(2)
DEFINE_PASS(3)
DEFINE_PASS(4)
DEFINE_PASS(5)
DEFINE_PASS(6)
DEFINE_PASS(7)
DEFINE_PASS(8)

static const pass_function passes[CK_TILE_ROWS] = {pass_1, pass_2, pass_3, pass_4,
                                                   pass_5, pass_6, pass_7, pass_8};

void ck_tile_neon_bf16(const ck_tile_product *products, size_t count, size_t rows, float *c,
                       size_t stride, bool accumulate) {
  for (size_t column = 0; column < CK_PANEL_COLUMNS; column += PASS) {
    passes[rows - 1](products, count, column, c, stride, accumulate);
  }
}

/* 16 rows are two times 8. */
void ck_narrow_tile_neon_bf16(const ck_tile_product *products, size_t count, float *c,
                              size_t stride, bool accumulate) {
  for (size_t i = 0; i < count; i++) {
    ck_tile_product half = products[i];
    for (size_t r = 0; r < CK_NARROW_ROWS; r += CK_TILE_ROWS) {
      for (size_t column = 0; column < CK_NARROW_COLUMNS; column += PASS) {
        pass_8(&half, 1, column, c + r * stride, stride, accumulate || i > 0);
      }
      half.left += CK_TILE_ROWS * half.row;
    }
  }
}

/* Whole tiles with the instruction that rounds to nearest, ties to even, as convert.h does. */
CK_NEON_BF16 static void narrow_whole_rows(const float *block, uint16_t *out, size_t stride,
                                           size_t rows) {
  for (size_t r = 0; r < rows; r++, block += CK_PANEL_COLUMNS, out += stride) {
    UNROLL for (size_t i = 0; i < CK_PANEL_COLUMNS; i += 8) {
      bfloat16x8_t low = vcvtq_low_bf16_f32(vld1q_f32(block + i));
      bfloat16x8_t both = vcvtq_high_bf16_f32(low, vld1q_f32(block + i + LANES));
      vst1q_u16(out + i, vreinterpretq_u16_bf16(both));
    }
  }
}

void ck_narrow_rows_neon_bf16(const float *block, uint16_t *out, size_t stride, size_t rows,
                              size_t columns) {
  if (columns == CK_PANEL_COLUMNS) {
    narrow_whole_rows(block, out, stride, rows);
  } else {
    ck_narrow_rows_plain(block, out, stride, rows, columns);
  }
}
#endif
