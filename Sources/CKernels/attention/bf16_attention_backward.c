#include "attention/attention_families.h"
#include "attention/attention_panels.h"
#include "attention/attention_weights.h"
#include "attention/widened_attention.h"

/* The gradients of attention in bfloat16 (see attention_backward.c for the formulas), 64 queries
 * against 128 keys at a time. What no query sees, above the diagonal, is left out tile by tile.
 *
 * dV and dK are summed transposed, dVᵀ += dOᵀ P: P and dS then are right operands just as they are
 * made, two queries side by side in a word.
 *
 * A task owns one key/value head of one family and the query heads that read it. The sums of a
 * prefix's keys stay until all branches have added theirs, one after the other. Where there are few
 * tasks, the queries are cut into pieces with equally many pairs of query and key; each leaves its
 * part of dK and dV in scratch, and the parts are added in order. */

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
  size_t families, *first_segment;          /* [families + 1] */
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
  float *dk, *dv;                             /* [T / 32][width][32] of keys, transposed */
  float *dq;                                  /* [T][width] */
  float *turned;                              /* [SQUARE][width] */
  uint16_t *q, *dout;                         /* [T][E], the head's rows side by side */
  uint16_t *q_columns, *dout_columns;         /* [T / QUERIES][width][QUERIES], transposed */
  float *log_sum_exp, *deltas;                /* [T] */
} head_state;

