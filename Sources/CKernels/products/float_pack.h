/* Operands of float32 products in the order that tiles read them: k by k. */
#pragma once

#include "products/float_tile.h"

/* Rows of a matrix: element (i, k) is data[i · stride + k], or, where transposed,
 * data[k · stride + i]. One of the pointers is NULL. */
typedef struct {
  const float *float32;
  const uint16_t *bfloat16;
  size_t stride;
  bool transposed;
} ck_float_rows;

/* out[k][width] = scale · x(first row + r, first k + k) for r < rows.count, zero for the rest. At most
 * `width` rows. Up to 8 elements behind the last k may be overwritten with zeros where width is no
 * multiple of 8. */
void ck_interleave_rows(const ck_float_rows *x, ck_range rows, ck_range k, float scale, float *out,
                        size_t width);

/* Panels of the columns of B, `width` columns each and one `panel_floats` after the other:
 * out[k][width] = scale · B(first k + k, first column + n). */
void ck_float_panels(const ck_operand *b, ck_range columns, ck_range k, size_t width, float *out,
                     size_t panel_floats);
