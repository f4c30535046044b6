/* A prefix and its branches, the unit of backward: the prefix's keys get gradients from all of them.
 * A segment that nothing branches off is a family of its own. */
#pragma once

#include "attention/attention_rows.h"

static inline bool ck_begins_family(const ck_attention *a, size_t s) {
  return !a->prefixes || a->prefixes[s] < 0;
}

static inline size_t ck_family_count(const ck_attention *a) {
  size_t count = 0;
  for (size_t s = 0; s < a->S; s++) count += ck_begins_family(a, s);
  return count;
}

/* first[ck_family_count + 1]: the segment that each family begins with, and the end of the last. */
static inline void ck_find_families(const ck_attention *a, size_t *first) {
  for (size_t s = 0; s < a->S; s++) {
    if (ck_begins_family(a, s)) *first++ = s;
  }
  *first = a->S;
}

/* Piece `index` of `pieces` of the tokens of a family's segments, in the flat batch: as queries all
 * pieces have about as many keys. Pieces begin at a multiple of `step` tokens of a segment. */
ck_range ck_family_piece(const ck_attention *a, ck_range segments, size_t pieces, size_t index,
                         size_t step);

/* Those of some tokens of the flat batch that are in segment `s`, counted in it. */
static inline ck_range ck_part_in(const ck_attention *a, size_t s, ck_range tokens) {
  size_t start = (size_t)a->starts[s], length = (size_t)a->starts[s + 1] - start;
  size_t first = CK_MIN(CK_MAX(tokens.first, start) - start, length);
  size_t end = CK_MIN(CK_MAX(tokens.first + tokens.count, start) - start, length);
  return (ck_range){first, end - first};
}