static size_t lay_out_slot(const panel_backward *p, char *slot, head_state *state) {
  ck_scratch next = {slot, 0};
  size_t rows = ck_bf16_tile_rows(), tokens = ck_round_up(p->T, QUERIES), E = p->E;
  /* Those of a prefix and of a branch lie side by side, each in whole panels. */
  size_t keys = tokens + (p->families < p->segments.S ? CK_PANEL_COLUMNS : 0);
  state->scores = ck_take(&next, rows * KEYS * sizeof(float));
  state->dscores = ck_take(&next, rows * KEYS * sizeof(float));
  state->dscore_rows = ck_take(&next, QUERIES * KEYS * sizeof(uint16_t));
  state->weight_pairs = ck_take(&next, ck_pair_offset(0, PANELS) * sizeof(uint32_t));
  state->dscore_pairs = ck_take(&next, ck_pair_offset(0, PANELS) * sizeof(uint32_t));
  state->dk = ck_take(&next, keys * p->width * sizeof(float));
  state->dv = ck_take(&next, keys * p->width * sizeof(float));
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
  p->families = ck_family_count(&p->gradient.shape);
  p->pieces = CK_MIN(ck_ceil_divide(ENOUGH_TASKS, CK_MAX(p->families * p->G, 1)),
                     ck_ceil_divide(p->T, CK_MAX(p->families, 1) * PIECE_TOKENS));
  p->segments.offsets = ck_take(&next, (S + 1) * sizeof(size_t));
  p->first_segment = ck_take(&next, (p->families + 1) * sizeof *p->first_segment);
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

/* The keys of a segment for one head, and where their panels and the sums of their gradients are. */
typedef struct {
  size_t padded;
  size_t ahead; /* positions that the queries at hand, counted in their segment, are further on */
  size_t end;   /* no key after it is needed */
  const uint32_t *k_columns, *k_rows, *v_columns;
  float *dk, *dv;
} head_keys;

/* `end`: of the queries at hand; the rest of a tile is none. */
static ck_attention_query query_at(const ck_attention *shape, const head_state *state,
                                   const head_keys *h, size_t index, size_t end, ck_range keys) {
  if (index >= end || index + h->ahead < keys.first) return (ck_attention_query){0};
  ck_range visible = ck_visible_keys(shape, index + h->ahead, keys);
  return (ck_attention_query){state->log_sum_exp[index], state->deltas[index], visible.first,
                              visible.first + visible.count};
}

/* Keys that any of the queries [first, first + rows) sees. */
static size_t keys_seen(const head_keys *h, size_t first, size_t rows, ck_range keys) {
  return CK_MIN(keys.count, first + h->ahead + rows - keys.first);
}

/* P and dS of a block. */
static void make_scores(const panel_backward *p, const head_keys *h, head_state *state,
                        ck_range queries, ck_range keys) {
  const ck_attention *shape = &p->gradient.shape;
  size_t E = p->E, step = ck_bf16_tile_rows(), end = queries.first + queries.count;
  bool masked = shape->soft_cap != 0 || shape->window != 0;
  for (size_t i = 0; i < queries.count; i += step) {
    size_t first = queries.first + i, rows = CK_MIN(step, queries.count - i);
    size_t seen = keys_seen(h, first, rows, keys);
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
          .even = query_at(shape, state, h, first + r, end, keys),
          .odd = query_at(shape, state, h, first + r + 1, end, keys),
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
static void add_to_queries(const panel_backward *p, const head_keys *h, head_state *state,
                           ck_range queries, ck_range keys) {
  size_t step = ck_bf16_tile_rows();
  for (size_t e = 0; e < p->E; e += CK_PANEL_COLUMNS) {
    const uint32_t *panel =
        h->k_rows + e * h->padded / 2 + keys.first / 2 * CK_PANEL_COLUMNS;
    for (size_t r = 0; r < queries.count; r += step) {
      size_t first = queries.first + r, rows = CK_MIN(step, queries.count - r);
      ck_tile_product product = {state->dscore_rows + r * KEYS, KEYS, panel,
                                 (keys_seen(h, first, rows, keys) + 1) / 2};
      ck_bf16_tile(&product, 1, ck_bf16_padded_rows(rows), state->dq + first * p->width + e,
                   p->width, true);
    }
  }
}

/* sums[e][key] += columns[e][query] · P[query][key], or dS; queries before a key do not see it. */
static void add_to_keys(const panel_backward *p, const head_keys *h, const uint16_t *columns,
                        const uint32_t *pairs, ck_range queries, ck_range keys, float *sums) {
  size_t all = ck_round_up(ck_bf16_padded_rows(queries.count), 2), step = ck_bf16_tile_rows();
  for (size_t key = 0; key < keys.count; key += CK_PANEL_COLUMNS) {
    size_t first = keys.first + key, position = queries.first + h->ahead;
    size_t unseen = first > position ? first - position : 0;
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

/* ---- One segment -----------------------------------------------------------------------------*/

/* A task's share of one segment. */
typedef struct {
  size_t s, g, start;
  ck_range queries; /* counted in the segment */
  head_keys own, prefix;
} segment_share;

/* The keys of segment `s` before `end`; their sums begin `column` columns into the task's. */
static head_keys find_keys(const panel_backward *p, size_t s, size_t g, size_t ahead, size_t end,
                           size_t column, const head_state *state) {
  const ck_padded_segments *kv = &p->segments;
  return (head_keys){.padded = kv->offsets[s + 1] - kv->offsets[s],
                     .ahead = ahead,
                     .end = end,
                     .k_columns = p->k_columns + ck_token_columns(kv, s, g),
                     .k_rows = p->k_rows + ck_token_rows(kv, s, g),
                     .v_columns = p->v_columns + ck_token_columns(kv, s, g),
                     .dk = state->dk + column * p->width,
                     .dv = state->dv + column * p->width};
}

static segment_share find_share(const panel_backward *p, size_t s, size_t g, ck_range queries,
                                const head_state *state) {
  ck_sequence sequence = ck_sequence_of(&p->gradient.shape, s);
  segment_share share = {.s = s, .g = g, .start = sequence.start, .queries = queries};
  size_t column = ck_round_up(sequence.prefix, CK_PANEL_COLUMNS);
  share.own = find_keys(p, s, g, 0, queries.first + queries.count, column, state);
  if (sequence.prefix > 0) {
    share.prefix = find_keys(p, (size_t)p->gradient.shape.prefixes[s], g, sequence.prefix,
                             sequence.prefix, 0, state);
  }
  return share;
}

/* Puts what is needed of some queries of a head side by side: far apart, the rows of a tile would
 * share few places in the cache. */
static void gather_queries(const panel_backward *p, size_t start, size_t head, ck_range queries,
                           head_state *state) {
  size_t E = p->E, stride = p->H * E;
  for (size_t t = queries.first; t < queries.first + queries.count; t++) {
    size_t row = (start + t) * p->H + head, at = row * E;
    state->log_sum_exp[t] = p->gradient.log_sum_exp[row];
    state->deltas[t] = ck_bf16_dot(p->gradient.dout + at, p->gradient.out + at, E);
    memcpy(state->q + t * E, p->gradient.q + at, E * sizeof *state->q);
    memcpy(state->dout + t * E, p->gradient.dout + at, E * sizeof *state->dout);
  }
  for (size_t done = 0; done < queries.count; done += QUERIES) {
    size_t t = queries.first + done, rows = CK_MIN(QUERIES, queries.count - done);
    size_t at = (start + t) * stride + head * E;
    ck_bf16_transpose(p->gradient.q + at, stride, rows, E, state->q_columns + t * p->width,
                      QUERIES);
    ck_bf16_transpose(p->gradient.dout + at, stride, rows, E, state->dout_columns + t * p->width,
                      QUERIES);
  }
}

/* What the queries at hand and some keys give to each other. */
static void meet_keys(const panel_backward *p, const head_keys *h, ck_range queries,
                      head_state *state) {
  size_t end = queries.first + queries.count;
  for (size_t key = 0; key < h->end; key += KEYS) {
    size_t first = CK_MAX(key, queries.first + h->ahead) - h->ahead;
    for (; first < end; first += QUERIES) {
      ck_range block = {first, CK_MIN(QUERIES, end - first)};
      ck_range keys = {key, CK_MIN(KEYS, h->end - key)};
      keys.count = keys_seen(h, first, block.count, keys);
      /* Neither these queries nor any after them see so far back. */
      if (ck_first_key(&p->gradient.shape, first + h->ahead, 0) >= key + KEYS) break;
      make_scores(p, h, state, block, keys);
      add_to_queries(p, h, state, block, keys);
      add_to_keys(p, h, state->dout_columns, state->weight_pairs, block, keys, h->dv);
      add_to_keys(p, h, state->q_columns, state->dscore_pairs, block, keys, h->dk);
    }
  }
}

/* dQ of some queries of one head; their parts of dK and dV are added to those of other heads. */
static void backward_of_head(const panel_backward *p, const segment_share *share, size_t head,
                             head_state *state) {
  ck_range queries = share->queries;
  gather_queries(p, share->start, head, queries, state);
  memset(state->dq + queries.first * p->width, 0, queries.count * p->width * sizeof *state->dq);
  meet_keys(p, &share->prefix, queries, state);
  meet_keys(p, &share->own, queries, state);
  for (size_t t = queries.first; t < queries.first + queries.count; t++) {
    size_t at = (share->start + t) * p->H + head;
    ck_bf16_narrow(state->dq + t * p->width, p->gradient.dq + at * p->E, p->E);
  }
}

/* ---- Tasks -----------------------------------------------------------------------------------*/

/* The sums of a segment's keys before `end`, and zeros for the others. */
static void store_sums(const panel_backward *p, const segment_share *share, size_t end,
                       const float *sums, float *turned, float *parts, uint16_t *out) {
  size_t length = ck_segment_length(&p->segments, share->s);
  for (size_t first = 0; first < length; first += SQUARE) {
    const float *block = sums + first / CK_PANEL_COLUMNS * CK_PANEL_COLUMNS * p->width +
                         first % CK_PANEL_COLUMNS;
    for (size_t e = 0; first < end && e < p->width; e += SQUARE) {
      ck_transpose_floats(block + e * CK_PANEL_COLUMNS, CK_PANEL_COLUMNS, turned + e, p->width);
    }
    for (size_t t = first; t < CK_MIN(first + SQUARE, length); t++) {
      size_t at = ((share->start + t) * p->G + share->g) * p->E;
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

static void clear_sums(const panel_backward *p, const segment_share *share, size_t end) {
  size_t count = ck_round_up(end, CK_PANEL_COLUMNS) * p->width;
  memset(share->own.dk, 0, count * sizeof *share->own.dk);
  memset(share->own.dv, 0, count * sizeof *share->own.dv);
}

static void store_keys(const panel_backward *p, const segment_share *share, size_t end,
                       size_t piece, head_state *state) {
  size_t part = piece * p->T * p->G * p->E;
  store_sums(p, share, end, share->own.dk, state->turned, p->dk_parts + part, p->gradient.dk);
  store_sums(p, share, end, share->own.dv, state->turned, p->dv_parts + part, p->gradient.dv);
}

static void backward_of_segment(const panel_backward *p, const segment_share *share,
                                head_state *state) {
  for (size_t i = 0; i < p->group; i++) {
    backward_of_head(p, share, share->g * p->group + i, state);
  }
}

static void backward_task(void *context, size_t task, size_t worker) {
  const panel_backward *p = context;
  const ck_attention *shape = &p->gradient.shape;
  size_t piece = task % p->pieces, g = task / p->pieces % p->G, family = task / p->pieces / p->G;
  size_t root = p->first_segment[family], last = p->first_segment[family + 1];
  ck_range queries =
      ck_family_piece(shape, (ck_range){root, last - root}, p->pieces, piece, QUERIES);
  head_state state;
  lay_out_slot(p, p->slots + worker * p->slot_bytes, &state);
  segment_share prefix = find_share(p, root, g, ck_part_in(shape, root, queries), &state);
  /* Branches see all of it. */
  size_t end = (size_t)p->segments.starts[root] + ck_segment_length(&p->segments, root);
  size_t seen = CK_MIN(queries.first + queries.count, end) - prefix.start;
  clear_sums(p, &prefix, seen);
  backward_of_segment(p, &prefix, &state);
  for (size_t s = root + 1; s < last; s++) {
    segment_share branch = find_share(p, s, g, ck_part_in(shape, s, queries), &state);
    clear_sums(p, &branch, branch.own.end);
    backward_of_segment(p, &branch, &state);
    store_keys(p, &branch, branch.own.end, piece, &state);
  }
  store_keys(p, &prefix, seen, piece, &state);
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
  ck_find_families(&gradient->shape, p.first_segment);
  ck_find_offsets(&p.segments);
  ck_pack_token_columns(&p.segments, gradient->k, p.k_columns);
  ck_pack_token_columns(&p.segments, gradient->v, p.v_columns);
  ck_pack_token_rows(&p.segments, gradient->k, p.k_rows);
  ck_parallel_for(p.families * p.G * p.pieces, workers, backward_task, &p);
  if (p.pieces > 1) {
    ck_parallel_for(ck_ceil_divide(p.T * p.G * p.E, CK_TASK_ELEMENTS), CK_ANY_WORKERS, sum_task,
                    &p);
  }
}
