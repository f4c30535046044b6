/* Products of bfloat16 matrices with float32 sums.
 *
 * Three steps: bf16_panel.c lays 32 columns of a right operand side by side, tiles_*.c multiply up to
 * 8 rows (32 with AMX) by such a panel, bf16_gemm.c cuts whole products into those. */
#pragma once

#include "machine/kernel_table.h"
#include "numbers/convert.h"

enum {
  CK_PANEL_COLUMNS = 32,
  CK_TILE_ROWS = 8, /* of the vector kernels */
  CK_NARROW_ROWS = 16,
  CK_NARROW_COLUMNS = 16,
  CK_AMX_ROWS = 32,
  CK_MOST_ROWS = CK_AMX_ROWS,
};

CK_INLINE float ck_float_from_bf16(uint16_t value) {
  return ck_float_from_bits((uint32_t)value << 16);
}

/* x[count] widened, y[count] narrowed, on the calling thread. */
void ck_bf16_widen(const uint16_t *x, float *y, size_t count);
void ck_bf16_narrow(const float *x, uint16_t *y, size_t count);

/* The sum of x[i] · y[i]. */
float ck_bf16_dot(const uint16_t *x, const uint16_t *y, size_t count);

/* ---- bf16_panel.c ----------------------------------------------------------------------------*/

/* A panel holds columns of B [K, columns], pairs of consecutive k in one 32-bit word with the even
 * k in the lower half: uint32 [ceil(K / 2)][32]. Columns and a last odd k that do not exist are
 * zero. */
static inline size_t ck_panel_pairs(size_t K) { return (K + 1) / 2; }
static inline size_t ck_panel_words(size_t K) { return ck_panel_pairs(K) * CK_PANEL_COLUMNS; }

/* B[k][n] = x[k · stride + n] */
void ck_panel_of_rows(const uint16_t *x, size_t stride, size_t columns, size_t K, uint32_t *panel);

/* B[k][n] = x[n · stride + k] */
void ck_panel_of_columns(const uint16_t *x, size_t stride, size_t columns, size_t K,
                         uint32_t *panel);

enum { CK_TRANSPOSED_ROWS = 32 };

/* out[c · out_stride + r] = x[r · stride + c]; the rest of `out` up to a multiple of 32 rows is
 * zero. */
void ck_bf16_transpose(const uint16_t *x, size_t stride, size_t rows, size_t columns,
                       uint16_t *out, size_t out_stride);

/* The same of 16 rows and columns. */
void ck_transpose_floats(const float *x, size_t stride, float *out, size_t out_stride);

/* ---- Tiles: tiles.c, and tiles.h for those of each level --------------------------------------*/

/* A panel and the rows that it is multiplied with, `row` elements apart. */
struct ck_tile_product {
  const uint16_t *left;
  size_t row;
  const uint32_t *panel;
  size_t pairs;
};

/* Rows that are best handled together: 32 with AMX, else 8. */
size_t ck_bf16_tile_rows(void);

/* Rows to make room for, and to ask of ck_bf16_tile, where `rows` are wanted: AMX knows only whole
 * blocks. */
size_t ck_bf16_padded_rows(size_t rows);

/* c[rows][32] = the sum of the products, or += where `accumulate`; rows <= 32, all 32 columns of c
 * are written, rows of c `stride` apart. */
void ck_bf16_tile(const ck_tile_product *products, size_t count, size_t rows, float *c,
                  size_t stride, bool accumulate);

/* ---- Whole products: products.c, of bf16_gemm.c and float_products.c --------------------------*/

/* Most rows of a piece that is handed out: a multiple of every tile's rows. */
enum { CK_FINISHED_ROWS = 72 };

/* Gets a piece of a product that is done: block[rows][32]; what is past `columns` means nothing. */
typedef void (*ck_finish_tile)(void *context, ck_range rows, ck_range columns, const float *block);

/* Computes the sum of the terms [M, N] and hands it to `finish` piece by piece, each once, in any
 * order and on any thread; scratch of ck_products_scratch. */
void ck_finish_products(size_t M, size_t N, const ck_term *terms, size_t count,
                        ck_finish_tile finish, void *context, void *scratch);

/* The same, and its scratch, for terms of bfloat16 pairs. */
void ck_pair_products(size_t M, size_t N, const ck_term *terms, size_t count,
                      ck_finish_tile finish, void *context, void *scratch);
size_t ck_pair_products_scratch(size_t N, const ck_term *terms, size_t count);
