/* The output head and its loss in one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "products.h"

/* ---- cross_entropy.c -------------------------------------------------------------------------*/

enum { CK_IGNORED_LABEL = -100 };

/* With z = hidden[t] W' + bias, softly capped where `soft_cap` is not 0:
 *   *loss += sum over tokens with a label of w_t (log(sum_v exp(z_v)) - z_label)
 * where w_t is the token's weight, 1 without `weights`.
 * dhidden[T, D], where given, is written: gradient_scale · dloss/dhidden, zero for tokens without
 * a label. */
typedef struct {
  const float *hidden;
  const ck_operand *weight; /* [V, D], its stride D */
  const float *bias; /* [V], or NULL */
  const int32_t *labels;
  const float *weights; /* [T], of the tokens, or NULL */
  float soft_cap;
  double gradient_scale;
  double *loss;
  float *dhidden; /* or NULL */
  size_t T, V, D;
} ck_linear_loss;

size_t ck_linear_cross_entropy_scratch(const ck_operand *weight, size_t T, size_t V, size_t D);
void ck_linear_cross_entropy(const ck_linear_loss *p, void *scratch);

/* The same in bfloat16. The weight of a head is never NF4. */
typedef struct {
  const uint16_t *hidden;
  const ck_operand *weight; /* [V, D] */
  const float *bias; /* [V], or NULL */
  const int32_t *labels;
  const float *weights; /* [T], of the tokens, or NULL */
  float soft_cap;
  double gradient_scale;
  double *loss;
  uint16_t *dhidden; /* or NULL */
  size_t T, V, D;
} ck_bf16_linear_loss;

size_t ck_bf16_linear_cross_entropy_scratch(const ck_operand *weight, size_t T, size_t V,
                                            size_t D);
void ck_bf16_linear_cross_entropy(const ck_bf16_linear_loss *p, void *scratch);
