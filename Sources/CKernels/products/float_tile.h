/* Tiles of float32 products: a few rows of the left operand times a panel of the right one, in
 * registers from the first k to the last. */
#pragma once

#include "machine/kernel_table.h"

/* Rows and columns of a tile: 12 registers of 8 sums, which leaves 4 of 16 for the operands. */
enum { CK_FLOAT_ROWS = 6, CK_FLOAT_COLUMNS = 16 };

/* The most of any level. */
enum { CK_MOST_FLOAT_ROWS = 8, CK_MOST_FLOAT_COLUMNS = 32 };

/* c[rows][columns] = sum_k left[k][r] panel[k][n], or += where `accumulate`, in the order of k, for
 * at most as many rows as a tile has; rows of c are `stride` apart. Both operands lie k by k, with
 * all rows and columns of a tile; what does not exist is zero. */
void ck_float_tile_plain(const float *left, const float *panel, size_t depth, size_t rows, float *c,
                         size_t stride, bool accumulate);
void ck_float_tile_avx2(const float *left, const float *panel, size_t depth, size_t rows, float *c,
                        size_t stride, bool accumulate);
void ck_float_tile_avx512(const float *left, const float *panel, size_t depth, size_t rows,
                          float *c, size_t stride, bool accumulate);
void ck_float_tile_neon(const float *left, const float *panel, size_t depth, size_t rows, float *c,
                        size_t stride, bool accumulate);
