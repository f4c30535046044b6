#include "bf16_attention.h"
#include "exp.h"

#include <math.h>

/* The gradients of attention in bfloat16 (see attention_backward.c for the formulas), 64 queries
 * against 128 keys at a time. A task owns one query head of one segment; where several query heads
 * read the same keys, each leaves its part of dK and dV in scratch and the parts are added in the
 * order of the heads. */

enum { QUERIES = 64, KEYS = 128, ROWS = CK_TILE_ROWS };

typedef struct {
  const uint16_t *dout, *q, *out;
  const float *log_sum_exp;
  uint16_t *dq, *dk, *dv;
  size_t T, H, G, E, group, width; /* of a row of sums: E, padded */
  ck_padded_segments kv_segments, q_segments;
  uint32_t *k_columns, *k_rows, *v_columns; /* panels by key/value head */
  uint32_t *q_rows, *dout_rows;             /* panels by query head */
  float *dk_parts, *dv_parts;               /* [T, H, E] */
  char *slots;
  size_t slot_bytes;
} problem;

typedef struct {
  float *scores, *dscores;                    /* [8][KEYS] */
  uint16_t *dscore_rows;                      /* dS [QUERIES][KEYS] */
  uint32_t *weight_pairs, *dscore_pairs;      /* P, dS [QUERIES / 2][KEYS]: two queries a word */
  float *dk, *dv;                             /* [KEYS][width] */
  float *dq;                                  /* [T][width] of the whole segment */
  uint16_t *q, *dout;                         /* [T][E], the head's rows side by side */
  float *log_sum_exp, *deltas;                /* [T] */
} head_state;

static size_t lay_out_slot(const problem *p, char *slot, head_state *state) {
  ck_scratch next = {slot, 0};
  state->scores = ck_take(&next, ROWS * KEYS * sizeof(float));
  state->dscores = ck_take(&next, ROWS * KEYS * sizeof(float));
  state->dscore_rows = ck_take(&next, QUERIES * KEYS * sizeof(uint16_t));
  state->weight_pairs = ck_take(&next, QUERIES / 2 * KEYS * sizeof(uint32_t));
  state->dscore_pairs = ck_take(&next, QUERIES / 2 * KEYS * sizeof(uint32_t));
  state->dk = ck_take(&next, KEYS * p->width * sizeof(float));
  state->dv = ck_take(&next, KEYS * p->width * sizeof(float));
  state->dq = ck_take(&next, p->T * p->width * sizeof(float));
  state->q = ck_take(&next, p->T * p->E * sizeof(uint16_t));
  state->dout = ck_take(&next, p->T * p->E * sizeof(uint16_t));
  state->log_sum_exp = ck_take(&next, p->T * sizeof(float));
  state->deltas = ck_take(&next, p->T * sizeof(float));
  return next.used;
}

static size_t lay_out(problem *p, size_t workers, char *scratch) {
  ck_scratch next = {scratch, 0};
  head_state unused;
  size_t S = p->kv_segments.S, padded = ck_most_padded_tokens(p->T, S), word = sizeof(uint32_t);
  size_t E = p->E;
  p->group = p->H / p->G;
  p->width = 2 * ck_row_words(E);
  p->kv_segments.offsets = ck_take(&next, (S + 1) * sizeof(size_t));
  p->q_segments.offsets = p->kv_segments.offsets;
  p->k_columns = ck_take(&next, padded * p->G * ck_column_words(E) * word);
  p->v_columns = ck_take(&next, padded * p->G * ck_column_words(E) * word);
  p->k_rows = ck_take(&next, padded * p->G * ck_row_words(E) * word);
  p->q_rows = ck_take(&next, padded * p->H * ck_row_words(E) * word);
  p->dout_rows = ck_take(&next, padded * p->H * ck_row_words(E) * word);
  if (p->group > 1) {
    p->dk_parts = ck_take(&next, p->T * p->H * E * sizeof(float));
    p->dv_parts = ck_take(&next, p->T * p->H * E * sizeof(float));
  }
  p->slot_bytes = lay_out_slot(p, NULL, &unused);
  p->slots = ck_take(&next, workers * p->slot_bytes);
  return next.used;
}

/* ---- Rows ------------------------------------------------------------------------------------*/

/* A query's number of visible keys and what its weights are made from. */
typedef struct {
  float log_sum_exp, delta;
  size_t visible;
} query;

CK_INLINE void finish_element(const float *scores, const float *dscores, query q, float scale,
                              size_t i, uint32_t *weight, uint32_t *dscore) {
  float w = ck_exp(scores[i] * scale - q.log_sum_exp);
  float d = w * (dscores[i] - q.delta) * scale;
  *weight = i < q.visible ? ck_bfloat16_from_float(w) : 0;
  *dscore = i < q.visible ? ck_bfloat16_from_float(d) : 0;
}

