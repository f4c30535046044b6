/* The output head and its loss in one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "products.h"

/* ---- cross_entropy.c -------------------------------------------------------------------------*/

enum { CK_IGNORED_LABEL = -100 };

size_t ck_linear_cross_entropy_scratch(const ck_weight *weight, size_t T, bool gradient,
                                       size_t workers);

/* *loss += sum over tokens with a label of log(sum_v exp(z_v)) - z_label, z = hidden[t] W'.
 * dhidden[T, D], where given, is written: gradient_scale · dloss/dhidden, zero for tokens without
 * a label. */
void ck_linear_cross_entropy(const float *hidden, const ck_weight *weight, const int32_t *labels,
                             double gradient_scale, double *loss, float *dhidden, size_t T,
                             void *scratch, size_t workers);

/* The same in bfloat16; of an NF4 weight the head makes no use. */
size_t ck_bf16_linear_cross_entropy_scratch(const ck_operand *weight, size_t T, size_t V,
                                            size_t D);
void ck_bf16_linear_cross_entropy(const uint16_t *hidden, const ck_operand *weight,
                                  const int32_t *labels, double gradient_scale, double *loss,
                                  uint16_t *dhidden, size_t T, size_t V, size_t D, void *scratch);
