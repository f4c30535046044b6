/* What is done to the rows of an activation or to single elements. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- embedding.c -----------------------------------------------------------------------------*/

/* out[T, D] = rows ids[T] of weight[V, D] */
void ck_embedding(const int32_t *ids, const float *weight, float *out, size_t T, size_t D);
void ck_bf16_embedding(const int32_t *ids, const uint16_t *weight, float *out, size_t T, size_t D);

/* ---- Tensors of float32 or of bfloat16: the other pointer is NULL ----------------------------*/

typedef struct {
  const float *float32;
  const uint16_t *bfloat16;
} ck_input;

typedef struct {
  float *float32;
  uint16_t *bfloat16;
} ck_output;

/* ---- row_selection.c: rows[count], ascending, of a tensor -------------------------------------*/

/* out[i] = x[rows[i]], and the other way round: out[T] is zero in all other rows. */
void ck_gather_rows(const void *x, const int32_t *rows, void *out, size_t count,
                    size_t row_bytes);
void ck_scatter_rows(const void *x, const int32_t *rows, size_t count, void *out, size_t T,
                     size_t row_bytes);

/* out[rows[i]] += x[i], rows of D elements */
void ck_add_to_rows(ck_input x, const int32_t *rows, ck_output out, size_t count, size_t D);

/* ---- rmsnorm.c -------------------------------------------------------------------------------*/

/* out[T, D] = x · s · weight[D], s[T] = 1 / sqrt(mean(x²) + epsilon), plus `residual` where out is
 * float32. x may be the result itself. */
typedef struct {
  ck_input x;
  const float *weight;
  float epsilon;
  const float *residual; /* or NULL */
  ck_output out;
  float *inverse_rms;
  size_t T, D;
} ck_rmsnorm;

void ck_rmsnorm_forward(ck_rmsnorm norm);

/* dx = s · weight · dout - x · s³ · mean(dout · weight · x); or +=, where dx and x are float32.
 * Where it is written, dx may be dout itself. */
typedef struct {
  ck_input dout, x;
  const float *weight, *inverse_rms;
  ck_output dx;
  bool accumulate;
  size_t T, D;
} ck_rmsnorm_gradient;

void ck_rmsnorm_backward(ck_rmsnorm_gradient norm);

/* ---- layernorm.c -----------------------------------------------------------------------------*/

/* out[T, D] = (x - mean) · s · weight[D] + bias[D], s = 1 / sqrt(variance + epsilon); mean and s of
 * each row go to statistics[T, 2]. */
typedef struct {
  const float *x, *weight, *bias;
  float epsilon;
  ck_output out;
  float *statistics;
  size_t T, D;
} ck_layernorm;

void ck_layernorm_forward(ck_layernorm norm);

/* With n = (x - mean) · s and g = weight · dout: dx += s · (g - mean(g) - n · mean(g · n)). */
typedef struct {
  ck_input dout;
  const float *x, *weight, *statistics;
  float *dx;
  size_t T, D;
} ck_layernorm_gradient;

void ck_layernorm_backward(ck_layernorm_gradient norm);

/* ---- rope.c ----------------------------------------------------------------------------------*/

/* Rotates the pairs (i, i + R/2) among the first R = `rotated` elements of every head of
 * x[T, heads · E] in place by the angles whose cosine and sine stand in row positions[t] of
 * cos[P, R/2] and sin[P, R/2]; `inverse` rotates back. */
typedef struct {
  ck_output x;
  const int32_t *positions;
  const float *cos, *sin;
  bool inverse;
  size_t T, heads, E, rotated;
} ck_rotation;

void ck_rope(ck_rotation p);

/* ---- activation.c ----------------------------------------------------------------------------*/

typedef enum {
  CK_SILU,         /* x / (1 + exp(-x)) */
  CK_GELU_TANH,    /* x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x³))) / 2 */
  CK_GELU,         /* x (1 + erf(x / sqrt(2))) / 2 */
  CK_GELU_QUICK,   /* x / (1 + exp(-1.702 x)) */
  CK_RELU,         /* max(x, 0) */
  CK_RELU_SQUARED, /* max(x, 0)² */
} ck_activation;

/* out = act(x), of one type; out may be x. */
typedef struct {
  ck_activation activation;
  ck_input x;
  ck_output out;
  size_t count;
} ck_activation_pass;

