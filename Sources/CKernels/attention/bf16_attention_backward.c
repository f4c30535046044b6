#include "attention/attention_panels.h"
#include "attention/attention_rows.h"
#include "attention/attention_weights.h"
#include "attention/widened_attention.h"

#include <math.h>

/* The gradients of attention in bfloat16 (see attention_backward.c for the formulas), 64 queries
 * against 128 keys at a time. What no query sees, above the diagonal, is left out tile by tile.
 *
 * dV and dK are summed transposed, dVᵀ += dOᵀ P: P and dS then are right operands just as they are
 * made, two queries side by side in a word.
 *
 * A task owns one key/value head of one segment and the query heads that read it. Where that makes
 * few tasks, the queries are cut into pieces with equally many pairs of query and key; each leaves
 * its part of dK and dV in scratch, and the parts are added in order. */

enum {
  QUERIES = CK_PAIR_QUERIES,
  KEYS = CK_PAIR_KEYS,
  PANELS = KEYS / CK_PANEL_COLUMNS,
  SQUARE = 16, /* of ck_transpose_floats */
  ENOUGH_TASKS = 12,
  PIECE_TOKENS = 512, /* fewer are not worth another piece */
};

typedef struct {
  ck_bf16_attention_gradient gradient;
  size_t T, H, G, E;           /* of gradient.shape */
  size_t group, width;         /* heads of a key/value head; of a row of sums: E, padded */
  ck_padded_segments segments; /* of keys and values */
  uint32_t *k_columns, *k_rows, *v_columns; /* panels by key/value head */
  size_t pieces;
  float *dk_parts, *dv_parts; /* [pieces, T, G, E] where there are several */
  char *slots;
  size_t slot_bytes;
} panel_backward;

typedef struct {
  float *scores, *dscores;                    /* [rows of a tile][KEYS] */
  uint16_t *dscore_rows;                      /* dS [QUERIES][KEYS] */
  uint32_t *weight_pairs, *dscore_pairs;      /* P, dS: panels of keys, summed over queries */
  float *dk, *dv;                             /* [T / 32][width][32] of a segment, transposed */
  float *dq;                                  /* [T][width] */
  float *turned;                              /* [SQUARE][width] */
  uint16_t *q, *dout;                         /* [T][E], the head's rows side by side */
  uint16_t *q_columns, *dout_columns;         /* [T / QUERIES][width][QUERIES], transposed */
  float *log_sum_exp, *deltas;                /* [T] */
} head_state;

static size_t lay_out_slot(const panel_backward *p, char *slot, head_state *state) {
  ck_scratch next = {slot, 0};
  size_t rows = ck_bf16_tile_rows(), tokens = ck_round_up(p->T, QUERIES), E = p->E;
  state->scores = ck_take(&next, rows * KEYS * sizeof(float));
  state->dscores = ck_take(&next, rows * KEYS * sizeof(float));
  state->dscore_rows = ck_take(&next, QUERIES * KEYS * sizeof(uint16_t));
  state->weight_pairs = ck_take(&next, ck_pair_offset(0, PANELS) * sizeof(uint32_t));
  state->dscore_pairs = ck_take(&next, ck_pair_offset(0, PANELS) * sizeof(uint32_t));
  state->dk = ck_take(&next, tokens * p->width * sizeof(float));
  state->dv = ck_take(&next, tokens * p->width * sizeof(float));
  state->dq = ck_take(&next, tokens * p->width * sizeof(float));
  state->turned = ck_take(&next, SQUARE * p->width * sizeof(float));
  state->q = ck_take(&next, tokens * E * sizeof(uint16_t));
  state->dout = ck_take(&next, tokens * E * sizeof(uint16_t));
  state->q_columns = ck_take(&next, tokens * p->width * sizeof(uint16_t));
  state->dout_columns = ck_take(&next, tokens * p->width * sizeof(uint16_t));
  state->log_sum_exp = ck_take(&next, p->T * sizeof(float));
  state->deltas = ck_take(&next, p->T * sizeof(float));
  return next.used;
}

