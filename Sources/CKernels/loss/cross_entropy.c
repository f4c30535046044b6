#include "numbers/tanh.h"
#include "machine/scratch.h"

#include <math.h>

/* The output head and its loss in one, without logits for all tokens at once.
 *
 * Labelled tokens are handled some rows at a time. The vocabulary is cut into slices; one task
 * computes the logits of a slice, their maximum and sum of exponentials while they are in cache.
 * Once the normalizer of each row is known, a second round of tasks turns each slice into
 * softmax - one-hot and multiplies it with its rows of the weight; those partial gradients are
 * added in the order of the slices. */

enum {
  LOGIT_BYTES = 32 << 20, /* of the rows handled at a time */
  LEAST_ROWS = 16,
  MOST_SLICES = 32,
  LEAST_SLICE = 1024,
  EXPANDED_ROWS = 256, /* of an NF4 weight, at a time */
};

typedef struct {
  float maximum, sum; /* of exp(logit - maximum) */
} slice_statistics;

typedef struct {
  const ck_weight *weight;
  const int32_t *labels;
  size_t V, D;
  size_t chunk;  /* most rows handled at a time */
  size_t slice;  /* words of a slice */
  size_t slices; /* how many */
  float soft_cap; /* 0: none */
  float gradient_scale;

  uint32_t *tokens;             /* [T]: those with a label */
  float *hidden;                /* [chunk, D] */
  float *logits;                /* [chunk, V] */
  slice_statistics *statistics; /* [slices, chunk] */
  float *normalizers;           /* [chunk]: log of the sum of exponentials */
  float *partial;               /* [slices, chunk, D] */
  float *expanded;              /* [workers, EXPANDED_ROWS, D] for an NF4 weight */

  const uint32_t *chunk_tokens; /* the rows at hand */
  size_t rows;
} head;

static void choose_sizes(head *p, size_t T) {
  size_t fitting = LOGIT_BYTES / (CK_MAX(p->V, 1) * sizeof(float));
  size_t most = CK_MAX(fitting / 16 * 16, LEAST_ROWS);
  p->chunk = CK_MIN(most, CK_MAX(T, 1));
  p->slice = CK_MAX(ck_round_up(ck_ceil_divide(p->V, MOST_SLICES), 64), LEAST_SLICE);
  p->slices = ck_ceil_divide(p->V, p->slice);
}

/* Sets the pointers into `scratch`; returns the bytes that they take. */
static size_t lay_out(head *p, size_t T, bool gradient, size_t workers, char *scratch) {
  ck_scratch next = {scratch, 0};
  size_t word = sizeof(float);
  p->tokens = ck_take(&next, T * sizeof *p->tokens);
  p->hidden = ck_take(&next, p->chunk * p->D * word);
  p->logits = ck_take(&next, p->chunk * p->V * word);
  p->statistics = ck_take(&next, p->slices * p->chunk * sizeof *p->statistics);
  p->normalizers = ck_take(&next, p->chunk * word);
  p->partial = ck_take(&next, gradient ? p->slices * p->chunk * p->D * word : 0);
  p->expanded = ck_take(&next, p->weight->float32 ? 0 : workers * EXPANDED_ROWS * p->D * word);
  return next.used;
}

size_t ck_linear_cross_entropy_scratch(const ck_weight *weight, size_t T, bool gradient,
                                       size_t workers) {
  head p = {.weight = weight, .V = weight->N, .D = weight->K};
  choose_sizes(&p, T);
  return lay_out(&p, T, gradient, workers, NULL);
}

/* ---- Rows of logits --------------------------------------------------------------------------*/

CK_KERNEL(float, sum_of_exponentials, (const float *x, float maximum, size_t count),
          (x, maximum, count)) {
  CK_SUM_IN_LANES
  float sum = 0;
  for (size_t i = 0; i < count; i++) sum += ck_exp(x[i] - maximum);
  return sum;
}

