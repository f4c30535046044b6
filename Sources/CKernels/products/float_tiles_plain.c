#include "products/float_tile.h"

/* The float32 tile on any processor, two rows at a time: their 32 sums are 8 registers of 4. */

enum { PAIR = 2 };

CK_INLINE void multiply_rows(const float *left, const float *panel, size_t depth, size_t rows,
                             float *c, size_t stride, bool accumulate) {
#pragma clang fp contract(fast)
  float sums[PAIR][CK_FLOAT_COLUMNS];
  for (size_t r = 0; r < rows; r++) {
    for (size_t j = 0; j < CK_FLOAT_COLUMNS; j++) sums[r][j] = accumulate ? c[r * stride + j] : 0;
  }
  for (size_t k = 0; k < depth; k++) {
    for (size_t r = 0; r < rows; r++) {
      for (size_t j = 0; j < CK_FLOAT_COLUMNS; j++) {
        sums[r][j] += left[k * CK_FLOAT_ROWS + r] * panel[k * CK_FLOAT_COLUMNS + j];
      }
    }
  }
  for (size_t r = 0; r < rows; r++) {
    for (size_t j = 0; j < CK_FLOAT_COLUMNS; j++) c[r * stride + j] = sums[r][j];
  }
}

void ck_float_tile_plain(const float *left, const float *panel, size_t depth, size_t rows, float *c,
                         size_t stride, bool accumulate) {
  size_t r = 0;
  for (; r + PAIR <= rows; r += PAIR) {
    multiply_rows(left + r, panel, depth, PAIR, c + r * stride, stride, accumulate);
  }
  if (r < rows) multiply_rows(left + r, panel, depth, 1, c + r * stride, stride, accumulate);
}
