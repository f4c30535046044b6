#include "products/tiles.h"

/* Tiles on any processor: pairs are widened to float32. */

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

void ck_tile_plain(const ck_tile_product *products, size_t count, size_t rows, float *c,
                   size_t stride, bool accumulate) {
  if (!accumulate) {
    for (size_t r = 0; r < rows; r++) memset(c + r * stride, 0, CK_PANEL_COLUMNS * sizeof *c);
  }
  for (size_t i = 0; i < count; i++) add_product(products + i, rows, c, stride);
}

void ck_narrow_tile_plain(const ck_tile_product *products, size_t count, float *c, size_t stride,
                          bool accumulate) {
  ck_tile_plain(products, count, CK_NARROW_ROWS, c, stride, accumulate);
}

/* Rows of a tile; the usual, whole one with a length that the compiler knows. */
CK_SHARED_KERNEL(void, ck_narrow_rows_plain,
                 (const float *restrict block, uint16_t *restrict out, size_t stride, size_t rows,
                  size_t count),
                 (block, out, stride, rows, count)) {
  for (size_t r = 0; r < rows; r++) {
    const float *x = block + r * CK_PANEL_COLUMNS;
    uint16_t *y = out + r * stride;
    if (count == CK_PANEL_COLUMNS) {
      for (size_t i = 0; i < CK_PANEL_COLUMNS; i++) y[i] = ck_bfloat16_from_float(x[i]);
    } else {
      for (size_t i = 0; i < count; i++) y[i] = ck_bfloat16_from_float(x[i]);
    }
  }
}