CK_KERNEL(void, scaled_softmax, (float *x, float normalizer, float scale, size_t count),
          (x, normalizer, scale, count)) {
  for (size_t i = 0; i < count; i++) x[i] = ck_exp(x[i] - normalizer) * scale;
}

/* The same times the slope of the soft cap. */
CK_KERNEL(void, capped_softmax, (float *x, float normalizer, float scale, float cap, size_t count),
          (x, normalizer, scale, cap, count)) {
  for (size_t i = 0; i < count; i++) {
    x[i] = ck_exp(x[i] - normalizer) * scale * ck_cap_slope(x[i], cap);
  }
}

CK_KERNEL(void, cap_logits, (float *x, float cap, size_t count), (x, cap, count)) {
  for (size_t i = 0; i < count; i++) x[i] = ck_capped(x[i], cap);
}

/* ---- Tasks -----------------------------------------------------------------------------------*/

/* How many rows of the weight to use at a time, and where they are. */
static size_t rows_at_a_time(const head *p) {
  return p->weight->float32 ? p->slice : EXPANDED_ROWS;
}

static const float *weight_rows(const head *p, ck_range rows, size_t worker) {
  if (p->weight->float32) return p->weight->float32 + rows.first * p->D;
  float *expanded = p->expanded + worker * EXPANDED_ROWS * p->D;
  ck_nf4_dequantize_range(&p->weight->nf4, rows.first * p->D, rows.count * p->D, expanded);
  return expanded;
}

static void logits_task(void *context, size_t task, size_t worker) {
  const head *p = context;
  ck_range words = ck_piece(p->V, p->slice, task);
  size_t step = rows_at_a_time(p);
  for (size_t first = words.first; first < words.first + words.count; first += step) {
    ck_range part = {first, CK_MIN(step, words.first + words.count - first)};
    ck_matmul_piece(&(ck_float_product){
        .M = p->rows, .N = part.count, .K = p->D, .alpha = 1,
        .a = {p->hidden, p->D, false}, .b = {weight_rows(p, part, worker), p->D, true},
        .c = p->logits + part.first, .c_stride = p->V});
  }
  for (size_t r = 0; r < p->rows; r++) {
    float *logits = p->logits + r * p->V + words.first;
    if (p->soft_cap != 0) cap_logits(logits, p->soft_cap, words.count);
    float maximum = ck_row_maximum(logits, words.count);
    p->statistics[task * p->chunk + r] =
        (slice_statistics){maximum, sum_of_exponentials(logits, maximum, words.count)};
  }
}

static void gradient_task(void *context, size_t task, size_t worker) {
  const head *p = context;
  ck_range words = ck_piece(p->V, p->slice, task);
  for (size_t r = 0; r < p->rows; r++) {
    float *logits = p->logits + r * p->V + words.first, target = p->gradient_scale;
    size_t label = (size_t)p->labels[p->chunk_tokens[r]];
    bool here = label >= words.first && label < words.first + words.count;
    if (p->soft_cap != 0) {
      if (here) target *= ck_cap_slope(logits[label - words.first], p->soft_cap);
      capped_softmax(logits, p->normalizers[r], p->gradient_scale, p->soft_cap, words.count);
    } else {
      scaled_softmax(logits, p->normalizers[r], p->gradient_scale, words.count);
    }
    if (here) logits[label - words.first] -= target;
  }
  float *partial = p->partial + task * p->chunk * p->D;
  size_t step = rows_at_a_time(p);
  for (size_t first = words.first; first < words.first + words.count; first += step) {
    ck_range part = {first, CK_MIN(step, words.first + words.count - first)};
    ck_matmul_piece(&(ck_float_product){
        .M = p->rows, .N = p->D, .K = part.count, .alpha = 1,
        .a = {p->logits + part.first, p->V, false},
        .b = {weight_rows(p, part, worker), p->D, false},
        .c = partial, .c_stride = p->D, .accumulate = first > words.first});
  }
}

