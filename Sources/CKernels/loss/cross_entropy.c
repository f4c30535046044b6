#include "loss/labelled_rows.h"
#include "machine/scratch.h"
#include "numbers/tanh.h"
#include "products/bf16.h"

#include <math.h>

/* The output head and its loss in one, in float32, without logits for all tokens at once: labelled
 * tokens are handled some rows at a time. Their logits become gradients in place. */

enum {
  LOGIT_BYTES = 48 << 20, /* of the rows handled at a time */
  LEAST_ROWS = 12,
  GRADIENT_WORDS = 3072, /* of the vocabulary that one product contracts over */
  SUMMED_WORDS = 1024,   /* whose exponentials are added in float32 */
};

typedef struct {
  ck_labelled_rows labelled;
  size_t V, D;
  float soft_cap; /* 0: none */
  float gradient_scale;

  float *hidden;      /* [chunk, D] */
  float *logits;      /* [chunk, V] */
  float *normalizers; /* [chunk]: log of the sum of exponentials */
  double *losses;     /* [chunk] */
  float *dhidden;     /* [chunk, D] */
  void *product_scratch;
} head;

static ck_term logits_term(const head *p, const ck_operand *weight) {
  ck_term term = {.left_floats = p->hidden, .left_stride = p->D, .K = p->D, .right = *weight};
  term.right.transposed = true;
  return term;
}

static ck_term gradient_term(const head *p, const ck_operand *weight, ck_range words) {
  ck_term term = {.left_floats = p->logits + words.first, .left_stride = p->V, .K = words.count,
                  .right = *weight};
  term.right.transposed = false;
  if (term.right.float32) term.right.float32 += words.first * p->D;
  return term;
}

/* Sets the sizes, and the pointers into `scratch`; returns the bytes that they take. */
static size_t lay_out(head *p, const ck_operand *weight, size_t T, size_t V, size_t D,
                      char *scratch) {
  ck_scratch next = {scratch, 0};
  size_t word = sizeof(float), fitting = LOGIT_BYTES / (CK_MAX(V, 1) * word);
  p->V = V;
  p->D = D;
  size_t most = CK_MAX(fitting / CK_FINISHED_ROWS * CK_FINISHED_ROWS, LEAST_ROWS);
  p->labelled.chunk = CK_MIN(most, CK_MAX(T, 1));
  p->labelled.tokens = ck_take(&next, T * sizeof *p->labelled.tokens);
  p->hidden = ck_take(&next, p->labelled.chunk * D * word);
  p->logits = ck_take(&next, p->labelled.chunk * V * word);
  p->normalizers = ck_take(&next, p->labelled.chunk * word);
  p->losses = ck_take(&next, p->labelled.chunk * sizeof *p->losses);
  p->dhidden = ck_take(&next, p->labelled.chunk * D * word);
  ck_term logits = logits_term(p, weight);
  ck_term gradient = gradient_term(p, weight, (ck_range){0, CK_MIN(GRADIENT_WORDS, V)});
  size_t bytes =
      CK_MAX(ck_products_scratch(V, &logits, 1), ck_products_scratch(D, &gradient, 1));
  p->product_scratch = ck_take(&next, bytes);
  return next.used;
}

size_t ck_linear_cross_entropy_scratch(const ck_operand *weight, size_t T, size_t V, size_t D) {
  head p = {0};
  return lay_out(&p, weight, T, V, D, NULL);
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

static void normalize_task(void *context, size_t row, size_t worker) {
  (void)worker;
  const head *p = context;
  float *logits = p->logits + row * p->V;
  if (p->soft_cap != 0) cap_logits(logits, p->soft_cap, p->V);
  float maximum = ck_row_maximum(logits, p->V);
  double sum = 0;
  for (size_t first = 0; first < p->V; first += SUMMED_WORDS) {
    sum += sum_of_exponentials(logits + first, maximum, CK_MIN(SUMMED_WORDS, p->V - first));
  }
  double normalizer = maximum + log(sum);
  p->normalizers[row] = (float)normalizer;
  double loss = normalizer - logits[ck_label_of(&p->labelled, row)];
  p->losses[row] = (double)ck_weight_of(&p->labelled, row) * loss;
}

/* Logits become softmax - one-hot, times the scale of the gradient. */
static void gradient_task(void *context, size_t row, size_t worker) {
  (void)worker;
  const head *p = context;
  size_t label = ck_label_of(&p->labelled, row);
  float *logits = p->logits + row * p->V;
  float scale = p->gradient_scale * ck_weight_of(&p->labelled, row), target = scale;
  if (p->soft_cap != 0) {
    target *= ck_cap_slope(logits[label], p->soft_cap);
    capped_softmax(logits, p->normalizers[row], scale, p->soft_cap, p->V);
  } else {
    scaled_softmax(logits, p->normalizers[row], scale, p->V);
  }
  logits[label] -= target;
}

/* ---- The whole -------------------------------------------------------------------------------*/

static void add_gradient(head *p, const ck_operand *weight, float *dhidden) {
  ck_parallel_for(p->labelled.rows, CK_ANY_WORKERS, gradient_task, p);
  for (size_t first = 0; first < p->V; first += GRADIENT_WORDS) {
    ck_range words = {first, CK_MIN(GRADIENT_WORDS, p->V - first)};
    ck_term term = gradient_term(p, weight, words);
    ck_result result = {.float32 = p->dhidden, .residual = first > 0 ? p->dhidden : NULL,
                        .stride = p->D};
    ck_products(p->labelled.rows, p->D, &term, 1, result, p->product_scratch);
  }
  for (size_t r = 0; r < p->labelled.rows; r++) {
    memcpy(dhidden + p->labelled.at_hand[r] * p->D, p->dhidden + r * p->D, p->D * sizeof *dhidden);
  }
}

void ck_linear_cross_entropy(const ck_linear_loss *loss, void *scratch) {
  size_t T = loss->T, D = loss->D;
  head p = {.labelled = {.labels = loss->labels, .weights = loss->weights},
            .soft_cap = loss->soft_cap,
            .gradient_scale = (float)loss->gradient_scale};
  lay_out(&p, loss->weight, T, loss->V, D, scratch);
  if (loss->dhidden) memset(loss->dhidden, 0, T * D * sizeof *loss->dhidden);
  ck_find_labelled(&p.labelled, T);
  for (size_t c = 0; c < ck_chunks(&p.labelled); c++) {
    ck_take_chunk(&p.labelled, c, loss->hidden, D * sizeof *p.hidden, p.hidden);
    ck_term term = logits_term(&p, loss->weight);
    ck_result logits = {.float32 = p.logits, .bias = loss->bias, .stride = p.V};
    ck_products(p.labelled.rows, p.V, &term, 1, logits, p.product_scratch);
    ck_parallel_for(p.labelled.rows, CK_ANY_WORKERS, normalize_task, &p);
    for (size_t r = 0; r < p.labelled.rows; r++) *loss->loss += p.losses[r];
    if (loss->dhidden) add_gradient(&p, loss->weight, loss->dhidden);
  }
}
