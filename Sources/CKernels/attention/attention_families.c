#include "attention/attention_families.h"

#include <math.h>

/* Pairs of query and key of a sequence's first queries: up to the window's width each query sees one
 * key more than the one before, from then on all see as many. */
static double pairs_of(double queries, double window) {
  if (window == 0 || window >= queries) return queries * queries / 2;
  return window * window / 2 + (queries - window) * window;
}

/* The other way round. */
static double queries_with(double pairs, double window) {
  double growing = window * window / 2;
  if (window == 0 || pairs <= growing) return sqrt(2 * pairs);
  return window + (pairs - growing) / window;
}

/* The pairs that the positions before a segment have, and those of its own. */
typedef struct {
  double before, own;
} segment_pairs;

static segment_pairs pairs_of_segment(const ck_attention *a, size_t s) {
  ck_sequence q = ck_sequence_of(a, s);
  double before = pairs_of((double)q.prefix, (double)a->window);
  double all = pairs_of((double)(q.prefix + q.length), (double)a->window);
  return (segment_pairs){before, all - before};
}

/* Where a piece begins: all before it together have `share` of the pairs. */
static size_t piece_start(const ck_attention *a, ck_range segments, double share, size_t step) {
  size_t end = segments.first + segments.count;
  double wanted = 0;
  for (size_t s = segments.first; s < end; s++) wanted += pairs_of_segment(a, s).own;
  wanted *= share;
  for (size_t s = segments.first; s < end; s++) {
    segment_pairs pairs = pairs_of_segment(a, s);
    if (share < 1 && wanted < pairs.own) {
      ck_sequence q = ck_sequence_of(a, s);
      double position = queries_with(pairs.before + wanted, (double)a->window);
      return q.start + (size_t)fmax(position - (double)q.prefix, 0) / step * step;
    }
    wanted -= pairs.own;
  }
  return (size_t)a->starts[end];
}

ck_range ck_family_piece(const ck_attention *a, ck_range segments, size_t pieces, size_t index,
                         size_t step) {
  size_t first = piece_start(a, segments, (double)index / (double)pieces, step);
  size_t end = piece_start(a, segments, (double)(index + 1) / (double)pieces, step);
  return (ck_range){first, end - first};
}
