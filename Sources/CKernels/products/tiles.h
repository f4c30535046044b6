/* The tiles of each level of the instruction set, for the table of kernels, where they are described. */
#pragma once

#include "products/bf16.h"

/* Most pairs, panels and rows of a part of a contraction, at any level. */
enum { CK_MOST_BLOCK_PAIRS = 288, CK_MOST_PART_PANELS = 8, CK_MOST_PART_ROWS = 256 };

void ck_tile_plain(const ck_tile_product *products, size_t count, size_t rows, float *c,
                   size_t stride, bool accumulate);
void ck_tile_avx512(const ck_tile_product *products, size_t count, size_t rows, float *c,
                    size_t stride, bool accumulate);
void ck_tile_avx512_bf16(const ck_tile_product *products, size_t count, size_t rows, float *c,
                         size_t stride, bool accumulate);
void ck_tile_neon_bf16(const ck_tile_product *products, size_t count, size_t rows, float *c,
                       size_t stride, bool accumulate);

void ck_narrow_tile_plain(const ck_tile_product *products, size_t count, float *c, size_t stride,
                          bool accumulate);
void ck_narrow_tile_avx512(const ck_tile_product *products, size_t count, float *c, size_t stride,
                           bool accumulate);
void ck_narrow_tile_avx512_bf16(const ck_tile_product *products, size_t count, float *c,
                                size_t stride, bool accumulate);
void ck_narrow_tile_neon_bf16(const ck_tile_product *products, size_t count, float *c,
                              size_t stride, bool accumulate);

void ck_block_amx(const ck_tile_product *products, size_t count, float *c, size_t stride,
                  bool accumulate);
void ck_block_amx_emulated(const ck_tile_product *products, size_t count, float *c, size_t stride,
                           bool accumulate);

/* Asks the system for the tile registers and makes a product with them: false where either fails. */
bool ck_amx_works(void);

void ck_narrow_rows_plain(const float *block, uint16_t *out, size_t stride, size_t rows,
                          size_t columns);
void ck_narrow_rows_avx512_bf16(const float *block, uint16_t *out, size_t stride, size_t rows,
                                size_t columns);
void ck_narrow_rows_neon_bf16(const float *block, uint16_t *out, size_t stride, size_t rows,
                              size_t columns);
