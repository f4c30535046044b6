#include "attention/attention_families.h"
#include "numbers/tanh.h"

#include <math.h>

/* The gradients of attention, for each query head with P = exp(scores - log_sum_exp) made again:
 *
 *   dV = P' dO     dP = dO V'     dS = P ∘ (dP - rowsum(dO ∘ O))
 *   dQ = scale · dS K             dK = scale · dS' Q
 *
 * and dS times 1 - (score / cap)² where scores are capped.
 * (Dao et al. 2022, arXiv:2205.14135, algorithm 4.) A task owns one query head of one family, so
 * nothing is shared: the keys of a prefix get the part of its own queries, then that of each branch
 * in order. Where several query heads read the same keys, each leaves its part of dK and dV in
 * scratch and the parts are added in the order of the heads. */

enum { QUERY_BLOCK = 128, KEY_BLOCK = 256 };

typedef struct {
  ck_attention_gradient gradient;
  float *dk_parts, *dv_parts; /* [T, H, E] */
  size_t T, H, G, E;          /* of gradient.shape */
  size_t group;
  size_t families, *first_segment; /* [families + 1] */
  char *slots;
  size_t slot_bytes;
} backward_work;

/* What a worker holds for a block of queries against a block of keys. */
typedef struct {
  float *queries; /* [QUERY_BLOCK, E], scaled */
  float *weights; /* [QUERY_BLOCK, KEY_BLOCK]: P */
  float *dscores; /* [QUERY_BLOCK, KEY_BLOCK]: dP, then dS */
  float *deltas;  /* [QUERY_BLOCK]: rowsum(dO ∘ O) */
} block_state;

static size_t lay_out_slot(const backward_work *p, char *slot, block_state *state) {
  ck_scratch next = {slot, 0};
  size_t queries = CK_MIN(QUERY_BLOCK, p->T), keys = CK_MIN(KEY_BLOCK, p->T);
  state->queries = ck_take(&next, queries * p->E * sizeof(float));
  state->weights = ck_take(&next, queries * keys * sizeof(float));
  state->dscores = ck_take(&next, queries * keys * sizeof(float));
  state->deltas = ck_take(&next, queries * sizeof(float));
  return next.used;
}

static size_t lay_out(backward_work *p, size_t workers, char *scratch) {
  ck_scratch next = {scratch, 0};
  block_state unused;
  p->group = p->H / p->G;
  p->families = ck_family_count(&p->gradient.shape);
  p->first_segment = ck_take(&next, (p->families + 1) * sizeof *p->first_segment);
  p->dk_parts = p->gradient.dk;
  p->dv_parts = p->gradient.dv;
  if (p->group > 1) {
    p->dk_parts = ck_take(&next, p->T * p->H * p->E * sizeof(float));
    p->dv_parts = ck_take(&next, p->T * p->H * p->E * sizeof(float));
  }
  p->slot_bytes = lay_out_slot(p, NULL, &unused);
  p->slots = ck_take(&next, workers * p->slot_bytes);
  return next.used;
}

/* ---- Rows ------------------------------------------------------------------------------------*/

/* Scores become weights, and their gradients with respect to weights those to scores. */
CK_KERNEL(void, finish_visible,
          (float *restrict weights, float *restrict dscores, float log_sum_exp, float delta, size_t
           count),
          (weights, dscores, log_sum_exp, delta, count)) {
  for (size_t i = 0; i < count; i++) {
    weights[i] = ck_exp(weights[i] - log_sum_exp);
    dscores[i] = weights[i] * (dscores[i] - delta);
  }
}

/* The same with scores that are still to be capped. */
CK_KERNEL(void, finish_capped,
          (float *restrict weights, float *restrict dscores, float log_sum_exp, float delta,
           float cap, size_t count),
          (weights, dscores, log_sum_exp, delta, cap, count)) {
  for (size_t i = 0; i < count; i++) {
    float score = ck_capped(weights[i], cap);
    weights[i] = ck_exp(score - log_sum_exp);
    dscores[i] = weights[i] * (dscores[i] - delta) * ck_cap_slope(score, cap);
  }
}

static void finish_row(float *weights, float *dscores, float log_sum_exp, float delta, float cap,
                       ck_range visible, size_t keys) {
  size_t first = visible.first, end = first + visible.count;
  memset(weights, 0, first * sizeof *weights);
  memset(dscores, 0, first * sizeof *dscores);
  if (cap != 0) {
    finish_capped(weights + first, dscores + first, log_sum_exp, delta, cap, visible.count);
  } else {
    finish_visible(weights + first, dscores + first, log_sum_exp, delta, visible.count);
  }
  memset(weights + end, 0, (keys - end) * sizeof *weights);
  memset(dscores + end, 0, (keys - end) * sizeof *dscores);
}

/* ---- One head --------------------------------------------------------------------------------*/

static void prepare_queries(const backward_work *p, size_t head, ck_range queries,
                            block_state *state) {
  const ck_attention_gradient *g = &p->gradient;
  for (size_t i = 0; i < queries.count; i++) {
    size_t row = ((queries.first + i) * p->H + head) * p->E;
    ck_scale_row(g->q + row, g->shape.scale, state->queries + i * p->E, p->E);
    state->deltas[i] = ck_dot(g->dout + row, g->out + row, p->E);
  }
}

