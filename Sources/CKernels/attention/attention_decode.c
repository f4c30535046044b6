#include "attention/attention_rows.h"
#include "numbers/exp.h"

#include <math.h>

/* Attention of one new token. Every key and value is read once and there is one query a head, so
 * nothing is laid out anew: scores are dot products, the result a weighted sum of rows. The keys are
 * cut into pieces of fixed length, each with a softmax of its own, so that all threads have work and
 * no bit depends on how many they are. */

enum { PIECE_KEYS = 128, VALUE_LANES = 64 };

typedef struct {
  ck_attention_pass pass;
  const float *keys, *values; /* the first that the token sees */
  size_t count;               /* keys */
  size_t H, G, E;             /* of pass.shape */
  size_t group, pieces;
  float *sums;    /* [H, pieces, E]: weighted values */
  float *maximum; /* [H, pieces] */
  float *total;   /* [H, pieces]: sum of exp(score - maximum) */
} decode_work;

static size_t lay_out(decode_work *p, char *scratch) {
  ck_scratch next = {scratch, 0};
  p->group = p->H / p->G;
  p->pieces = ck_ceil_divide(p->count, PIECE_KEYS);
  p->sums = ck_take(&next, p->H * p->pieces * p->E * sizeof(float));
  p->maximum = ck_take(&next, p->H * p->pieces * sizeof(float));
  p->total = ck_take(&next, p->H * p->pieces * sizeof(float));
  return next.used;
}

CK_INLINE void score(const float *q, const float *keys, size_t stride, size_t count, size_t E,
                     float scale, float *scores) {
  CK_SUM_IN_LANES
  for (size_t j = 0; j < count; j++) {
    float sum = 0;
    for (size_t e = 0; e < E; e++) sum += q[e] * keys[j * stride + e];
    scores[j] = scale * sum;
  }
}

/* The usual widths with a length that the compiler knows. */
CK_KERNEL(void, score_keys,
          (const float *q, const float *keys, size_t stride, size_t count, size_t E, float scale,
           float *scores),
          (q, keys, stride, count, E, scale, scores)) {
  if (E == 64) {
    score(q, keys, stride, count, 64, scale, scores);
  } else if (E == 128) {
    score(q, keys, stride, count, 128, scale, scores);
  } else {
    score(q, keys, stride, count, E, scale, scores);
  }
}

CK_INLINE void sum_lanes(const float *weights, const float *values, size_t stride, size_t count,
                         float *out, size_t lanes) {
#pragma clang fp contract(fast)
  float sums[VALUE_LANES] = {0};
  for (size_t j = 0; j < count; j++) {
    for (size_t e = 0; e < lanes; e++) sums[e] += weights[j] * values[j * stride + e];
  }
  for (size_t e = 0; e < lanes; e++) out[e] = sums[e];
}

CK_KERNEL(void, sum_values,
          (const float *weights, const float *values, size_t stride, size_t count, float *out,
           size_t E),
          (weights, values, stride, count, out, E)) {
  size_t e = 0;
  for (; e + VALUE_LANES <= E; e += VALUE_LANES) {
    sum_lanes(weights, values + e, stride, count, out + e, VALUE_LANES);
  }
  if (e < E) sum_lanes(weights, values + e, stride, count, out + e, E - e);
}

static void piece_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const decode_work *p = context;
  size_t g = task % p->G, piece = task / p->G, stride = p->G * p->E;
  ck_range keys = ck_piece(p->count, PIECE_KEYS, piece);
  size_t offset = keys.first * stride + g * p->E;
  for (size_t h = g * p->group; h < (g + 1) * p->group; h++) {
    size_t at = h * p->pieces + piece;
    float weights[PIECE_KEYS];
    score_keys(p->pass.q + h * p->E, p->keys + offset, stride, keys.count, p->E,
               p->pass.shape.scale, weights);
    float cap = p->pass.shape.soft_cap;
    if (cap != 0) ck_cap_row(weights, 1, cap, keys.count);
    p->maximum[at] = ck_row_maximum(weights, keys.count);
    p->total[at] = ck_attention_exponentials(weights, p->maximum[at], keys.count);
    sum_values(weights, p->values + offset, stride, keys.count, p->sums + at * p->E, p->E);
  }
}

/* out = sum over pieces of exp(maximum - largest maximum) sums, over the same of totals. */
CK_KERNEL(void, join_pieces,
          (const float *sums, const float *maximum, const float *total, size_t pieces, float *out,
           size_t E),
          (sums, maximum, total, pieces, out, E)) {
#pragma clang fp contract(fast)
  float largest = ck_maximum(maximum, pieces), whole = 0;
  for (size_t e = 0; e < E; e++) out[e] = 0;
  for (size_t i = 0; i < pieces; i++) {
    float factor = ck_exp(maximum[i] - largest);
    whole += factor * total[i];
#pragma clang loop vectorize(assume_safety)
    for (size_t e = 0; e < E; e++) out[e] += factor * sums[i * E + e];
  }
#pragma clang loop vectorize(assume_safety)
  for (size_t e = 0; e < E; e++) out[e] /= whole;
}

static decode_work begin(const ck_attention *shape) {
  size_t count = shape->past + 1 - ck_first_key(shape, shape->past, 0);
  return (decode_work){.pass = {.shape = *shape},
                       .count = count,
                       .H = shape->H,
                       .G = shape->G,
                       .E = shape->E};
}

size_t ck_attention_decode_scratch(const ck_attention *shape) {
  decode_work p = begin(shape);
  return lay_out(&p, NULL);
}

void ck_attention_decode(const ck_attention_pass *pass, void *scratch) {
  decode_work p = begin(&pass->shape);
  size_t unseen = (pass->shape.past + 1 - p.count) * p.G * p.E;
  p.pass = *pass;
  p.keys = pass->k + unseen;
  p.values = pass->v + unseen;
  lay_out(&p, scratch);
  ck_parallel_for(p.pieces * p.G, CK_ANY_WORKERS, piece_task, &p);
  for (size_t h = 0; h < p.H; h++) {
    size_t at = h * p.pieces;
    join_pieces(p.sums + at * p.E, p.maximum + at, p.total + at, p.pieces, pass->out + h * p.E,
                p.E);
  }
}
