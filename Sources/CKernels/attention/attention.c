#include "attention/attention_rows.h"
#include "numbers/tanh.h"

#include <math.h>

/* Scaled dot-product attention, causal, with grouped key/value heads (Vaswani et al. 2017,
 * arXiv:1706.03762; Ainslie et al. 2023, arXiv:2305.13245), a block of queries against a block of
 * keys at a time, so that memory grows with the number of tokens and not with its square (Dao et
 * al. 2022, arXiv:2205.14135). */

CK_SHARED_KERNEL(float, ck_attention_exponentials, (float *x, float maximum, size_t count),
                 (x, maximum, count)) {
  CK_SUM_IN_LANES
  float sum = 0;
  for (size_t i = 0; i < count; i++) {
    x[i] = ck_exp(x[i] - maximum);
    sum += x[i];
  }
  return sum;
}

CK_SHARED_KERNEL(void, ck_scale_row, (const float *x, float factor, float *out, size_t count),
                 (x, factor, out, count)) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; i++) out[i] = x[i] * factor;
}

CK_SHARED_KERNEL(void, ck_cap_row, (float *x, float scale, float cap, size_t count),
                 (x, scale, cap, count)) {
  for (size_t i = 0; i < count; i++) x[i] = ck_capped(x[i] * scale, cap);
}

typedef struct {
  ck_attention_pass pass;
  size_t T, H, G, E;   /* of pass.shape */
  size_t group;        /* query heads of a key/value head */
  size_t block_tokens; /* query tokens of a block */
  size_t *first_block; /* [S + 1]: blocks before each segment */

  char *slots; /* scratch of the workers */
  size_t slot_bytes;
} forward_work;

/* What a worker holds while it attends a block; a row is one query of one head. */
typedef struct {
  float *queries; /* [rows, E], scaled */
  float *scores;  /* [rows, keys] */
  float *sums;    /* [rows, E]: weighted values so far */
  float *maximum; /* [rows] */
  float *total;   /* [rows]: sum of exponentials so far */
} block_state;

static void choose_sizes(forward_work *p) {
  p->group = p->H / p->G;
  size_t tokens = ck_round_up(CK_ATTENTION_ROWS / CK_MAX(p->group, 1), 16);
  p->block_tokens =
      CK_MIN(CK_MAX(tokens, CK_ATTENTION_LEAST_TOKENS), CK_ATTENTION_MOST_TOKENS);
}

static size_t lay_out_slot(const forward_work *p, char *slot, block_state *state) {
  ck_scratch next = {slot, 0};
  size_t rows = p->group * CK_MIN(p->block_tokens, p->T), word = sizeof(float);
  size_t keys = CK_MIN(CK_ATTENTION_KEYS, p->pass.shape.past + p->T);
  state->queries = ck_take(&next, rows * p->E * word);
  state->scores = ck_take(&next, rows * keys * word);
  state->sums = ck_take(&next, rows * p->E * word);
  state->maximum = ck_take(&next, rows * word);
  state->total = ck_take(&next, rows * word);
  return next.used;
}

static size_t lay_out(forward_work *p, size_t workers, char *scratch) {
  ck_scratch next = {scratch, 0};
  block_state unused;
  p->first_block = ck_take(&next, (p->pass.shape.S + 1) * sizeof *p->first_block);
  p->slot_bytes = lay_out_slot(p, NULL, &unused);
  p->slots = ck_take(&next, workers * p->slot_bytes);
  return next.used;
}

/* ---- One block -------------------------------------------------------------------------------*/

/* Query tokens `tokens` of group `g`, the first of them at `position`, against the keys from
 * `first_key` on, the first that any of them sees. Row order: all tokens of the group's first head,
 * then of its second, and so on. */
typedef struct {
  ck_sequence sequence;
  ck_range tokens; /* of the flat batch */
  size_t g, position, first_key;
} block;

static void gather_queries(const forward_work *p, const block *b, block_state *state) {
  for (size_t h = 0; h < p->group; h++) {
    for (size_t i = 0; i < b->tokens.count; i++) {
      size_t t = b->tokens.first + i, row = h * b->tokens.count + i;
      ck_scale_row(p->pass.q + (t * p->H + b->g * p->group + h) * p->E, p->pass.shape.scale,
                   state->queries + row * p->E, p->E);
    }
  }
}

/* Turns a row of scores into weights relative to the largest score so far, and the row's earlier
 * sums with them. Keys outside `visible` get none. */