/* Two queries: P and dS as pairs, dS also row by row. */
CK_KERNEL(void, finish_pair,
          (const float *restrict scores, const float *restrict dscores, query even, query odd, float
           scale, uint32_t *restrict weight_pairs, uint32_t *restrict dscore_pairs, uint16_t
           *restrict even_row, uint16_t *restrict odd_row, size_t keys),
          (scores, dscores, even, odd, scale, weight_pairs, dscore_pairs, even_row, odd_row, keys))
           {
  for (size_t i = 0; i < keys; i++) {
    uint32_t w0, w1, d0, d1;
    finish_element(scores, dscores, even, scale, i, &w0, &d0);
    finish_element(scores + KEYS, dscores + KEYS, odd, scale, i, &w1, &d1);
    weight_pairs[i] = w1 << 16 | w0;
    dscore_pairs[i] = d1 << 16 | d0;
    even_row[i] = (uint16_t)d0;
    odd_row[i] = (uint16_t)d1;
  }
}

/* ---- One head --------------------------------------------------------------------------------*/

/* A head of a segment, and where its panels are. */
typedef struct {
  size_t start, length, padded, head;
  const uint32_t *k_columns, *k_rows, *v_columns, *q_rows, *dout_rows;
} head_of_segment;

static query query_at(const head_state *state, const head_of_segment *h, size_t index,
                      size_t first_key, size_t keys) {
  if (index >= h->length || index < first_key) return (query){0};
  return (query){state->log_sum_exp[index], state->deltas[index],
                 CK_MIN(index - first_key + 1, keys)};
}

/* P and dS of a block. */
static void make_scores(const problem *p, const head_of_segment *h, head_state *state,
                        ck_range queries, ck_range keys) {
  size_t E = p->E;
  float scale = 1 / sqrtf((float)E);
  for (size_t i = 0; i < queries.count; i += ROWS) {
    size_t first = queries.first + i, rows = CK_MIN(ROWS, queries.count - i);
    for (size_t key = 0; key < keys.count; key += CK_PANEL_COLUMNS) {
      size_t panel = (keys.first + key) * E / 2;
      ck_tile_product score = {state->q + first * E, E, 2, h->k_columns + panel, E / 2};
      ck_tile_product dscore = {state->dout + first * E, E, 2, h->v_columns + panel, E / 2};
      ck_bf16_tile(&score, 1, rows, state->scores + key, KEYS, false);
      ck_bf16_tile(&dscore, 1, rows, state->dscores + key, KEYS, false);
    }
    for (size_t r = 0; r < rows; r += 2) {
      size_t row = i + r;
      finish_pair(state->scores + r * KEYS, state->dscores + r * KEYS,
                  query_at(state, h, first + r, keys.first, keys.count),
                  query_at(state, h, first + r + 1, keys.first, keys.count), scale,
                  state->weight_pairs + row / 2 * KEYS, state->dscore_pairs + row / 2 * KEYS,
                  state->dscore_rows + row * KEYS, state->dscore_rows + (row + 1) * KEYS,
                  ck_round_up(keys.count, 2));
    }
  }
}

/* sums[rows] += a block of pairs times panels that begin at `panels`, E elements wide. */
static void add_products(const problem *p, const head_of_segment *h, const uint16_t *left,
                         size_t row, size_t pair, size_t rows, const uint32_t *panels,
                         size_t first, size_t count, float *sums) {
  for (size_t e = 0; e < p->E; e += CK_PANEL_COLUMNS) {
    const uint32_t *panel = panels + e * h->padded / 2 + first / 2 * CK_PANEL_COLUMNS;
    for (size_t r = 0; r < rows; r += ROWS) {
      ck_tile_product product = {left + r * row, row, pair, panel, (count + 1) / 2};
      ck_bf16_tile(&product, 1, CK_MIN(ROWS, rows - r), sums + r * p->width + e, p->width, true);
    }
  }
}

static void add_block(const problem *p, const head_of_segment *h, head_state *state,
                      ck_range queries, ck_range keys) {
  make_scores(p, h, state, queries, keys);
  add_products(p, h, state->dscore_rows, KEYS, 2, queries.count, h->k_rows, keys.first, keys.count,
               state->dq + queries.first * p->width);
  add_products(p, h, (const uint16_t *)state->weight_pairs, 2, 2 * KEYS, keys.count, h->dout_rows,
               queries.first, queries.count, state->dv);
  add_products(p, h, (const uint16_t *)state->dscore_pairs, 2, 2 * KEYS, keys.count, h->q_rows,
               queries.first, queries.count, state->dk);
}

static void store_rows(const problem *p, const head_of_segment *h, ck_range keys,
                       const float *sums, float *parts, uint16_t *out) {
  for (size_t i = 0; i < keys.count; i++) {
    size_t at = ((h->start + keys.first + i) * p->H + h->head) * p->E;
    if (p->group > 1) {
      memcpy(parts + at, sums + i * p->width, p->E * sizeof *parts);
    } else {
      ck_bf16_narrow(sums + i * p->width, out + at, p->E);
    }
  }
}

