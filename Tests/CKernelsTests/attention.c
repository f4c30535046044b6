#include "attention_cases.h"
#include "reference.h"

#include <math.h>

/* Attention in float32, forward and backward. */

typedef struct {
  ck_attention_pass pass;
  ck_attention_gradient gradient;
  void *forward_scratch, *backward_scratch;
} attention_run;

static void run_attention(void *context) {
  attention_run *p = context;
  ck_attention_forward(&p->pass, p->forward_scratch, WORKERS);
  ck_attention_backward(&p->gradient, p->backward_scratch, WORKERS);
}

static attention_run make_run(const ck_attention *shape, float size) {
  size_t queries = shape->T * shape->H * shape->E, keys = shape->T * shape->G * shape->E;
  attention_run p;
  p.pass = (ck_attention_pass){*shape, random_floats(queries, -2 * size, 2 * size),
                               random_keys(shape), random_floats(keys, -1, 1),
                               result_floats(queries), result_floats(shape->T * shape->H)};
  p.gradient = (ck_attention_gradient){
      .shape = *shape, .dout = random_floats(queries, -1, 1), .q = p.pass.q, .k = p.pass.k,
      .v = p.pass.v, .out = p.pass.out, .log_sum_exp = p.pass.log_sum_exp,
      .dq = result_floats(queries), .dk = result_floats(keys), .dv = result_floats(keys)};
  p.forward_scratch = scratch(ck_attention_forward_scratch(shape, WORKERS));
  p.backward_scratch = scratch(ck_attention_backward_scratch(shape, WORKERS));
  return p;
}

static void test_shape(const attention_case *c) {
  ck_attention shape = begin_attention(c, "attention");
  size_t queries = shape.T * shape.H * shape.E, keys = shape.T * shape.G * shape.E;
  attention_run p = make_run(&shape, 1);
  on_all_threads(run_attention, &p);
  reference_attention_results r =
      reference_attention(&shape, p.pass.q, p.pass.k, p.pass.v, p.gradient.dout);
  EXPECT_CLOSE(p.pass.out, r.out, queries, 1e-5, 1e-5);
  EXPECT_CLOSE(p.pass.log_sum_exp, r.log_sum_exp, shape.T * shape.H, 1e-5, 1e-5);
  EXPECT_CLOSE(p.gradient.dq, r.dq, queries, 1e-4, 1e-5);
  EXPECT_CLOSE(p.gradient.dk, r.dk, keys, 1e-4, 1e-5);
  EXPECT_CLOSE(p.gradient.dv, r.dv, keys, 1e-4, 1e-5);
}

/* Large scores must not overflow. */
static void test_large_scores(void) {
  const attention_case c = {1, {0, 150}, 2, 1, 4, 0, 0, 0};
  ck_attention shape = begin_attention(&c, "large scores");
  size_t queries = shape.T * shape.H * shape.E, keys = shape.T * shape.G * shape.E;
  attention_run p = make_run(&shape, 100);
  on_all_threads(run_attention, &p);
  reference_attention_results r =
      reference_attention(&shape, p.pass.q, p.pass.k, p.pass.v, NULL);
  EXPECT_CLOSE(p.pass.out, r.out, queries, 1e-3, 2e-3);
  EXPECT(ck_all_finite_float32(p.gradient.dq, queries) &&
             ck_all_finite_float32(p.gradient.dk, keys) &&
             ck_all_finite_float32(p.gradient.dv, keys),
         "gradients are not finite");
}

void test_attention(void) {
  for (size_t i = 0; i < attention_case_count; i++) test_shape(&attention_cases[i]);
  test_large_scores();
}