/* Queries of the flat batch, the first of them at `position`, against the keys at some positions. */
static void add_block(const backward_work *p, size_t head, const ck_sequence *sequence,
                      ck_range queries, size_t position, ck_range keys, bool first,
                      const block_state *state) {
  const ck_attention_gradient *g = &p->gradient;
  size_t E = p->E, stride = p->H * E, kv_stride = p->G * E;
  size_t q_offset = queries.first * stride + head * E;
  size_t first_token = ck_token_at(sequence, keys.first);
  size_t kv_offset = first_token * kv_stride + head / p->group * E;
  size_t part_offset = first_token * stride + head * E;
  ck_matrix scaled_q = {state->queries, E, false}, dout = {g->dout + q_offset, stride, false};
  ck_matrix weights = {state->weights, keys.count, true};
  ck_matrix dscores = {state->dscores, keys.count, false};

  ck_matmul_piece(&(ck_float_product){
      .M = queries.count, .N = keys.count, .K = E, .alpha = 1,
      .a = scaled_q, .b = {g->k + kv_offset, kv_stride, true},
      .c = state->weights, .c_stride = keys.count});
  ck_matmul_piece(&(ck_float_product){
      .M = queries.count, .N = keys.count, .K = E, .alpha = 1,
      .a = dout, .b = {g->v + kv_offset, kv_stride, true},
      .c = state->dscores, .c_stride = keys.count});
  for (size_t i = 0; i < queries.count; i++) {
    size_t token = queries.first + i;
    finish_row(state->weights + i * keys.count, state->dscores + i * keys.count,
               g->log_sum_exp[token * p->H + head], state->deltas[i], g->shape.soft_cap,
               ck_visible_keys(&g->shape, position + i, keys), keys.count);
  }
  ck_matmul_piece(&(ck_float_product){
      .M = queries.count, .N = E, .K = keys.count, .alpha = g->shape.scale,
      .a = dscores, .b = {g->k + kv_offset, kv_stride, false},
      .c = g->dq + q_offset, .c_stride = stride, .accumulate = !first});
  dscores.transposed = true;
  ck_matmul_piece(&(ck_float_product){
      .M = keys.count, .N = E, .K = queries.count, .alpha = 1, .a = weights, .b = dout,
      .c = p->dv_parts + part_offset, .c_stride = stride, .accumulate = true});
  ck_matmul_piece(&(ck_float_product){
      .M = keys.count, .N = E, .K = queries.count, .alpha = 1, .a = dscores, .b = scaled_q,
      .c = p->dk_parts + part_offset, .c_stride = stride, .accumulate = true});
}

static void backward_of_segment(const backward_work *p, size_t head, size_t s,
                                block_state *state) {
  const ck_attention *shape = &p->gradient.shape;
  ck_sequence sequence = ck_sequence_of(shape, s);
  for (size_t query = 0; query < sequence.length; query += QUERY_BLOCK) {
    ck_range queries = {sequence.start + query, CK_MIN(QUERY_BLOCK, sequence.length - query)};
    prepare_queries(p, head, queries, state);
    size_t position = sequence.prefix + query, seen = position + queries.count;
    size_t first = ck_first_key(shape, position, 0);
    for (size_t key = first; key < seen;) {
      ck_range keys = ck_next_keys(&sequence, key, seen, KEY_BLOCK);
      add_block(p, head, &sequence, queries, position, keys, key == first, state);
      key += keys.count;
    }
  }
}

static void head_task(void *context, size_t task, size_t worker) {
  const backward_work *p = context;
  size_t head = task % p->H, family = task / p->H;
  size_t segment = p->first_segment[family], last = p->first_segment[family + 1];
  const int32_t *starts = p->gradient.shape.starts;
  block_state state;
  lay_out_slot(p, p->slots + worker * p->slot_bytes, &state);
  for (size_t t = (size_t)starts[segment]; t < (size_t)starts[last]; t++) {
    memset(p->dk_parts + (t * p->H + head) * p->E, 0, p->E * sizeof(float));
    memset(p->dv_parts + (t * p->H + head) * p->E, 0, p->E * sizeof(float));
  }
  for (; segment < last; segment++) backward_of_segment(p, head, segment, &state);
}

/* ---- Keys and values that several heads share ------------------------------------------------*/

CK_KERNEL(void, add_heads,
          (const float *restrict parts, float *restrict sum, size_t group, size_t E),
          (parts, sum, group, E)) {
  memcpy(sum, parts, E * sizeof *sum);
  for (size_t h = 1; h < group; h++) {
    for (size_t i = 0; i < E; i++) sum[i] += parts[h * E + i];
  }
}

static void add_heads_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const backward_work *p = context;
  ck_range tokens = ck_piece(p->T, ck_task_rows(p->H * p->E), task);
  for (size_t i = tokens.first * p->G; i < (tokens.first + tokens.count) * p->G; i++) {
    add_heads(p->dk_parts + i * p->group * p->E, p->gradient.dk + i * p->E, p->group, p->E);
    add_heads(p->dv_parts + i * p->group * p->E, p->gradient.dv + i * p->E, p->group, p->E);
  }
}

static backward_work begin(const ck_attention *shape) {
  return (backward_work){.gradient = {.shape = *shape},
                         .T = shape->T,
                         .H = shape->H,
                         .G = shape->G,
                         .E = shape->E};
}

size_t ck_attention_backward_scratch(const ck_attention *shape, size_t workers) {
  backward_work p = begin(shape);
  return lay_out(&p, workers, NULL);
}

void ck_attention_backward(const ck_attention_gradient *gradient, void *scratch, size_t workers) {
  backward_work p = begin(&gradient->shape);
  p.gradient = *gradient;
  lay_out(&p, workers, scratch);
  ck_find_families(&gradient->shape, p.first_segment);
  ck_parallel_for(p.families * p.H, workers, head_task, &p);
  if (p.group > 1) {
    ck_parallel_for(ck_ceil_divide(p.T, ck_task_rows(p.H * p.E)), CK_ANY_WORKERS, add_heads_task,
                    &p);
  }
}
