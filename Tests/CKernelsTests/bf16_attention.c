#include "attention_cases.h"
#include "reference.h"

/* Attention in bfloat16, forward and backward. P and dS are rounded to bfloat16 on their way. */

static const double half_unit = 1.0 / 256;

typedef struct {
  ck_bf16_attention_pass pass;
  ck_bf16_attention_gradient gradient;
  void *forward_scratch, *backward_scratch;
} attention_run;

static void run_attention(void *context) {
  attention_run *p = context;
  ck_bf16_attention_forward(&p->pass, p->forward_scratch, WORKERS);
  ck_bf16_attention_backward(&p->gradient, p->backward_scratch, WORKERS);
}

static void test_shape(const attention_case *c) {
  ck_attention shape = begin_attention(c, "bfloat16 attention");
  size_t queries = shape.T * shape.H * shape.E, keys = shape.T * shape.G * shape.E;
  const uint16_t *q = random_bf16(queries, -2, 2), *k = narrowed(random_keys(&shape), keys);
  const uint16_t *v = random_bf16(keys, -1, 1), *dout = random_bf16(queries, -1, 1);
  attention_run p;
  p.pass = (ck_bf16_attention_pass){shape, q, k, v, result_halves(queries),
                                    result_floats(shape.T * shape.H)};
  p.gradient = (ck_bf16_attention_gradient){
      .shape = shape, .dout = dout, .q = q, .k = k, .v = v, .out = p.pass.out,
      .log_sum_exp = p.pass.log_sum_exp, .dq = result_halves(queries), .dk = result_halves(keys),
      .dv = result_halves(keys)};
  p.forward_scratch = scratch(ck_bf16_attention_forward_scratch(&shape, WORKERS));
  p.backward_scratch = scratch(ck_bf16_attention_backward_scratch(&shape, WORKERS));
  on_all_threads(run_attention, &p);
  reference_attention_results r =
      reference_attention(&shape, widened(q, queries), widened(k, keys), widened(v, keys),
                          widened(dout, queries));
  EXPECT_SMALL_ERROR(widened(p.pass.out, queries), r.out, queries, half_unit);
  EXPECT_CLOSE(p.pass.log_sum_exp, r.log_sum_exp, shape.T * shape.H, 1e-5, 1e-4);
  EXPECT_SMALL_ERROR(widened(p.gradient.dv, keys), r.dv, keys, 2 * half_unit);
  /* A query that sees one key has no gradient through the softmax but that of rounding. */
  if (shape.T == 1 || shape.window == 1) return;
  EXPECT_SMALL_ERROR(widened(p.gradient.dq, queries), r.dq, queries, 3 * half_unit);
  EXPECT_SMALL_ERROR(widened(p.gradient.dk, keys), r.dk, keys, 3 * half_unit);
}

void test_bf16_attention(void) {
  for (size_t i = 0; i < attention_case_count; i++) test_shape(&attention_cases[i]);
}
