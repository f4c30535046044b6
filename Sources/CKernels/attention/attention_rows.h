/* What the attentions share: sizes of blocks, single rows of scores, and what a query sees. */
#pragma once

#include "machine/scratch.h"

/* Query heads of a group share keys and values, so forward tasks take the same tokens of all heads
 * of a group at once: about this many rows for each product with a block of keys. */
enum { CK_ATTENTION_ROWS = 192, CK_ATTENTION_LEAST_TOKENS = 16, CK_ATTENTION_MOST_TOKENS = 128 };

/* Scores of a block of rows with this many keys stay in the second-level cache. */
enum { CK_ATTENTION_KEYS = 512 };

/* exp(x[i] - maximum) in place; returns the sum. */
float ck_attention_exponentials(float *x, float maximum, size_t count);

/* out = factor · x; the two may be the same. */
void ck_scale_row(const float *x, float factor, float *out, size_t count);

/* x = cap · tanh(scale · x / cap) */
void ck_cap_row(float *x, float scale, float cap, size_t count);

/* The first key that query (or key) `index` sees of those from `start` on. */
static inline size_t ck_first_key(const ck_attention *a, size_t index, size_t start) {
  size_t before = a->window == 0 ? 0 : index < a->window ? 0 : index - a->window + 1;
  return CK_MAX(before, start);
}

/* The tokens that a segment goes on from and its own. Positions count in both together. */
typedef struct {
  size_t start, length;        /* of the segment in the flat batch */
  size_t prefix_start, prefix; /* where its prefix begins, and its tokens; 0 without one */
} ck_sequence;

static inline ck_sequence ck_sequence_of(const ck_attention *a, size_t s) {
  ck_sequence q = {(size_t)a->starts[s], (size_t)(a->starts[s + 1] - a->starts[s]), 0, 0};
  if (a->prefixes && a->prefixes[s] >= 0) {
    const int32_t *prefix = a->starts + a->prefixes[s];
    q.prefix_start = (size_t)prefix[0];
    q.prefix = (size_t)(prefix[1] - prefix[0]);
  }
  return q;
}

/* The keys at hand: from position `first` up to `most` of those before `end`, all in one segment. */
static inline ck_range ck_next_keys(const ck_sequence *q, size_t first, size_t end, size_t most) {
  size_t limit = first < q->prefix ? CK_MIN(q->prefix, end) : end;
  return (ck_range){first, CK_MIN(most, limit - first)};
}

/* Where in the flat batch the token at a position is. */
static inline size_t ck_token_at(const ck_sequence *q, size_t position) {
  return position < q->prefix ? q->prefix_start + position : q->start + position - q->prefix;
}

/* Which of the keys at hand a query at `index` sees, from the first of them on. */
static inline ck_range ck_visible_keys(const ck_attention *a, size_t index, ck_range keys) {
  size_t end = index < keys.first ? 0 : CK_MIN(index - keys.first + 1, keys.count);
  size_t first = CK_MIN(ck_first_key(a, index, keys.first) - keys.first, end);
  return (ck_range){first, end - first};
}
