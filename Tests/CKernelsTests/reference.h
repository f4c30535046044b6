/* The kernels again, plain and in double precision; results are memory of the case. */
#pragma once

#include "harness.h"

/* op(A) op(B) [M, N]; A is [M, K] or, transposed, [K, M], B is [K, N] or [N, K]. */
double *reference_product(const float *a, const float *b, size_t M, size_t N, size_t K,
                          bool transpose_a, bool transpose_b);

/* weight · x / sqrt(mean(x²) + epsilon) of each row, and the gradient of x. */
double *reference_rmsnorm(const float *x, const float *weight, double epsilon, size_t T, size_t D);
double *reference_rmsnorm_gradient(const float *dout, const float *x, const float *weight,
                                   double epsilon, size_t T, size_t D);

typedef struct {
  double *out, *log_sum_exp, *dq, *dk, *dv;
} reference_attention_results;

/* By the formulas of include/attention.h, over all past + T keys; gradients where `dout` is given,
 * which needs past = 0. */
reference_attention_results reference_attention(const ck_attention *shape, const float *q,
                                                const float *k, const float *v, const float *dout);

/* Sum over labelled rows of log Σ exp z - z_label; `gradient` [T, D] is written. */
double reference_cross_entropy(const float *hidden, const float *weight, const int32_t *labels,
                               const float *weights,
                               size_t T, size_t V, size_t D, double cap, double *gradient);
