#include "products/float_products.h"

/* Products of whole matrices: which of the two ways they are made, and where the result goes. */

/* Pairs of bfloat16 are multiplied as they are where the processor can; everything else, and every
 * processor, multiplies float32. */
static bool takes_pairs(const ck_term *terms, size_t count) {
  return ck_kernels.pairs && count > 0 && terms[0].left;
}

size_t ck_products_scratch(size_t N, const ck_term *terms, size_t count) {
  return takes_pairs(terms, count) ? ck_pair_products_scratch(N, terms, count)
                                   : ck_float_products_scratch(N, terms, count);
}

void ck_finish_products(size_t M, size_t N, const ck_term *terms, size_t count,
                        ck_finish_tile finish, void *context, void *scratch) {
  if (takes_pairs(terms, count)) {
    ck_pair_products(M, N, terms, count, finish, context, scratch);
  } else {
    ck_float_products(M, N, terms, count, finish, context, scratch);
  }
}

/* ---- Results ---------------------------------------------------------------------------------*/

/* Rows of a tile; the usual, whole one with a length that the compiler knows. */
CK_KERNEL(void, add_rows,
          (const float *residual, const float *block, float *out, size_t stride, size_t rows, size_t
           count),
          (residual, block, out, stride, rows, count)) {
  for (size_t r = 0; r < rows; r++) {
    const float *x = residual + r * stride, *y = block + r * CK_PANEL_COLUMNS;
    float *sum = out + r * stride;
    if (count == CK_PANEL_COLUMNS) {
#pragma clang loop vectorize(assume_safety)
      for (size_t i = 0; i < CK_PANEL_COLUMNS; i++) sum[i] = x[i] + y[i];
    } else {
      for (size_t i = 0; i < count; i++) sum[i] = x[i] + y[i];
    }
  }
}

CK_KERNEL(void, add_bias,
          (const float *restrict block, const float *restrict bias, float *restrict sums, size_t
           rows, size_t count),
          (block, bias, sums, rows, count)) {
  for (size_t r = 0; r < rows; r++) {
    const float *x = block + r * CK_PANEL_COLUMNS;
    float *sum = sums + r * CK_PANEL_COLUMNS;
    for (size_t i = 0; i < count; i++) sum[i] = x[i] + bias[i];
    for (size_t i = count; i < CK_PANEL_COLUMNS; i++) sum[i] = 0;
  }
}

static void store_tile(void *context, ck_range rows, ck_range columns, const float *block) {
  const ck_result *result = context;
  size_t stride = result->stride, at = rows.first * stride + columns.first;
  float with_bias[CK_FINISHED_ROWS * CK_PANEL_COLUMNS];
  if (result->bias) {
    add_bias(block, result->bias + columns.first, with_bias, rows.count, columns.count);
    block = with_bias;
  }
  if (result->bfloat16) {
    ck_kernels.narrow_rows(block, result->bfloat16 + at, stride, rows.count, columns.count);
  } else if (result->residual) {
    add_rows(result->residual + at, block, result->float32 + at, stride, rows.count,
             columns.count);
  } else {
    for (size_t r = 0; r < rows.count; r++) {
      memcpy(result->float32 + at + r * stride, block + r * CK_PANEL_COLUMNS,
             columns.count * sizeof *block);
    }
  }
}

void ck_products(size_t M, size_t N, const ck_term *terms, size_t count, ck_result result,
                 void *scratch) {
  ck_finish_products(M, N, terms, count, store_tile, &result, scratch);
}
