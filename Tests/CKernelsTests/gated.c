#include "harness.h"

#include <math.h>
#include <string.h>

/* SwiGLU and its relatives, forward and backward, in both types. */

typedef struct {
  ck_activation activation;
  size_t count;
  const float *gate, *up, *dout;
  const uint16_t *bf16_gate, *bf16_up, *bf16_dout;
  float *out, *dgate, *dup, *shared_dgate, *shared_dup;
  uint16_t *bf16_out, *bf16_dgate, *bf16_dup;
  float *alone, *dalone; /* without a gate */
} gated_case;

static void run_gated(void *context) {
  gated_case *p = context;
  ck_gated forward = {.activation = p->activation, .gate = {.float32 = p->gate},
                      .up = {.float32 = p->up}, .out = {.float32 = p->out}, .count = p->count};
  ck_gated_forward(forward);
  ck_gated_gradient back = {.activation = p->activation, .dout = {.float32 = p->dout},
                            .gate = {.float32 = p->gate}, .up = {.float32 = p->up},
                            .dgate = {.float32 = p->dgate}, .dup = {.float32 = p->dup},
                            .count = p->count};
  ck_gated_backward(back);
  /* Outputs may be inputs. */
  memcpy(p->shared_dgate, p->dout, p->count * sizeof(float));
  memcpy(p->shared_dup, p->up, p->count * sizeof(float));
  back.dout.float32 = back.dgate.float32 = p->shared_dgate;
  back.up.float32 = back.dup.float32 = p->shared_dup;
  ck_gated_backward(back);

  forward.gate = (ck_input){.bfloat16 = p->bf16_gate};
  forward.up = (ck_input){.bfloat16 = p->bf16_up};
  forward.out = (ck_output){.bfloat16 = p->bf16_out};
  ck_gated_forward(forward);
  ck_gated_backward((ck_gated_gradient){
      .activation = p->activation, .dout = {.bfloat16 = p->bf16_dout},
      .gate = {.bfloat16 = p->bf16_gate}, .up = {.bfloat16 = p->bf16_up},
      .dgate = {.bfloat16 = p->bf16_dgate}, .dup = {.bfloat16 = p->bf16_dup},
      .count = p->count});
  ck_activation_forward((ck_activation_pass){p->activation, {p->gate, NULL}, {p->alone, NULL},
                                             p->count});
  memcpy(p->dalone, p->dout, p->count * sizeof(float));
  ck_activation_backward((ck_activation_gradient){
      p->activation, {p->dalone, NULL}, {p->gate, NULL}, {p->dalone, NULL}, p->count});
}

typedef struct {
  double value, slope;
} activated;

static activated reference(ck_activation activation, double x) {
  if (activation == CK_SILU || activation == CK_GELU_QUICK) {
    double factor = activation == CK_SILU ? 1 : 1.702, s = 1 / (1 + exp(-factor * x));
    return (activated){x * s, s * (1 + factor * x * (1 - s))};
  }
  if (activation == CK_GELU) {
    double distribution = erfc(-x / sqrt(2)) / 2;
    return (activated){x * distribution, distribution + x * exp(-x * x / 2) / sqrt(2 * M_PI)};
  }
  if (activation == CK_RELU) return (activated){x > 0 ? x : 0, x > 0};
  if (activation == CK_RELU_SQUARED) return (activated){x > 0 ? x * x : 0, x > 0 ? 2 * x : 0};
  double root = sqrt(2 / M_PI), t = tanh(root * (x + 0.044715 * x * x * x));
  double angle_slope = root * (1 + 3 * 0.044715 * x * x);
  return (activated){x / 2 * (1 + t), (1 + t) / 2 + x / 2 * (1 - t * t) * angle_slope};
}

static void test_count(ck_activation activation, size_t count) {
  begin("activation %d of %zu", activation, count);
  const uint16_t *gate = random_bf16(count, -20, 20), *up = random_bf16(count, -1, 1);
  const uint16_t *dout = random_bf16(count, -1, 1);
  gated_case p = {activation, count, widened(gate, count), widened(up, count),
                  widened(dout, count), gate, up, dout,
                  result_floats(count), result_floats(count), result_floats(count),
                  result_floats(count), result_floats(count),
                  result_halves(count), result_halves(count), result_halves(count),
                  result_floats(count), result_floats(count)};
  on_all_threads(run_gated, &p);
  double *out = doubles(count), *dgate = doubles(count), *dup = doubles(count);
  double *alone = doubles(count), *dalone = doubles(count);
  for (size_t i = 0; i < count; i++) {
    activated a = reference(activation, p.gate[i]);
    out[i] = a.value * p.up[i];
    dgate[i] = (double)p.dout[i] * p.up[i] * a.slope;
    dup[i] = p.dout[i] * a.value;
    alone[i] = a.value;
    dalone[i] = p.dout[i] * a.slope;
  }
  EXPECT_CLOSE(p.alone, alone, count, 1e-5, 1e-6);
  EXPECT_CLOSE(p.dalone, dalone, count, 1e-5, 3e-6);
  EXPECT_CLOSE(p.out, out, count, 1e-5, 1e-6);
  EXPECT_CLOSE(p.dup, dup, count, 1e-5, 1e-6);
  /* Where the slope crosses zero its parts cancel. */
  EXPECT_CLOSE(p.dgate, dgate, count, 1e-5, 3e-6);
  EXPECT_SAME(p.shared_dgate, p.dgate, count * sizeof(float));
  EXPECT_SAME(p.shared_dup, p.dup, count * sizeof(float));
  EXPECT_CLOSE(widened(p.bf16_out, count), out, count, 1.0 / 256, 1e-6);
  EXPECT_CLOSE(widened(p.bf16_dup, count), dup, count, 1.0 / 256, 1e-6);
  EXPECT_CLOSE(widened(p.bf16_dgate, count), dgate, count, 1.0 / 256, 3e-6);
}

/* The exponential must neither overflow to NaN nor lose the limits of the activation. */
static void test_extremes(ck_activation activation) {
  begin("activation %d: extremes", activation);
  enum { N = 8 };
  const float gate[N] = {-1e30f, -1000, -104, -88, 88, 104, 1000, 1e30f};
  const double limits[N] = {0, 0, 0, 0, 88, 104, 1000, 1e30f}, slopes[N] = {0, 0, 0, 0, 1, 1, 1, 1};
  const float *ones = filled(N, 1);
  float out[N], dgate[N], dup[N];
  ck_gated_forward((ck_gated){activation, {gate, NULL}, {ones, NULL}, {out, NULL}, N});
  EXPECT_CLOSE(out, limits, N, 1e-5, 1e-30);
  ck_gated_backward((ck_gated_gradient){activation, {ones, NULL}, {gate, NULL}, {ones, NULL},
                                        {dgate, NULL}, {dup, NULL}, N});
  EXPECT_CLOSE(dgate, slopes, N, 1e-5, 1e-30);
}

void test_gated(void) {
  const size_t counts[] = {1, 7, 64, 577, 40000};
  for (ck_activation activation = CK_SILU; activation <= CK_RELU_SQUARED; activation++) {
    for (size_t i = 0; i < COUNT(counts); i++) test_count(activation, counts[i]);
    if (activation != CK_RELU_SQUARED) test_extremes(activation);
  }
}