void ck_activation_forward(ck_activation_pass p);

/* dx = dout · act'(x), of one type; dx may be dout or x. */
typedef struct {
  ck_activation activation;
  ck_input dout, x;
  ck_output dx;
  size_t count;
} ck_activation_gradient;

void ck_activation_backward(ck_activation_gradient p);

/* ---- columns.c -------------------------------------------------------------------------------*/

/* Block to[i] of each row of out = block from[i] of the row of x, for i < count; NULL stands for
 * 0, 1, 2 ... */
typedef struct {
  const void *x;
  void *out;
  size_t x_row_bytes, out_row_bytes, block_bytes;
  const int32_t *from, *to;
  size_t T, count;
} ck_column_blocks;

void ck_copy_columns(ck_column_blocks p);

/* out[columns, rows] = x[rows, columns]' */
void ck_transpose(const float *x, size_t rows, size_t columns, float *out);

/* ---- row_factors.c ---------------------------------------------------------------------------*/

/* Row t of out[T, D] = factors[t] · row t of x; out may be an x of its type. */
typedef struct {
  ck_input x;
  const float *factors;
  ck_output out;
  size_t T, D;
} ck_row_factors;

void ck_scale_rows(ck_row_factors p);

/* out[t] = the sum of x[t] · y[t] over rows of D elements. */
typedef struct {
  ck_input x, y;
  float *out;
  size_t T, D;
} ck_row_dots;

void ck_row_dot(ck_row_dots p);

/* ---- routing.c -------------------------------------------------------------------------------*/

enum { CK_MOST_EXPERTS = 1024 };

/* The `chosen` experts of the largest logits of each token, the largest first, and their weights: softmax
 * over all experts, divided by the sum of the chosen ones where `normalize`. */
typedef struct {
  float *probabilities; /* [T, experts]: logits, which become their softmax */
  int32_t *choices;     /* [T, chosen] */
  float *weights;       /* [T, chosen] */
  size_t T, experts, chosen;
  bool normalize;
} ck_routing;

void ck_route(ck_routing p);

/* The gradient of the logits [T, experts] of that of the weights [T, chosen]; which experts are chosen
 * has none. */
typedef struct {
  const float *probabilities, *weights, *dweights;
  const int32_t *choices;
  float *dlogits;
  size_t T, experts, chosen;
  bool normalize;
} ck_routing_gradient;

void ck_route_backward(ck_routing_gradient p);

/* ---- gated.c ---------------------------------------------------------------------------------*/

/* out = act(gate) · up; all of one type, and the output may be an input. */
typedef struct {
  ck_activation activation;
  ck_input gate, up;
  ck_output out;
  size_t count;
} ck_gated;

void ck_gated_forward(ck_gated p);

/* dup = dout · act(gate);  dgate = dout · up · act'(gate); outputs may be inputs. */
typedef struct {
  ck_activation activation;
  ck_input dout, gate, up;
  ck_output dgate, dup;
  size_t count;
} ck_gated_gradient;

void ck_gated_backward(ck_gated_gradient p);

/* ---- elementwise.c ---------------------------------------------------------------------------*/

void ck_add(const float *x, float *y, size_t count); /* y += x */
void ck_scale(float *x, float factor, size_t count);
void ck_add_number(float *x, float number, size_t count);        /* x += number */
void ck_add_row(const float *row, float *x, size_t T, size_t N); /* each row of x[T, N] += row */
void ck_soft_cap(float *x, float cap, size_t count);             /* x = cap · tanh(x / cap) */

/* out = scale · x, plus `residual` where that is given. `out` may be the residual, or an x of its type. */
typedef struct {
  ck_input x;
  float scale;
  const float *residual; /* or NULL */
  ck_output out;
  size_t count;
} ck_scaled_sum;

void ck_add_scaled(ck_scaled_sum p);

/* Sum of squares in double precision. */
double ck_sum_of_squares(const float *x, size_t count);

/* ---- adamw.c ---------------------------------------------------------------------------------*/

typedef struct {
  double learning_rate, beta1, beta2, epsilon, weight_decay, gradient_scale;
  uint64_t step; /* from 1 */
} ck_adamw;

void ck_adamw_step(float *parameter, const float *gradient, float *first_moment,
                   float *second_moment, const ck_adamw *options, size_t count);