static size_t lay_out(panel_backward *p, size_t workers, char *scratch) {
  ck_scratch next = {scratch, 0};
  head_state unused;
  size_t S = p->segments.S, padded = ck_most_padded_tokens(p->T, S), word = sizeof(uint32_t);
  size_t E = p->E;
  p->group = p->H / p->G;
  p->width = 2 * ck_row_words(E);
  p->pieces = CK_MIN(ck_ceil_divide(ENOUGH_TASKS, CK_MAX(S * p->G, 1)),
                     ck_ceil_divide(p->T, CK_MAX(S, 1) * PIECE_TOKENS));
  p->segments.offsets = ck_take(&next, (S + 1) * sizeof(size_t));
  p->k_columns = ck_take(&next, padded * p->G * ck_column_words(E) * word);
  p->v_columns = ck_take(&next, padded * p->G * ck_column_words(E) * word);
  p->k_rows = ck_take(&next, padded * p->G * ck_row_words(E) * word);
  if (p->pieces > 1) {
    p->dk_parts = ck_take(&next, p->pieces * p->T * p->G * E * sizeof(float));
    p->dv_parts = ck_take(&next, p->pieces * p->T * p->G * E * sizeof(float));
  }
  p->slot_bytes = lay_out_slot(p, NULL, &unused);
  p->slots = ck_take(&next, workers * p->slot_bytes);
  return next.used;
}

/* ---- One block of queries and keys -----------------------------------------------------------*/

/* A query head of a segment, and where its panels are. */
typedef struct {
  size_t start, padded, head;
  size_t end; /* of the queries at hand: no key after it is needed */
  const uint32_t *k_columns, *k_rows, *v_columns;
} head_of_segment;

static ck_attention_query query_at(const ck_attention *shape, const head_state *state,
                                   const head_of_segment *h, size_t index, ck_range keys) {
  if (index >= h->end || index < keys.first) return (ck_attention_query){0};
  ck_range visible = ck_visible_keys(shape, index, keys);
  return (ck_attention_query){state->log_sum_exp[index], state->deltas[index], visible.first,
                              visible.first + visible.count};
}

/* Keys that any of the queries [first, first + rows) sees. */
static size_t keys_seen(size_t first, size_t rows, ck_range keys) {
  return CK_MIN(keys.count, first + rows - keys.first);
}

/* P and dS of a block. */
static void make_scores(const panel_backward *p, const head_of_segment *h, head_state *state,
                        ck_range queries, ck_range keys) {
  const ck_attention *shape = &p->gradient.shape;
  size_t E = p->E, step = ck_bf16_tile_rows();
  bool masked = shape->soft_cap != 0 || shape->window != 0;
  for (size_t i = 0; i < queries.count; i += step) {
    size_t first = queries.first + i, rows = CK_MIN(step, queries.count - i);
    size_t seen = keys_seen(first, rows, keys);
    rows = ck_bf16_padded_rows(rows);
    for (size_t key = 0; key < seen; key += CK_PANEL_COLUMNS) {
      size_t panel = (keys.first + key) * E / 2;
      ck_tile_product score = {state->q + first * E, E, h->k_columns + panel, E / 2};
      ck_tile_product dscore = {state->dout + first * E, E, h->v_columns + panel, E / 2};
      ck_bf16_tile(&score, 1, rows, state->scores + key, KEYS, false);
      ck_bf16_tile(&dscore, 1, rows, state->dscores + key, KEYS, false);
    }
    for (size_t r = 0; r < rows; r += 2) {
      size_t row = i + r;
      ck_query_pair pair = {
          .scores = state->scores + r * KEYS,
          .dscores = state->dscores + r * KEYS,
          .even = query_at(shape, state, h, first + r, keys),
          .odd = query_at(shape, state, h, first + r + 1, keys),
          .scale = shape->scale,
          .soft_cap = shape->soft_cap,
          .results = {state->weight_pairs + ck_pair_offset(row, 0),
                      state->dscore_pairs + ck_pair_offset(row, 0),
                      state->dscore_rows + row * KEYS, state->dscore_rows + (row + 1) * KEYS},
          .keys = ck_round_up(seen, CK_PANEL_COLUMNS)};
      if (masked) {
        ck_finish_masked_pair(&pair);
      } else {
        ck_kernels.finish_pair(&pair);
      }
    }
  }
}

