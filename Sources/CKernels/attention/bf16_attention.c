#include "attention/attention_panels.h"
#include "attention/attention_rows.h"
#include "attention/widened_attention.h"

#include <math.h>

/* Attention of 8 queries at a time, 32 with AMX: their scores with some hundred keys stay in the
 * nearest caches from the first product to the second (Dao et al. 2022, arXiv:2205.14135). */

enum { KEYS = 512, BLOCK_TOKENS = 32 };

typedef struct {
  ck_bf16_attention_pass pass;
  size_t H, G, E;              /* of pass.shape */
  size_t group;                /* query heads of a key/value head */
  ck_padded_segments segments; /* of keys and values */
  uint32_t *k, *v;             /* panels: tokens as columns, tokens as rows */
  size_t *first_block;         /* [S + 1]: blocks of query tokens before each segment */
  char *slots;
  size_t slot_bytes;
} panel_work;

/* What a worker holds for the `rows` queries of one head that it handles together. */
typedef struct {
  uint16_t *queries; /* [rows][E] side by side: far apart they share few places in the cache */
  float *scores;     /* [rows][KEYS] */
  uint16_t *weights; /* [rows][KEYS] */
  float *sums;       /* [rows][E, padded]: weighted values so far */
  float maximum[CK_MOST_ROWS], total[CK_MOST_ROWS];
} rows_state;

static size_t lay_out_slot(const panel_work *p, char *slot, rows_state *state) {
  ck_scratch next = {slot, 0};
  size_t rows = ck_bf16_tile_rows();
  state->queries = ck_take(&next, rows * p->E * sizeof(uint16_t));
  state->scores = ck_take(&next, rows * KEYS * sizeof(float));
  state->weights = ck_take(&next, rows * KEYS * sizeof(uint16_t));
  state->sums = ck_take(&next, rows * 2 * ck_row_words(p->E) * sizeof(float));
  return next.used;
}

static size_t lay_out(panel_work *p, size_t workers, char *scratch) {
  ck_scratch next = {scratch, 0};
  rows_state unused;
  size_t S = p->segments.S, padded = ck_most_padded_tokens(p->segments.T, S);
  p->group = p->H / p->G;
  p->segments.offsets = ck_take(&next, (S + 1) * sizeof(size_t));
  p->first_block = ck_take(&next, (S + 1) * sizeof(size_t));
  p->k = ck_take(&next, padded * p->G * ck_column_words(p->E) * sizeof(uint32_t));
  p->v = ck_take(&next, padded * p->G * ck_row_words(p->E) * sizeof(uint32_t));
  p->slot_bytes = lay_out_slot(p, NULL, &unused);
  p->slots = ck_take(&next, workers * p->slot_bytes);
  return next.used;
}

/* ---- Rows ------------------------------------------------------------------------------------*/

CK_KERNEL(void, finish_row,
          (const float *restrict sums, float factor, uint16_t *restrict out, size_t count),
          (sums, factor, out, count)) {
  for (size_t i = 0; i < count; i++) out[i] = ck_bfloat16_from_float(sums[i] * factor);
}

/* As in attention.c, in units of `scale` · score. */
static void weigh_row(rows_state *state, size_t row, float scale, size_t width, ck_range visible,
                      size_t keys, bool first) {
  float *scores = state->scores + row * KEYS;
  uint16_t *weights = state->weights + row * KEYS;
  size_t end = visible.first + visible.count;
  memset(weights, 0, visible.first * sizeof *weights);
  memset(weights + end, 0, (ck_round_up(keys, 2) - end) * sizeof *weights);
  if (first) {
    state->total[row] = 0;
    state->maximum[row] = -INFINITY;
  }
  if (visible.count == 0) return;
  scores += visible.first;
  float maximum = ck_row_maximum(scores, visible.count);
  if (state->maximum[row] > -INFINITY) {
    maximum = CK_MAX(maximum, state->maximum[row]);
    float shrink = expf((state->maximum[row] - maximum) * scale);
    float *sums = state->sums + row * width;
    if (shrink != 1) ck_scale_row(sums, shrink, sums, width);
    state->total[row] *= shrink;
  }
  state->maximum[row] = maximum;
  state->total[row] +=
      ck_kernels.attention_weights(scores, scale, maximum, weights + visible.first, visible.count);
}

