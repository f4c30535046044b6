/* Products of matrices. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quantized.h"

/* ---- matmul.c: float32 ------------------------------------------------------------------------*/

/* A matrix as it lies in memory: element (i, j) is data[i * stride + j], or, where transposed,
 * data[j * stride + i]. */
typedef struct {
  const float *data;
  size_t stride;
  bool transposed;
} ck_matrix;

/* C[M, N] = alpha · A[M, K] B[K, N], or += where `accumulate`; rows of C are c_stride apart. */
typedef struct ck_float_product {
  size_t M, N, K;
  float alpha;
  ck_matrix a, b;
  float *c;
  size_t c_stride;
  bool accumulate;
} ck_float_product;

void ck_matmul(const ck_float_product *product);

/* The same on the calling thread only, for use inside tasks. */
void ck_matmul_piece(const ck_float_product *product);

/* ---- products.c: sums of products, of float32 or bfloat16 matrices ----------------------------*/

/* A right operand B [K, N]: element (k, n) is data[k * stride + n], or, where transposed,
 * data[n * stride + k]. It is bfloat16, float32 (times `scale`), whole numbers in groups, or NF4; the
 * pointers of the others are NULL. */
typedef struct {
  const uint16_t *bfloat16;
  const float *float32;
  float scale;
  ck_grouped grouped;
  ck_nf4 nf4;
  size_t stride;
  bool transposed;
} ck_operand;

/* left[M, K] B[K, N]; rows of the left side are left_stride apart. All terms of a sum have the same
 * of the two: `left`, bfloat16, or `left_floats`; the other is NULL. Processors that multiply pairs
 * of bfloat16 round the right operand of a bfloat16 side to it, and take an even K or a zero behind
 * it. */
typedef struct {
  const uint16_t *left;
  const float *left_floats;
  size_t left_stride, K;
  ck_operand right;
} ck_term;

/* Where a product goes, rows `stride` apart: bfloat16, or float32 with `residual` added where that
 * is given (it may be the result itself). `bias` [N], where given, is added to every row before. */
typedef struct {
  uint16_t *bfloat16;
  float *float32;
  const float *residual, *bias;
  size_t stride;
} ck_result;

size_t ck_products_scratch(size_t N, const ck_term *terms, size_t count);

/* result[M, N] = the sum of the terms, of which there are at most 16. */
void ck_products(size_t M, size_t N, const ck_term *terms, size_t count, ck_result result,
                 void *scratch);

/* ---- bf16_contract.c -------------------------------------------------------------------------*/

/* out(r, n) += scale · sum_t left[t, r] right[t, n], out(r, n) = out[r * row + n * column], where one
 * of row and column is 1; for the gradients of adapters. left [T, R] has rows left_stride apart, right
 * [T, N] is dense. */
typedef struct {
  const uint16_t *left;
  size_t left_stride;
  const uint16_t *right;
  size_t T, R, N;
  float scale;
  float *out;
  size_t row, column;
} ck_bf16_contraction;

size_t ck_bf16_contract_scratch(const ck_bf16_contraction *product, size_t workers);
void ck_bf16_contract(const ck_bf16_contraction *product, void *scratch, size_t workers);

/* ---- matvec.c --------------------------------------------------------------------------------*/

/* out[n] = sum_k x[k] W[n, k], both bfloat16 or W in four bits: reading W is all there is to do. */
size_t ck_bf16_matvec_scratch(size_t K);
void ck_bf16_matvec(const uint16_t *x, const ck_operand *weight, size_t N, size_t K, float *out,
                    void *scratch);

/* The same in float32, W in float32 or four bits. */
void ck_float_matvec(const float *x, const ck_operand *weight, size_t N, size_t K, float *out);