/* dQ += dS K */
static void add_to_queries(const panel_backward *p, const head_of_segment *h, head_state *state,
                           ck_range queries, ck_range keys) {
  size_t step = ck_bf16_tile_rows();
  for (size_t e = 0; e < p->E; e += CK_PANEL_COLUMNS) {
    const uint32_t *panel =
        h->k_rows + e * h->padded / 2 + keys.first / 2 * CK_PANEL_COLUMNS;
    for (size_t r = 0; r < queries.count; r += step) {
      size_t first = queries.first + r, rows = CK_MIN(step, queries.count - r);
      ck_tile_product product = {state->dscore_rows + r * KEYS, KEYS, panel,
                                 (keys_seen(first, rows, keys) + 1) / 2};
      ck_bf16_tile(&product, 1, ck_bf16_padded_rows(rows), state->dq + first * p->width + e,
                   p->width, true);
    }
  }
}

/* sums[e][key] += columns[e][query] · P[query][key], or dS; queries before a key do not see it. */
static void add_to_keys(const panel_backward *p, const uint16_t *columns, const uint32_t *pairs,
                        ck_range queries, ck_range keys, float *sums) {
  size_t all = ck_round_up(ck_bf16_padded_rows(queries.count), 2), step = ck_bf16_tile_rows();
  for (size_t key = 0; key < keys.count; key += CK_PANEL_COLUMNS) {
    size_t first = keys.first + key;
    size_t unseen = first > queries.first ? first - queries.first : 0;
    if (unseen >= all) break;
    const uint32_t *panel = pairs + ck_pair_offset(unseen, key / CK_PANEL_COLUMNS);
    for (size_t e = 0; e < p->E; e += step) {
      const uint16_t *left = columns + queries.first * p->width + e * QUERIES + unseen;
      ck_tile_product product = {left, QUERIES, panel, (all - unseen) / 2};
      ck_bf16_tile(&product, 1, ck_bf16_padded_rows(CK_MIN(step, p->E - e)),
                   sums + first * p->width + e * CK_PANEL_COLUMNS, CK_PANEL_COLUMNS, true);
    }
  }
}

/* ---- One task --------------------------------------------------------------------------------*/

static head_of_segment find_head(const panel_backward *p, size_t s, size_t head) {
  const ck_padded_segments *kv = &p->segments;
  size_t start = (size_t)kv->starts[s], g = head / p->group;
  return (head_of_segment){.start = start,
                           .padded = kv->offsets[s + 1] - kv->offsets[s],
                           .head = head,
                           .k_columns = p->k_columns + ck_token_columns(kv, s, g),
                           .k_rows = p->k_rows + ck_token_rows(kv, s, g),
                           .v_columns = p->v_columns + ck_token_columns(kv, s, g)};
}

/* Puts what is needed of some queries of a head side by side: far apart, the rows of a tile would
 * share few places in the cache. */