static head_of_segment find_head(const problem *p, size_t s, size_t head) {
  const ck_padded_segments *kv = &p->kv_segments, *q = &p->q_segments;
  size_t start = (size_t)kv->starts[s], g = head / p->group;
  return (head_of_segment){start,
                           ck_segment_length(kv, s),
                           kv->offsets[s + 1] - kv->offsets[s],
                           head,
                           p->k_columns + ck_token_columns(kv, s, g),
                           p->k_rows + ck_token_rows(kv, s, g),
                           p->v_columns + ck_token_columns(kv, s, g),
                           p->q_rows + ck_token_rows(q, s, head),
                           p->dout_rows + ck_token_rows(q, s, head)};
}

static void head_task(void *context, size_t task, size_t worker) {
  const problem *p = context;
  head_of_segment h = find_head(p, task / p->H, task % p->H);
  head_state state;
  lay_out_slot(p, p->slots + worker * p->slot_bytes, &state);
  for (size_t t = 0; t < h.length; t++) {
    size_t at = (h.start + t) * p->H + h.head;
    state.log_sum_exp[t] = p->log_sum_exp[at];
    state.deltas[t] = ck_bf16_dot(p->dout + at * p->E, p->out + at * p->E, p->E);
    memcpy(state.q + t * p->E, p->q + at * p->E, p->E * sizeof *state.q);
    memcpy(state.dout + t * p->E, p->dout + at * p->E, p->E * sizeof *state.dout);
  }
  memset(state.dq, 0, h.length * p->width * sizeof *state.dq);
  for (size_t key = 0; key < h.length; key += KEYS) {
    ck_range keys = {key, CK_MIN(KEYS, h.length - key)};
    memset(state.dk, 0, keys.count * p->width * sizeof *state.dk);
    memset(state.dv, 0, keys.count * p->width * sizeof *state.dv);
    for (size_t first = key; first < h.length; first += QUERIES) {
      add_block(p, &h, &state, (ck_range){first, CK_MIN(QUERIES, h.length - first)}, keys);
    }
    store_rows(p, &h, keys, state.dk, p->dk_parts, p->dk);
    store_rows(p, &h, keys, state.dv, p->dv_parts, p->dv);
  }
  for (size_t t = 0; t < h.length; t++) {
    size_t at = (h.start + t) * p->H + h.head;
    ck_bf16_narrow(state.dq + t * p->width, p->dq + at * p->E, p->E);
  }
}

/* ---- All heads -------------------------------------------------------------------------------*/

CK_KERNEL(void, add_heads,
          (const float *restrict parts, uint16_t *restrict out, size_t group, size_t E),
          (parts, out, group, E)) {
  for (size_t i = 0; i < E; i++) {
    float sum = parts[i];
    for (size_t h = 1; h < group; h++) sum += parts[h * E + i];
    out[i] = ck_bfloat16_from_float(sum);
  }
}

enum { SUM_TOKENS = 32 };

static void sum_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const problem *p = context;
  ck_range tokens = ck_piece(p->T, SUM_TOKENS, task);
  for (size_t t = tokens.first; t < tokens.first + tokens.count; t++) {
    for (size_t g = 0; g < p->G; g++) {
      size_t from = (t * p->H + g * p->group) * p->E, to = (t * p->G + g) * p->E;
      add_heads(p->dk_parts + from, p->dk + to, p->group, p->E);
      add_heads(p->dv_parts + from, p->dv + to, p->group, p->E);
    }
  }
}

static problem make_problem(size_t T, size_t S, size_t H, size_t G, size_t E,
                            const int32_t *starts) {
  return (problem){.T = T, .H = H, .G = G, .E = E,
                   .kv_segments = {.starts = starts, .T = T, .S = S, .heads = G, .E = E},
                   .q_segments = {.starts = starts, .T = T, .S = S, .heads = H, .E = E}};
}

size_t ck_bf16_attention_backward_scratch(size_t T, size_t S, size_t H, size_t G, size_t E,
                                          size_t workers) {
  problem p = make_problem(T, S, H, G, E, NULL);
  return lay_out(&p, workers, NULL);
}

void ck_bf16_attention_backward(const uint16_t *dout, const uint16_t *q, const uint16_t *k,
                                const uint16_t *v, const uint16_t *out, const float *log_sum_exp,
                                const int32_t *starts, uint16_t *dq, uint16_t *dk, uint16_t *dv,
                                size_t T, size_t S, size_t H, size_t G, size_t E, void *scratch,
                                size_t workers) {
  problem p = make_problem(T, S, H, G, E, starts);
  p.dout = dout;
  p.q = q;
  p.out = out;
  p.log_sum_exp = log_sum_exp;
  p.dq = dq;
  p.dk = dk;
  p.dv = dv;
  lay_out(&p, workers, scratch);
  ck_find_offsets(&p.kv_segments);
  ck_pack_token_columns(&p.kv_segments, k, p.k_columns);
  ck_pack_token_columns(&p.kv_segments, v, p.v_columns);
  ck_pack_token_rows(&p.kv_segments, k, p.k_rows);
  ck_pack_token_rows(&p.q_segments, q, p.q_rows);
  ck_pack_token_rows(&p.q_segments, dout, p.dout_rows);
  ck_parallel_for(S * H, workers, head_task, &p);
  if (p.group > 1) ck_parallel_for(ck_ceil_divide(T, SUM_TOKENS), CK_ANY_WORKERS, sum_task, &p);
}
