/* The tile of float32 products: 6 rows by 16 columns. */
#pragma once

#include "machine/kernel_table.h"

enum { CK_FLOAT_ROWS = 6, CK_FLOAT_COLUMNS = 16 };

/* c[rows][16] = sum_k left[k][6] panel[k][16], or += where `accumulate`; rows <= 6, rows of c
 * `stride` apart. `left` is packed k by k, rows that do not exist are zero; so is `panel`. */
void ck_float_tile_neon(const float *left, const float *panel, size_t depth, size_t rows, float *c,
                        size_t stride, bool accumulate);
