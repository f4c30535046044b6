/* What forward and backward of attention in bfloat16 share: keys and values as panels. */
#pragma once

#include "products/bf16.h"
#include "machine/scratch.h"

/* Every segment is padded to whole panels of tokens. */
typedef struct {
  const int32_t *starts; /* [S + 1] */
  size_t T, S, heads, E;
  size_t *offsets; /* [S + 1]: padded tokens before each segment */
} ck_padded_segments;

/* The segments of an attention's keys; offsets are not found yet. */
static inline ck_padded_segments ck_segments_of(const ck_attention *shape) {
  return (ck_padded_segments){
      .starts = shape->starts, .T = shape->T, .S = shape->S, .heads = shape->G, .E = shape->E};
}

static inline size_t ck_segment_length(const ck_padded_segments *p, size_t s) {
  return (size_t)(p->starts[s + 1] - p->starts[s]);
}

/* The most padded tokens that S segments of T tokens can have. */
static inline size_t ck_most_padded_tokens(size_t T, size_t S) {
  return ck_round_up(T, CK_PANEL_COLUMNS) + S * CK_PANEL_COLUMNS;
}

/* Words of the panels of one padded token and head: tokens as columns, or as what is summed over. */
static inline size_t ck_column_words(size_t E) { return ck_panel_pairs(E); }
static inline size_t ck_row_words(size_t E) { return ck_round_up(E, CK_PANEL_COLUMNS) / 2; }

void ck_find_offsets(ck_padded_segments *p);

/* x[T, heads · E] with the tokens as columns: the panel of tokens 32 i ... of a segment and head
 * begins at ck_token_columns(...) + i · E / 2 · 32. */
void ck_pack_token_columns(const ck_padded_segments *p, const uint16_t *x, uint32_t *panels);

static inline size_t ck_token_columns(const ck_padded_segments *p, size_t segment, size_t head) {
  size_t padded = p->offsets[segment + 1] - p->offsets[segment];
  return (p->offsets[segment] * p->heads + head * padded) * ck_column_words(p->E);
}

/* x[T, heads · E] with the tokens as rows: the panel of elements 32 i ... of a segment and head
 * begins at ck_token_rows(...) + i · padded / 2 · 32. */
void ck_pack_token_rows(const ck_padded_segments *p, const uint16_t *x, uint32_t *panels);

static inline size_t ck_token_rows(const ck_padded_segments *p, size_t segment, size_t head) {
  size_t padded = p->offsets[segment + 1] - p->offsets[segment];
  return (p->offsets[segment] * p->heads + head * padded) * ck_row_words(p->E);
}