static void gather_queries(const panel_backward *p, const head_of_segment *h, ck_range queries,
                           head_state *state) {
  size_t E = p->E, stride = p->H * E;
  for (size_t t = queries.first; t < queries.first + queries.count; t++) {
    size_t row = (h->start + t) * p->H + h->head, at = row * E;
    state->log_sum_exp[t] = p->gradient.log_sum_exp[row];
    state->deltas[t] = ck_bf16_dot(p->gradient.dout + at, p->gradient.out + at, E);
    memcpy(state->q + t * E, p->gradient.q + at, E * sizeof *state->q);
    memcpy(state->dout + t * E, p->gradient.dout + at, E * sizeof *state->dout);
  }
  for (size_t done = 0; done < queries.count; done += QUERIES) {
    size_t t = queries.first + done, rows = CK_MIN(QUERIES, queries.count - done);
    size_t at = (h->start + t) * stride + h->head * E;
    ck_bf16_transpose(p->gradient.q + at, stride, rows, E, state->q_columns + t * p->width,
                      QUERIES);
    ck_bf16_transpose(p->gradient.dout + at, stride, rows, E, state->dout_columns + t * p->width,
                      QUERIES);
  }
}

/* dQ of some queries of one head; their parts of dK and dV are added to those of other heads. */
static void backward_of_head(const panel_backward *p, head_of_segment h, ck_range queries,
                             head_state *state) {
  size_t E = p->E;
  h.end = queries.first + queries.count;
  gather_queries(p, &h, queries, state);
  memset(state->dq + queries.first * p->width, 0, queries.count * p->width * sizeof *state->dq);
  for (size_t key = 0; key < h.end; key += KEYS) {
    for (size_t first = CK_MAX(key, queries.first); first < h.end; first += QUERIES) {
      ck_range block = {first, CK_MIN(QUERIES, h.end - first)};
      ck_range keys = {key, keys_seen(first, block.count, (ck_range){key, KEYS})};
      /* Neither these queries nor any after them see so far back. */
      if (ck_first_key(&p->gradient.shape, first, 0) >= key + KEYS) break;
      make_scores(p, &h, state, block, keys);
      add_to_queries(p, &h, state, block, keys);
      add_to_keys(p, state->dout_columns, state->weight_pairs, block, keys, state->dv);
      add_to_keys(p, state->q_columns, state->dscore_pairs, block, keys, state->dk);
    }
  }
  for (size_t t = queries.first; t < h.end; t++) {
    size_t at = (h.start + t) * p->H + h.head;
    ck_bf16_narrow(state->dq + t * p->width, p->gradient.dq + at * E, E);
  }
}

/* Queries, of `length`, that have `share` of all pairs of query and key: up to the window's width
 * each query sees one key more than the one before, from then on all see as many. */
static double queries_with(double share, double length, double window) {
  if (window == 0 || window >= length) return length * sqrt(share);
  double growing = window * window / 2, wanted = share * (growing + (length - window) * window);
  return wanted <= growing ? sqrt(2 * wanted) : window + (wanted - growing) / window;
}

/* Piece `index` of the queries of a segment: the first i pieces have i / pieces of all pairs. */
static size_t piece_end(const panel_backward *p, size_t length, size_t index) {
  if (index == p->pieces) return length;
  double share = (double)index / (double)p->pieces;
  double queries = queries_with(share, (double)length, (double)p->gradient.shape.window);
  return (size_t)queries / QUERIES * QUERIES;
}

/* The sums of the keys before `end`, and zeros for the others. */
static void store_keys(const panel_backward *p, size_t start, size_t length, size_t end, size_t g,
                       const float *sums, float *turned, float *parts, uint16_t *out) {
  for (size_t first = 0; first < length; first += SQUARE) {
    const float *block = sums + first / CK_PANEL_COLUMNS * CK_PANEL_COLUMNS * p->width +
                         first % CK_PANEL_COLUMNS;
    for (size_t e = 0; first < end && e < p->width; e += SQUARE) {
      ck_transpose_floats(block + e * CK_PANEL_COLUMNS, CK_PANEL_COLUMNS, turned + e, p->width);
    }
    for (size_t t = first; t < CK_MIN(first + SQUARE, length); t++) {
      size_t at = ((start + t) * p->G + g) * p->E;
      const float *row = turned + (t - first) * p->width;
      if (p->pieces == 1) {
        ck_bf16_narrow(row, out + at, p->E);
      } else if (t < end) {
        memcpy(parts + at, row, p->E * sizeof *parts);
      } else {
        memset(parts + at, 0, p->E * sizeof *parts);
      }
    }
  }
}

