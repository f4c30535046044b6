#include "products/bf16.h"

size_t ck_bf16_tile_rows(void) {
  return ck_kernels.block_rows > 0 ? ck_kernels.block_rows : CK_TILE_ROWS;
}

size_t ck_bf16_padded_rows(size_t rows) {
  return ck_kernels.block_rows > 0 ? ck_round_up(rows, ck_kernels.block_rows) : rows;
}

void ck_bf16_tile(const ck_tile_product *products, size_t count, size_t rows, float *c,
                  size_t stride, bool accumulate) {
  if (rows == ck_kernels.block_rows) {
    ck_kernels.block(products, count, c, stride, accumulate);
    return;
  }
  if (rows <= CK_TILE_ROWS) {
    ck_kernels.tile(products, count, rows, c, stride, accumulate);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    ck_tile_product part = products[i];
    for (size_t r = 0; r < rows; r += CK_TILE_ROWS) {
      ck_kernels.tile(&part, 1, CK_MIN(CK_TILE_ROWS, rows - r), c + r * stride, stride,
                      accumulate || i > 0);
      part.left += CK_TILE_ROWS * part.row;
    }
  }
}
