/* What is done to the rows of an activation or to single elements. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- embedding.c -----------------------------------------------------------------------------*/

/* out[T, D] = rows ids[T] of weight[V, D] */
void ck_embedding(const int32_t *ids, const float *weight, float *out, size_t T, size_t D);
void ck_bf16_embedding(const int32_t *ids, const uint16_t *weight, float *out, size_t T, size_t D);

/* ---- rmsnorm.c -------------------------------------------------------------------------------*/

/* out[T, D] = x · s · weight[D], s[T] = 1 / sqrt(mean(x²) + epsilon) */
void ck_rmsnorm_forward(const float *x, const float *weight, float epsilon, float *out,
                        float *inverse_rms, size_t T, size_t D);

/* dx += s · weight · dout - x · s³ · mean(dout · weight · x) */
void ck_rmsnorm_backward(const float *dout, const float *x, const float *weight,
                         const float *inverse_rms, float *dx, size_t T, size_t D);

/* The same with out and dout in bfloat16; x and dx, the residual stream, stay float32. */
void ck_bf16_rmsnorm_forward(const float *x, const float *weight, float epsilon, uint16_t *out,
                             float *inverse_rms, size_t T, size_t D);
void ck_bf16_rmsnorm_backward(const uint16_t *dout, const float *x, const float *weight,
                              const float *inverse_rms, float *dx, size_t T, size_t D);

/* ---- rope.c ----------------------------------------------------------------------------------*/

/* Rotates the pairs (i, i + E/2) of every head of x[T, heads · E] in place by the angles whose
 * cosine and sine stand in row positions[t] of cos[P, E/2] and sin[P, E/2]; `inverse` rotates
 * back. */
void ck_rope(float *x, const int32_t *positions, const float *cos, const float *sin, bool inverse,
             size_t T, size_t heads, size_t E);
void ck_bf16_rope(uint16_t *x, const int32_t *positions, const float *cos, const float *sin,
                  bool inverse, size_t T, size_t heads, size_t E);

/* ---- swiglu.c --------------------------------------------------------------------------------*/

/* out = silu(gate) · up, silu(x) = x / (1 + exp(-x)); outputs may be the inputs themselves. */
void ck_swiglu_forward(const float *gate, const float *up, float *out, size_t count);

/* dup = dout · silu(gate);  dgate = dout · up · σ(gate) (1 + gate (1 - σ(gate))) */
void ck_swiglu_backward(const float *dout, const float *gate, const float *up, float *dgate,
                        float *dup, size_t count);
void ck_bf16_swiglu_forward(const uint16_t *gate, const uint16_t *up, uint16_t *out, size_t count);
void ck_bf16_swiglu_backward(const uint16_t *dout, const uint16_t *gate, const uint16_t *up,
                             uint16_t *dgate, uint16_t *dup, size_t count);

/* ---- elementwise.c ---------------------------------------------------------------------------*/

void ck_add(const float *x, float *y, size_t count); /* y += x */
void ck_scale(float *x, float factor, size_t count);

/* Sum of squares in double precision. */
double ck_sum_of_squares(const float *x, size_t count);

/* ---- adamw.c ---------------------------------------------------------------------------------*/

typedef struct {
  double learning_rate, beta1, beta2, epsilon, weight_decay, gradient_scale;
  uint64_t step; /* from 1 */
} ck_adamw;

void ck_adamw_step(float *parameter, const float *gradient, float *first_moment,
                   float *second_moment, const ck_adamw *options, size_t count);
