/* Weights in the ways that they are stored, for the tests of products. */
#pragma once

#include "harness.h"

typedef enum {
  STORED_BF16,
  NF4,
  NF4_NESTED, /* double quantization */
  GROUPED,    /* whole numbers in groups side by side */
  GROUPED_MIXED, /* in groups that are listed */
} weight_storage;

/* `values`, quantized; they dequantize to float32. */
ck_nf4 nf4_weight(const float *values, size_t count, weight_storage storage);

/* By the definition: with double quantization two roundings. */
float nf4_absmax(const ck_nf4 *weight, size_t block);

/* The nearest bfloat16 as float32. */
float nearest_bf16(float x);

/* A right operand with random elements [rows, columns], and what they are, rounded to bfloat16 as
 * products see them. */
typedef struct {
  ck_operand operand;
  const float *values;
} stored_weight;

stored_weight random_weight(size_t rows, size_t columns, weight_storage storage);
