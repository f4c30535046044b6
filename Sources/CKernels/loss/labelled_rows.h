/* The tokens that have a label, some rows at a time: what both heads walk over. */
#pragma once

#include "machine/vector.h"

#include <string.h>

typedef struct {
  const int32_t *labels;  /* [T] */
  const float *weights;   /* [T], or NULL: all 1 */
  uint32_t *tokens;       /* [T]: those with a label */
  size_t count, chunk;    /* how many, and the most handled at a time */
  const uint32_t *at_hand; /* tokens of the rows at hand */
  size_t rows;
} ck_labelled_rows;

static inline void ck_find_labelled(ck_labelled_rows *p, size_t T) {
  p->count = 0;
  for (size_t t = 0; t < T; t++) {
    if (p->labels[t] != CK_IGNORED_LABEL) p->tokens[p->count++] = (uint32_t)t;
  }
}

static inline size_t ck_chunks(const ck_labelled_rows *p) {
  return ck_ceil_divide(p->count, p->chunk);
}

/* Takes one of the chunks, which are of nearly equal size, and lays its rows of x side by side. */
static inline void ck_take_chunk(ck_labelled_rows *p, size_t index, const void *x, size_t row_bytes,
                                 void *out) {
  size_t first = p->count * index / ck_chunks(p);
  p->at_hand = p->tokens + first;
  p->rows = p->count * (index + 1) / ck_chunks(p) - first;
  for (size_t r = 0; r < p->rows; r++) {
    memcpy((char *)out + r * row_bytes, (const char *)x + p->at_hand[r] * row_bytes, row_bytes);
  }
}

static inline size_t ck_label_of(const ck_labelled_rows *p, size_t row) {
  return (size_t)p->labels[p->at_hand[row]];
}

static inline float ck_weight_of(const ck_labelled_rows *p, size_t row) {
  return p->weights ? p->weights[p->at_hand[row]] : 1;
}
