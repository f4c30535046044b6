#include "reference.h"
#include "weights.h"

#include <math.h>

/* The output head and its loss, in both types. */

typedef struct {
  size_t T, V, D;
  float cap;
  bool weighted;
} loss_size;

static int32_t *some_labels(size_t T, size_t V) {
  int32_t *labels = random_integers(T, (int32_t)V);
  for (size_t t = 2; t < T; t += 3) labels[t] = CK_IGNORED_LABEL;
  return labels;
}

/* Of tokens, or NULL where each counts 1. */
static float *some_weights(loss_size s) { return s.weighted ? random_floats(s.T, 0, 3) : NULL; }

static double *scaled(const double *x, double scale, size_t count) {
  double *y = doubles(count);
  for (size_t i = 0; i < count; i++) y[i] = scale * x[i];
  return y;
}

/* ---- float32 ---------------------------------------------------------------------------------*/

typedef struct {
  ck_linear_loss loss;
  void *scratch;
  double *without_gradient;
} float_case;

static void run_float(void *context) {
  float_case *p = context;
  *p->loss.loss = 100;
  ck_linear_cross_entropy(&p->loss, p->scratch);
  ck_linear_loss other = p->loss;
  other.dhidden = NULL;
  other.loss = p->without_gradient;
  *other.loss = 100;
  ck_linear_cross_entropy(&other, p->scratch);
}

static void test_float(loss_size s) {
  begin("cross-entropy: T %zu, V %zu, D %zu, cap %g, %s", s.T, s.V, s.D, s.cap,
        s.weighted ? "weighted" : "plain");
  float *w = random_floats(s.V * s.D, -1, 1);
  ck_operand weight = {.float32 = w, .scale = 1, .stride = s.D};
  float_case p = {
      .loss = {.hidden = random_floats(s.T * s.D, -3, 3), .weight = &weight,
               .labels = some_labels(s.T, s.V), .weights = some_weights(s), .soft_cap = s.cap,
               .gradient_scale = 0.25, .loss = result_doubles(1), .dhidden = result_floats(s.T * s.D),
               .T = s.T, .V = s.V, .D = s.D},
      .scratch = scratch(ck_linear_cross_entropy_scratch(&weight, s.T, s.V, s.D)),
      .without_gradient = result_doubles(1)};
  on_all_threads(run_float, &p);
  double *gradient = doubles(s.T * s.D);
  double loss = reference_cross_entropy(p.loss.hidden, w, p.loss.labels, p.loss.weights, s.T, s.V,
                                        s.D, s.cap, gradient);
  EXPECT(fabs(*p.loss.loss - 100 - loss) <= 1e-6 * loss + 1e-6, "loss %.9g, expected %.9g",
         *p.loss.loss - 100, loss);
  EXPECT_SAME(p.without_gradient, p.loss.loss, sizeof(double));
  EXPECT_CLOSE(p.loss.dhidden, scaled(gradient, 0.25, s.T * s.D), s.T * s.D, 1e-5, 4e-6);
}

/* ---- bfloat16 --------------------------------------------------------------------------------*/

typedef struct {
  ck_bf16_linear_loss loss;
  void *scratch;
} bf16_case;

static void run_bf16(void *context) {
  bf16_case *p = context;
  *p->loss.loss = 0;
  ck_bf16_linear_cross_entropy(&p->loss, p->scratch);
}

static void test_bf16(loss_size s) {
  begin("bfloat16 cross-entropy: T %zu, V %zu, D %zu, cap %g, %s", s.T, s.V, s.D, s.cap,
        s.weighted ? "weighted" : "plain");
  stored_weight w = random_weight(s.V, s.D, STORED_BF16);
  const uint16_t *hidden = random_bf16(s.T * s.D, -2, 2);
  bf16_case p = {{.hidden = hidden, .weight = &w.operand, .labels = some_labels(s.T, s.V),
                  .weights = some_weights(s), .soft_cap = s.cap, .gradient_scale = 0.25, .loss = result_doubles(1),
                  .dhidden = result_halves(s.T * s.D), .T = s.T, .V = s.V, .D = s.D},
                 scratch(ck_bf16_linear_cross_entropy_scratch(&w.operand, s.T, s.V, s.D))};
  on_all_threads(run_bf16, &p);
  double *gradient = doubles(s.T * s.D);
  double loss = reference_cross_entropy(widened(hidden, s.T * s.D), w.values, p.loss.labels,
                                        p.loss.weights, s.T, s.V, s.D, s.cap, gradient);
  EXPECT(fabs(*p.loss.loss - loss) <= 1e-5 * loss + 1e-6, "loss %.9g, expected %.9g",
         *p.loss.loss, loss);
  EXPECT_SMALL_ERROR(widened(p.loss.dhidden, s.T * s.D), scaled(gradient, 0.25, s.T * s.D),
                     s.T * s.D, 2.0 / 256);
}

static void test_large_logits(void) {
  begin("cross-entropy: large logits");
  const float hidden[] = {1000, -1000}, w[] = {1, 0, 0, 1, -1, -1};
  const int32_t label = 1;
  ck_operand weight = {.float32 = w, .scale = 1, .stride = 2};
  double loss = 0;
  float dhidden[2];
  void *memory = scratch(ck_linear_cross_entropy_scratch(&weight, 1, 3, 2));
  ck_linear_loss head = {.hidden = hidden, .weight = &weight, .labels = &label, .gradient_scale = 1,
                         .loss = &loss, .dhidden = dhidden, .T = 1, .V = 3, .D = 2};
  ck_linear_cross_entropy(&head, memory);
  EXPECT(loss == 2000, "loss %g", loss);
  EXPECT(dhidden[0] == 1 && dhidden[1] == -1, "gradient %g %g", dhidden[0], dhidden[1]);
}

void test_cross_entropy(void) {
  /* The larger vocabularies take several sums and several products. */
  const size_t sizes[][3] = {{1, 1, 2}, {7, 64, 6}, {40, 577, 34}, {10, 1025, 8}, {5, 3100, 34},
                             {19, 6200, 4}};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    loss_size s = {.T = sizes[i][0], .V = sizes[i][1], .D = sizes[i][2]};
    for (int kind = 0; kind < 4; kind++) {
      s.cap = kind & 1 ? 2.5f : 0;
      s.weighted = kind & 2;
      test_float(s);
      if (s.V > 1) test_bf16(s);
    }
  }
  test_large_logits();
}
