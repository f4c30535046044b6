#include "harness.h"

#include <math.h>
#include <string.h>

/* What some families have: layer normalization, heads in other places, experts. */

static const double half_unit = 1.0 / 256; /* of the last of bfloat16's 8 bits, relatively */

/* ---- Layer normalization ---------------------------------------------------------------------*/

typedef struct {
  size_t T, D;
  const float *x, *weight, *bias, *before;
  const float *dout;
  const uint16_t *bf16_dout;
  float *out, *statistics, *dx, *bf16_dx;
  uint16_t *bf16_out;
} norm_case;

static void run_norm(void *context) {
  norm_case *p = context;
  ck_layernorm norm = {.x = p->x, .weight = p->weight, .bias = p->bias, .epsilon = 1e-5f,
                       .out = {.bfloat16 = p->bf16_out}, .statistics = p->statistics, .T = p->T,
                       .D = p->D};
  ck_layernorm_forward(norm);
  norm.out = (ck_output){.float32 = p->out};
  ck_layernorm_forward(norm);
  ck_layernorm_gradient back = {.dout = {.float32 = p->dout}, .x = p->x, .weight = p->weight,
                                .statistics = p->statistics, .dx = p->dx, .T = p->T, .D = p->D};
  memcpy(p->dx, p->before, p->T * p->D * sizeof(float));
  ck_layernorm_backward(back);
  back.dout = (ck_input){.bfloat16 = p->bf16_dout};
  back.dx = p->bf16_dx;
  memcpy(p->bf16_dx, p->before, p->T * p->D * sizeof(float));
  ck_layernorm_backward(back);
}

static void reference_norm(const norm_case *p, size_t t, double *out, double *dx) {
  const float *x = p->x + t * p->D, *dout = p->dout + t * p->D;
  double mean = 0, variance = 0, gradient = 0, projection = 0, D = (double)p->D;
  for (size_t i = 0; i < p->D; i++) mean += x[i] / D;
  for (size_t i = 0; i < p->D; i++) variance += (x[i] - mean) * (x[i] - mean) / D;
  double s = 1 / sqrt(variance + 1e-5);
  for (size_t i = 0; i < p->D; i++) {
    double g = (double)p->weight[i] * dout[i], n = (x[i] - mean) * s;
    gradient += g / D;
    projection += g * n / D;
    out[i] = p->weight[i] * n + p->bias[i];
  }
  for (size_t i = 0; i < p->D; i++) {
    double g = (double)p->weight[i] * dout[i], n = (x[i] - mean) * s;
    dx[i] = p->before[t * p->D + i] + s * (g - gradient - n * projection);
  }
}

static void test_norm(size_t T, size_t D) {
  begin("layer norm of %zu x %zu", T, D);
  size_t count = T * D;
  const uint16_t *dout = random_bf16(count, -1, 1);
  norm_case p = {T, D, random_floats(count, 1, 5), random_floats(D, -1, 1),
                 random_floats(D, -1, 1), random_floats(count, -1, 1), widened(dout, count), dout,
                 result_floats(count), result_floats(2 * T), result_floats(count),
                 result_floats(count), result_halves(count)};
  on_all_threads(run_norm, &p);
  double *out = doubles(count), *dx = doubles(count);
  for (size_t t = 0; t < T; t++) reference_norm(&p, t, out + t * D, dx + t * D);
  EXPECT_CLOSE(p.out, out, count, 1e-5, 2e-5);
  EXPECT_CLOSE(widened(p.bf16_out, count), out, count, half_unit, 2e-5);
  EXPECT_CLOSE(p.dx, dx, count, 1e-4, 2e-5);
  EXPECT_SAME(p.bf16_dx, p.dx, count * sizeof(float));
}

/* ---- Columns ---------------------------------------------------------------------------------*/

typedef struct {
  size_t T, width;
  const float *x;
  float *few, *back, *turned;
} columns_case;

static const int32_t blocks[] = {4, 0, 2};

static void run_columns(void *context) {
  columns_case *p = context;
  size_t block = p->width * sizeof(float);
  ck_copy_columns((ck_column_blocks){p->x, p->few, 5 * block, 3 * block, block, blocks, NULL, p->T, 3});
  memset(p->back, 0, p->T * 5 * block);
  ck_copy_columns((ck_column_blocks){p->few, p->back, 3 * block, 5 * block, block, NULL, blocks, p->T, 3});
  ck_transpose(p->x, p->T, 5 * p->width, p->turned);
}

static void test_columns(size_t T, size_t width) {
  begin("columns of %zu x 5 x %zu", T, width);
  size_t count = T * 5 * width;
  columns_case p = {T, width, random_floats(count, -1, 1), result_floats(T * 3 * width),
                    result_floats(count), result_floats(count)};
  on_all_threads(run_columns, &p);
  float *few = floats(T * 3 * width), *back = floats(count), *turned = floats(count);
  memset(back, 0, count * sizeof(float));
  for (size_t t = 0; t < T; t++) {
    for (size_t i = 0; i < 3 * width; i++) {
      size_t place = (t * 5 + (size_t)blocks[i / width]) * width + i % width;
      few[t * 3 * width + i] = back[place] = p.x[place];
    }
    for (size_t c = 0; c < 5 * width; c++) turned[c * T + t] = p.x[t * 5 * width + c];
  }
  EXPECT_SAME(p.few, few, T * 3 * width * sizeof(float));
  EXPECT_SAME(p.back, back, count * sizeof(float));
  EXPECT_SAME(p.turned, turned, count * sizeof(float));
}