typedef struct {
  const head *head;
  float *dhidden;
} row_sum;

CK_KERNEL(void, add_partials,
          (const float *restrict partial, size_t stride, size_t count, float *restrict out, size_t
           D),
          (partial, stride, count, out, D)) {
  memcpy(out, partial, D * sizeof *out);
  for (size_t s = 1; s < count; s++) {
    for (size_t i = 0; i < D; i++) out[i] += partial[s * stride + i];
  }
}

static void row_sum_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const row_sum *sum = context;
  const head *p = sum->head;
  add_partials(p->partial + task * p->D, p->chunk * p->D, p->slices,
               sum->dhidden + p->chunk_tokens[task] * p->D, p->D);
}

/* ---- The whole -------------------------------------------------------------------------------*/

/* Combines the slices of a row, in order. */
static double row_normalizer(const head *p, size_t row) {
  const slice_statistics *statistics = p->statistics + row;
  float maximum = statistics[0].maximum;
  for (size_t s = 1; s < p->slices; s++) {
    maximum = CK_MAX(statistics[s * p->chunk].maximum, maximum);
  }
  double sum = 0;
  for (size_t s = 0; s < p->slices; s++) {
    slice_statistics part = statistics[s * p->chunk];
    sum += part.sum * exp((double)part.maximum - maximum);
  }
  return maximum + log(sum);
}

/* Copies the hidden states of the rows at hand next to each other. */
static void gather_rows(head *p, const float *hidden) {
  for (size_t r = 0; r < p->rows; r++) {
    memcpy(p->hidden + r * p->D, hidden + p->chunk_tokens[r] * p->D, p->D * sizeof(float));
  }
}

/* Leaves the normalizers of the rows at hand and returns their summed loss. */
static double chunk_loss(head *p) {
  double loss = 0;
  for (size_t r = 0; r < p->rows; r++) {
    double normalizer = row_normalizer(p, r);
    p->normalizers[r] = (float)normalizer;
    loss += normalizer - p->logits[r * p->V + (size_t)p->labels[p->chunk_tokens[r]]];
  }
  return loss;
}

static size_t find_labelled(const int32_t *labels, size_t T, uint32_t *tokens) {
  size_t count = 0;
  for (size_t t = 0; t < T; t++) {
    if (labels[t] != CK_IGNORED_LABEL) tokens[count++] = (uint32_t)t;
  }
  return count;
}

void ck_linear_cross_entropy(const ck_linear_loss *loss, void *scratch, size_t workers) {
  size_t T = loss->T;
  float *dhidden = loss->dhidden;
  head p = {.weight = loss->weight,
            .labels = loss->labels,
            .V = loss->weight->N,
            .D = loss->weight->K,
            .soft_cap = loss->soft_cap,
            .gradient_scale = (float)loss->gradient_scale};
  choose_sizes(&p, T);
  lay_out(&p, T, dhidden != NULL, workers, scratch);
  if (dhidden) memset(dhidden, 0, T * p.D * sizeof *dhidden);

  size_t count = find_labelled(p.labels, T, p.tokens);
  /* Chunks of nearly equal size. */
  size_t chunks = ck_ceil_divide(count, p.chunk);
  for (size_t c = 0; c < chunks; c++) {
    size_t first = count * c / chunks;
    p.chunk_tokens = p.tokens + first;
    p.rows = count * (c + 1) / chunks - first;
    gather_rows(&p, loss->hidden);
    ck_parallel_for(p.slices, workers, logits_task, &p);
    *loss->loss += chunk_loss(&p);
    if (dhidden) {
      row_sum sum = {&p, dhidden};
      ck_parallel_for(p.slices, workers, gradient_task, &p);
      ck_parallel_for(p.rows, workers, row_sum_task, &sum);
    }
  }
}
