/* Float32 products on the calling thread, of operands of any type. */
#pragma once

#include "products/float_pack.h"

/* C[M, N] = scale · left[M, K] right[K, N], or += where `accumulate`, for K > 0; rows of C are c_stride
 * apart. */
typedef struct {
  size_t M, N, K;
  float scale;
  ck_float_rows left;
  ck_operand right;
  float *c;
  size_t c_stride;
  bool accumulate;
} ck_piece_product;

void ck_multiply_piece(const ck_piece_product *p);