static void weigh_row(const forward_work *p, block_state *state, size_t row, size_t keys,
                      ck_range visible, bool first) {
  float *scores = state->scores + row * keys;
  size_t end = visible.first + visible.count;
  memset(scores, 0, visible.first * sizeof *scores);
  memset(scores + end, 0, (keys - end) * sizeof *scores);
  if (first) {
    state->total[row] = 0;
    state->maximum[row] = -INFINITY;
  }
  if (visible.count == 0) return;
  scores += visible.first;
  float cap = p->pass.shape.soft_cap;
  if (cap != 0) ck_cap_row(scores, 1, cap, visible.count);
  float maximum = ck_row_maximum(scores, visible.count);
  if (state->maximum[row] > -INFINITY) {
    maximum = CK_MAX(maximum, state->maximum[row]);
    float shrink = ck_exp(state->maximum[row] - maximum);
    float *sums = state->sums + row * p->E;
    if (shrink != 1) ck_scale_row(sums, shrink, sums, p->E);
    state->total[row] *= shrink;
  }
  state->maximum[row] = maximum;
  state->total[row] += ck_attention_exponentials(scores, maximum, visible.count);
}

static void attend_keys(const forward_work *p, const block *b, block_state *state, ck_range keys) {
  size_t rows = p->group * b->tokens.count, kv_stride = p->G * p->E;
  size_t offset = ck_token_at(&b->sequence, keys.first) * kv_stride + b->g * p->E;
  bool first = keys.first == b->first_key;
  ck_matmul_piece(&(ck_float_product){
      .M = rows, .N = keys.count, .K = p->E, .alpha = 1,
      .a = {state->queries, p->E, false}, .b = {p->pass.k + offset, kv_stride, true},
      .c = state->scores, .c_stride = keys.count});
  for (size_t row = 0; row < rows; row++) {
    size_t index = b->position + row % b->tokens.count;
    weigh_row(p, state, row, keys.count, ck_visible_keys(&p->pass.shape, index, keys), first);
  }
  ck_matmul_piece(&(ck_float_product){
      .M = rows, .N = p->E, .K = keys.count, .alpha = 1,
      .a = {state->scores, keys.count, false}, .b = {p->pass.v + offset, kv_stride, false},
      .c = state->sums, .c_stride = p->E, .accumulate = !first});
}

static void write_results(const forward_work *p, const block *b, const block_state *state) {
  for (size_t h = 0; h < p->group; h++) {
    for (size_t i = 0; i < b->tokens.count; i++) {
      size_t t = b->tokens.first + i, row = h * b->tokens.count + i;
      size_t head = t * p->H + b->g * p->group + h;
      ck_scale_row(state->sums + row * p->E, 1 / state->total[row], p->pass.out + head * p->E,
                   p->E);
      if (p->pass.log_sum_exp) {
        p->pass.log_sum_exp[head] = state->maximum[row] + logf(state->total[row]);
      }
    }
  }
}

static void attend_block(const forward_work *p, const block *b, size_t worker) {
  block_state state;
  lay_out_slot(p, p->slots + worker * p->slot_bytes, &state);
  gather_queries(p, b, &state);
  size_t end = b->position + b->tokens.count;
  for (size_t key = b->first_key; key < end;) {
    ck_range keys = ck_next_keys(&b->sequence, key, end, CK_ATTENTION_KEYS);
    attend_keys(p, b, &state, keys);
    key += keys.count;
  }
  write_results(p, b, &state);
}

/* ---- All blocks ------------------------------------------------------------------------------*/

static size_t segment_of_block(const forward_work *p, size_t index) {
  size_t low = 0, high = p->pass.shape.S; /* first_block[low] <= index < first_block[high] */
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    if (p->first_block[middle] <= index) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

/* Later blocks see more keys; the longest tasks go first so that the last ones are short. */
static void forward_task(void *context, size_t task, size_t worker) {
  const forward_work *p = context;
  const ck_attention *shape = &p->pass.shape;
  size_t index = p->first_block[shape->S] - 1 - task / p->G;
  size_t s = segment_of_block(p, index);
  ck_sequence sequence = ck_sequence_of(shape, s);
  ck_range tokens = ck_piece(sequence.length, p->block_tokens, index - p->first_block[s]);
  size_t position = shape->past + sequence.prefix + tokens.first;
  tokens.first += sequence.start;
  block b = {sequence, tokens, task % p->G, position, ck_first_key(shape, position, 0)};
  attend_block(p, &b, worker);
}

static forward_work begin(const ck_attention *shape) {
  forward_work p = {.pass = {.shape = *shape},
                    .T = shape->T,
                    .H = shape->H,
                    .G = shape->G,
                    .E = shape->E};
  choose_sizes(&p);
  return p;
}

size_t ck_attention_forward_scratch(const ck_attention *shape, size_t workers) {
  forward_work p = begin(shape);
  return lay_out(&p, workers, NULL);
}

void ck_attention_forward(const ck_attention_pass *pass, void *scratch, size_t workers) {
  forward_work p = begin(&pass->shape);
  p.pass = *pass;
  lay_out(&p, workers, scratch);
  p.first_block[0] = 0;
  for (size_t s = 0; s < pass->shape.S; s++) {
    size_t length = (size_t)(pass->shape.starts[s + 1] - pass->shape.starts[s]);
    p.first_block[s + 1] = p.first_block[s] + ck_ceil_divide(length, p.block_tokens);
  }
  ck_parallel_for(p.first_block[pass->shape.S] * p.G, workers, forward_task, &p);
}
