#include "products/float_tile.h"

#if defined(__aarch64__)
#include <arm_neon.h>

/* The tile of float32 products with NEON: 6 rows by 4 vectors are 24 sums; with a row of the panel
 * and six numbers of the left side that makes 30 of 32 registers, and 24 multiplications for 6
 * loads. Its speed has not been measured. */

enum { LANES = 4, VECTORS = CK_FLOAT_COLUMNS / LANES };

#define UNROLL _Pragma("clang loop unroll(full)")

/* sums[v] += left[lane] · panel[v]: the lane is part of the instruction. */
#define ADD_ROW(row, left, lane)                                                       \
  if (row < rows) {                                                                    \
    UNROLL for (size_t v = 0; v < VECTORS; v++) {                                      \
      sums[row][v] = vfmaq_laneq_f32(sums[row][v], panel_row[v], left, lane);          \
    }                                                                                  \
  }

/* `rows` is a number that the compiler knows, so that no sum leaves its register. */
CK_INLINE void multiply(const float *left, const float *panel, size_t depth, const size_t rows,
                        float *c, size_t stride, bool accumulate) {
  float32x4_t sums[CK_FLOAT_ROWS][VECTORS];
  UNROLL for (size_t r = 0; r < rows; r++) {
    UNROLL for (size_t v = 0; v < VECTORS; v++) {
      sums[r][v] = accumulate ? vld1q_f32(c + r * stride + LANES * v) : vdupq_n_f32(0);
    }
  }
  for (size_t k = 0; k < depth; k++, left += CK_FLOAT_ROWS, panel += CK_FLOAT_COLUMNS) {
    float32x4_t first = vld1q_f32(left);
    float32x4_t last = vcombine_f32(vld1_f32(left + 4), vdup_n_f32(0));
    float32x4_t panel_row[VECTORS];
    UNROLL for (size_t v = 0; v < VECTORS; v++) panel_row[v] = vld1q_f32(panel + LANES * v);
    ADD_ROW(0, first, 0)
    ADD_ROW(1, first, 1)
    ADD_ROW(2, first, 2)
    ADD_ROW(3, first, 3)
    ADD_ROW(4, last, 0)
    ADD_ROW(5, last, 1)
  }
  UNROLL for (size_t r = 0; r < rows; r++) {
    UNROLL for (size_t v = 0; v < VECTORS; v++) {
      vst1q_f32(c + r * stride + LANES * v, sums[r][v]);
    }
  }
}

void ck_float_tile_neon(const float *left, const float *panel, size_t depth, size_t rows, float *c,
                        size_t stride, bool accumulate) {
  switch (rows) {
    case 1: multiply(left, panel, depth, 1, c, stride, accumulate); break;
    case 2: multiply(left, panel, depth, 2, c, stride, accumulate); break;
    case 3: multiply(left, panel, depth, 3, c, stride, accumulate); break;
    case 4: multiply(left, panel, depth, 4, c, stride, accumulate); break;
    case 5: multiply(left, panel, depth, 5, c, stride, accumulate); break;
    case 6: multiply(left, panel, depth, 6, c, stride, accumulate); break;
  }
}
#endif