static void backward_task(void *context, size_t task, size_t worker) {
  const panel_backward *p = context;
  size_t piece = task % p->pieces, g = task / p->pieces % p->G, s = task / p->pieces / p->G;
  size_t start = (size_t)p->segments.starts[s];
  size_t length = ck_segment_length(&p->segments, s);
  size_t first = piece_end(p, length, piece), end = piece_end(p, length, piece + 1);
  head_state state;
  lay_out_slot(p, p->slots + worker * p->slot_bytes, &state);
  size_t seen = ck_round_up(end, CK_PANEL_COLUMNS);
  memset(state.dk, 0, seen * p->width * sizeof *state.dk);
  memset(state.dv, 0, seen * p->width * sizeof *state.dv);
  for (size_t head = g * p->group; head < (g + 1) * p->group; head++) {
    backward_of_head(p, find_head(p, s, head), (ck_range){first, end - first}, &state);
  }
  size_t part = piece * p->T * p->G * p->E;
  store_keys(p, start, length, end, g, state.dk, state.turned, p->dk_parts + part, p->gradient.dk);
  store_keys(p, start, length, end, g, state.dv, state.turned, p->dv_parts + part, p->gradient.dv);
}

/* ---- All tasks -------------------------------------------------------------------------------*/

CK_KERNEL(void, add_parts,
          (const float *restrict parts, size_t stride, size_t pieces, uint16_t *restrict out,
           size_t count),
          (parts, stride, pieces, out, count)) {
  for (size_t i = 0; i < count; i++) {
    float sum = parts[i];
    for (size_t piece = 1; piece < pieces; piece++) sum += parts[piece * stride + i];
    out[i] = ck_bfloat16_from_float(sum);
  }
}

static void sum_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const panel_backward *p = context;
  size_t all = p->T * p->G * p->E;
  ck_range r = ck_piece(all, CK_TASK_ELEMENTS, task);
  add_parts(p->dk_parts + r.first, all, p->pieces, p->gradient.dk + r.first, r.count);
  add_parts(p->dv_parts + r.first, all, p->pieces, p->gradient.dv + r.first, r.count);
}

static panel_backward begin(const ck_attention *shape) {
  return (panel_backward){.gradient = {.shape = *shape},
                          .T = shape->T,
                          .H = shape->H,
                          .G = shape->G,
                          .E = shape->E,
                          .segments = ck_segments_of(shape)};
}

size_t ck_bf16_attention_backward_scratch(const ck_attention *shape, size_t workers) {
  if (!ck_kernels.pairs) return ck_widened_attention_backward_scratch(shape, workers);
  panel_backward p = begin(shape);
  return lay_out(&p, workers, NULL);
}

void ck_bf16_attention_backward(const ck_bf16_attention_gradient *gradient, void *scratch,
                                size_t workers) {
  if (!ck_kernels.pairs) {
    ck_widened_attention_backward(gradient, scratch, workers);
    return;
  }
  panel_backward p = begin(&gradient->shape);
  p.gradient = *gradient;
  lay_out(&p, workers, scratch);
  ck_find_offsets(&p.segments);
  ck_pack_token_columns(&p.segments, gradient->k, p.k_columns);
  ck_pack_token_columns(&p.segments, gradient->v, p.v_columns);
  ck_pack_token_rows(&p.segments, gradient->k, p.k_rows);
  ck_parallel_for(p.segments.S * p.G * p.pieces, workers, backward_task, &p);
  if (p.pieces > 1) {
    ck_parallel_for(ck_ceil_divide(p.T * p.G * p.E, CK_TASK_ELEMENTS), CK_ANY_WORKERS, sum_task,
                    &p);
  }
}