/* Queries `tokens` (a tile's at most, counted from their segment's start) of head `h`. */
static void attend_rows(const panel_work *p, size_t segment, size_t h, ck_range tokens,
                        rows_state *state) {
  const ck_attention *shape = &p->pass.shape;
  size_t E = p->E, stride = p->H * E, width = 2 * ck_row_words(E), g = h / p->group;
  size_t start = (size_t)p->segments.starts[segment];
  size_t end = tokens.first + tokens.count; /* keys that the last query sees */
  size_t first_key = ck_first_key(shape, tokens.first, 0) / CK_PANEL_COLUMNS * CK_PANEL_COLUMNS;
  size_t rows = ck_bf16_padded_rows(tokens.count);
  size_t padded = p->segments.offsets[segment + 1] - p->segments.offsets[segment];
  const uint32_t *k = p->k + ck_token_columns(&p->segments, segment, g);
  const uint32_t *v = p->v + ck_token_rows(&p->segments, segment, g);
  size_t first_query = ((start + tokens.first) * p->H + h) * E;
  float cap = shape->soft_cap, scale = cap != 0 ? 1 : shape->scale; /* capped ones are scaled */
  for (size_t r = 0; r < tokens.count; r++) {
    memcpy(state->queries + r * E, p->pass.q + first_query + r * stride, E * sizeof *p->pass.q);
  }
  for (size_t first = first_key; first < end; first += KEYS) {
    ck_range keys = {first, CK_MIN(KEYS, end - first)};
    for (size_t key = 0; key < keys.count; key += CK_PANEL_COLUMNS) {
      ck_tile_product product = {state->queries, E, k + (first + key) * E / 2, E / 2};
      ck_bf16_tile(&product, 1, rows, state->scores + key, KEYS, false);
    }
    for (size_t r = 0; r < tokens.count; r++) {
      ck_range visible = ck_visible_keys(shape, tokens.first + r, keys);
      if (cap != 0) {
        ck_cap_row(state->scores + r * KEYS + visible.first, shape->scale, cap, visible.count);
      }
      weigh_row(state, r, scale, width, visible, keys.count, first == first_key);
    }
    for (size_t e = 0; e < E; e += CK_PANEL_COLUMNS) {
      const uint32_t *panel = v + e * padded / 2 + first / 2 * CK_PANEL_COLUMNS;
      ck_tile_product product = {state->weights, KEYS, panel, (keys.count + 1) / 2};
      ck_bf16_tile(&product, 1, rows, state->sums + e, width, first > first_key);
    }
  }
  for (size_t r = 0; r < tokens.count; r++) {
    finish_row(state->sums + r * width, 1 / state->total[r],
               p->pass.out + first_query + r * stride, E);
    p->pass.log_sum_exp[(start + tokens.first + r) * p->H + h] =
        state->maximum[r] * scale + logf(state->total[r]);
  }
}

/* ---- Blocks ----------------------------------------------------------------------------------*/

static size_t segment_of_block(const panel_work *p, size_t index) {
  size_t s = 0;
  while (p->first_block[s + 1] <= index) s++;
  return s;
}

/* Later blocks see more keys; the longest tasks go first so that the last ones are short. */
static void forward_task(void *context, size_t task, size_t worker) {
  const panel_work *p = context;
  size_t blocks = p->first_block[p->segments.S], index = blocks - 1 - task / p->G;
  size_t g = task % p->G, s = segment_of_block(p, index);
  rows_state state;
  lay_out_slot(p, p->slots + worker * p->slot_bytes, &state);
  ck_range block =
      ck_piece(ck_segment_length(&p->segments, s), BLOCK_TOKENS, index - p->first_block[s]);
  size_t rows = ck_bf16_tile_rows();
  for (size_t h = g * p->group; h < (g + 1) * p->group; h++) {
    for (size_t t = 0; t < block.count; t += rows) {
      attend_rows(p, s, h, (ck_range){block.first + t, CK_MIN(rows, block.count - t)}, &state);
    }
  }
}

static panel_work begin(const ck_attention *shape) {
  return (panel_work){.pass = {.shape = *shape},
                      .H = shape->H,
                      .G = shape->G,
                      .E = shape->E,
                      .segments = ck_segments_of(shape)};
}

size_t ck_bf16_attention_forward_scratch(const ck_attention *shape, size_t workers) {
  if (!ck_kernels.pairs) return ck_widened_attention_forward_scratch(shape, workers);
  panel_work p = begin(shape);
  return lay_out(&p, workers, NULL);
}

void ck_bf16_attention_forward(const ck_bf16_attention_pass *pass, void *scratch, size_t workers) {
  if (!ck_kernels.pairs) {
    ck_widened_attention_forward(pass, scratch, workers);
    return;
  }
  panel_work p = begin(&pass->shape);
  p.pass = *pass;
  lay_out(&p, workers, scratch);
  ck_find_offsets(&p.segments);
  ck_pack_token_columns(&p.segments, pass->k, p.k);
  ck_pack_token_rows(&p.segments, pass->v, p.v);
  p.first_block[0] = 0;
  for (size_t s = 0; s < p.segments.S; s++) {
    p.first_block[s + 1] =
        p.first_block[s] + ck_ceil_divide(ck_segment_length(&p.segments, s), BLOCK_TOKENS);
  }
  ck_parallel_for(p.first_block[p.segments.S] * p.G, workers, forward_task, &p);
}
