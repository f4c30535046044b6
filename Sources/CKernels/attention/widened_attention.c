#include "attention/widened_attention.h"

#include "machine/scratch.h"

/* Operands are widened once, results rounded once; between them everything is float32. */

/* Elements of q, out and their gradients, and of k and v. */
static size_t query_elements(const ck_attention *shape) { return shape->T * shape->H * shape->E; }
static size_t key_elements(const ck_attention *shape) { return shape->T * shape->G * shape->E; }

static float *take_floats(ck_scratch *scratch, size_t count) {
  return ck_take(scratch, count * sizeof(float));
}

/* Memory for `count` floats with the values of x. */
static const float *widen(ck_scratch *scratch, const uint16_t *x, size_t count) {
  float *wide = take_floats(scratch, count);
  if (wide) ck_bfloat16_to_float32(x, wide, count);
  return wide;
}

/* ---- Forward ---------------------------------------------------------------------------------*/

static size_t forward(const ck_bf16_attention_pass *pass, void *scratch, size_t workers) {
  const ck_attention *shape = &pass->shape;
  ck_scratch next = {scratch, 0};
  size_t queries = query_elements(shape), keys = key_elements(shape);
  float *out = take_floats(&next, queries);
  ck_attention_pass wide = {.shape = *shape,
                            .q = widen(&next, pass->q, queries),
                            .k = widen(&next, pass->k, keys),
                            .v = widen(&next, pass->v, keys),
                            .out = out,
                            .log_sum_exp = pass->log_sum_exp};
  void *rest = ck_take(&next, ck_attention_forward_scratch(shape, workers));
  if (scratch) {
    ck_attention_forward(&wide, rest, workers);
    ck_float32_to_bfloat16(out, pass->out, queries);
  }
  return next.used;
}

size_t ck_widened_attention_forward_scratch(const ck_attention *shape, size_t workers) {
  return forward(&(ck_bf16_attention_pass){.shape = *shape}, NULL, workers);
}

void ck_widened_attention_forward(const ck_bf16_attention_pass *pass, void *scratch,
                                  size_t workers) {
  forward(pass, scratch, workers);
}

/* ---- Backward --------------------------------------------------------------------------------*/

static size_t backward(const ck_bf16_attention_gradient *g, void *scratch, size_t workers) {
  const ck_attention *shape = &g->shape;
  ck_scratch next = {scratch, 0};
  size_t queries = query_elements(shape), keys = key_elements(shape);
  float *dq = take_floats(&next, queries);
  float *dk = take_floats(&next, keys), *dv = take_floats(&next, keys);
  ck_attention_gradient wide = {.shape = *shape,
                                .dout = widen(&next, g->dout, queries),
                                .q = widen(&next, g->q, queries),
                                .k = widen(&next, g->k, keys),
                                .v = widen(&next, g->v, keys),
                                .out = widen(&next, g->out, queries),
                                .log_sum_exp = g->log_sum_exp,
                                .dq = dq,
                                .dk = dk,
                                .dv = dv};
  void *rest = ck_take(&next, ck_attention_backward_scratch(shape, workers));
  if (scratch) {
    ck_attention_backward(&wide, rest, workers);
    ck_float32_to_bfloat16(dq, g->dq, queries);
    ck_float32_to_bfloat16(dk, g->dk, keys);
    ck_float32_to_bfloat16(dv, g->dv, keys);
  }
  return next.used;
}

size_t ck_widened_attention_backward_scratch(const ck_attention *shape, size_t workers) {
  return backward(&(ck_bf16_attention_gradient){.shape = *shape}, NULL, workers);
}

void ck_widened_attention_backward(const ck_bf16_attention_gradient *gradient, void *scratch,
                                   size_t workers) {
  backward(gradient, scratch, workers);
}