/* ---- Scaled sums and rows --------------------------------------------------------------------*/

typedef struct {
  size_t T, D;
  const float *x, *residual, *factors;
  const uint16_t *bf16_x;
  float *sum, *scaled, *dots;
  uint16_t *bf16_scaled;
} factors_case;

static void run_factors(void *context) {
  factors_case *p = context;
  size_t count = p->T * p->D;
  memcpy(p->sum, p->residual, count * sizeof(float));
  ck_add_scaled((ck_scaled_sum){{NULL, p->bf16_x}, 0.75f, p->sum, {p->sum, NULL}, count});
  ck_scale_rows((ck_row_factors){{p->x, NULL}, p->factors, {p->scaled, NULL}, p->T, p->D});
  ck_scale_rows((ck_row_factors){{NULL, p->bf16_x}, p->factors, {NULL, p->bf16_scaled}, p->T, p->D});
  ck_row_dot((ck_row_dots){{p->x, NULL}, {p->residual, NULL}, p->dots, p->T, p->D});
}

static void test_factors(size_t T, size_t D) {
  begin("factors of %zu x %zu", T, D);
  size_t count = T * D;
  const uint16_t *x = random_bf16(count, -1, 1);
  factors_case p = {T, D, widened(x, count), random_floats(count, -1, 1), random_floats(T, -2, 2), x,
                    result_floats(count), result_floats(count), result_floats(T),
                    result_halves(count)};
  on_all_threads(run_factors, &p);
  double *sum = doubles(count), *scaled = doubles(count), *dots = doubles(T);
  for (size_t t = 0; t < T; t++) {
    dots[t] = 0;
    for (size_t i = t * D; i < (t + 1) * D; i++) {
      sum[i] = p.residual[i] + 0.75 * p.x[i];
      scaled[i] = (double)p.factors[t] * p.x[i];
      dots[t] += (double)p.x[i] * p.residual[i];
    }
  }
  EXPECT_CLOSE(p.sum, sum, count, 1e-6, 1e-7);
  EXPECT_CLOSE(p.scaled, scaled, count, 1e-6, 0);
  EXPECT_CLOSE(widened(p.bf16_scaled, count), scaled, count, half_unit, 1e-30);
  EXPECT_CLOSE(p.dots, dots, T, 1e-5, 1e-5);
}

/* ---- Routing ---------------------------------------------------------------------------------*/

typedef struct {
  size_t T, experts, chosen;
  bool normalize;
  const float *logits, *dweights;
  float *probabilities, *weights, *choices, *dlogits;
} routing_case;

static void run_routing(void *context) {
  routing_case *p = context;
  memcpy(p->probabilities, p->logits, p->T * p->experts * sizeof(float));
  ck_route((ck_routing){p->probabilities, (int32_t *)p->choices, p->weights, p->T, p->experts, p->chosen,
                        p->normalize});
  ck_route_backward((ck_routing_gradient){p->probabilities, p->weights, p->dweights,
                                          (int32_t *)p->choices, p->dlogits, p->T, p->experts,
                                          p->chosen, p->normalize});
}

static void test_routing(size_t T, size_t experts, size_t chosen, bool normalize) {
  begin("%zu of %zu experts, %zu tokens, %d", chosen, experts, T, normalize);
  routing_case p = {T, experts, chosen, normalize, random_floats(T * experts, -3, 3),
                    random_floats(T * chosen, -1, 1), result_floats(T * experts),
                    result_floats(T * chosen), result_floats(T * chosen),
                    result_floats(T * experts)};
  on_all_threads(run_routing, &p);
  double *expected = doubles(T * chosen);
  for (size_t t = 0; t < T; t++) {
    const int32_t *choices = (const int32_t *)p.choices + t * chosen;
    const float *logits = p.logits + t * experts;
    double all = 0, some = 0, slope = 0;
    for (size_t e = 0; e < experts; e++) all += exp(logits[e]);
    for (size_t i = 0; i < chosen; i++) some += exp(logits[choices[i]]);
    for (size_t i = 0; i < chosen; i++) {
      expected[t * chosen + i] = exp(logits[choices[i]]) / (normalize ? some : all);
      size_t larger = 0;
      for (size_t e = 0; e < experts; e++) larger += logits[e] > logits[choices[i]];
      EXPECT(larger == i, "choice %zu of token %zu is the %zu largest", i, t, larger);
    }
    /* All logits together may grow without a change. */
    for (size_t e = 0; e < experts; e++) slope += p.dlogits[t * experts + e];
    EXPECT(fabs(slope) < 1e-5, "the gradients of token %zu add up to %g", t, slope);
  }
  EXPECT_CLOSE(p.weights, expected, T * chosen, 1e-5, 1e-7);
}

void test_layers(void) {
  const size_t sizes[][2] = {{1, 2}, {7, 33}, {3, 577}, {2, 2050}, {577, 64}};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    test_norm(sizes[i][0], sizes[i][1]);
    test_columns(sizes[i][0], sizes[i][1]);
    test_factors(sizes[i][0], sizes[i][1]);
  }
  for (int normalize = 0; normalize < 2; normalize++) {
    test_routing(1, 1, 1, normalize);
    test_routing(5, 8, 2, normalize);
    test_routing(130, 128, 8, normalize);
  }
}
