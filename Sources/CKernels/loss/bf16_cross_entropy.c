#include "loss/labelled_rows.h"
#include "loss/panel_exponentials.h"
#include "machine/scratch.h"
#include "numbers/tanh.h"

#include <math.h>

/* The output head and its loss in bfloat16 (see cross_entropy.c). Of the logits of some hundred rows
 * only exp(logit - maximum of its 32 neighbours) is kept, in bfloat16: its error is relative, where
 * that of a stored logit would be absolute. Maxima, sums and the label's logit stay float32. */

enum {
  WEIGHT_BYTES = 128 << 20, /* exponentials of the rows handled at a time */
  LEAST_ROWS = 16,
  GRADIENT_WORDS = 3072, /* of the vocabulary that one product contracts over */
};

typedef struct {
  ck_labelled_rows labelled;
  size_t V, D, panels;
  size_t stride; /* of a row of exponentials */
  const float *bias; /* [V], or NULL */
  float soft_cap; /* 0: none */
  float gradient_scale;

  uint16_t *hidden;             /* [chunk, D] */
  uint16_t *weights;            /* [chunk, stride]: exponentials, then gradients of logits */
  ck_panel_statistics *statistics; /* [chunk, panels] */
  float *label_logits;          /* [chunk] */
  double *losses;               /* [chunk] */
  float *normalizers;           /* [chunk]: log of the sum of exponentials */
  float *dhidden;               /* [chunk, D] */
  void *product_scratch;

  float logarithms[128]; /* of 1 + i / 128, where logits are capped */
} head;

static ck_term logits_term(const head *p, const ck_operand *weight) {
  ck_term term = {.left = p->hidden, .left_stride = p->D, .K = p->D, .right = *weight};
  term.right.stride = p->D;
  term.right.transposed = true;
  return term;
}

static ck_term gradient_term(const head *p, const ck_operand *weight, ck_range words) {
  ck_term term = {.left = p->weights + words.first, .left_stride = p->stride, .K = words.count,
                  .right = *weight};
  term.right.stride = p->D;
  term.right.transposed = false;
  if (term.right.bfloat16) term.right.bfloat16 += words.first * p->D;
  if (term.right.float32) term.right.float32 += words.first * p->D;
  return term;
}

/* Sets the sizes, and the pointers into `scratch`; returns the bytes that they take. */
static size_t lay_out(head *p, const ck_operand *weight, size_t T, size_t V, size_t D,
                      char *scratch) {
  ck_scratch next = {scratch, 0};
  p->V = V;
  p->D = D;
  p->panels = ck_ceil_divide(V, CK_PANEL_COLUMNS);
  p->stride = p->panels * CK_PANEL_COLUMNS;
  size_t fitting = WEIGHT_BYTES / (CK_MAX(p->stride, 1) * sizeof(uint16_t));
  p->labelled.chunk = CK_MIN(CK_MAX(fitting / 16 * 16, LEAST_ROWS), CK_MAX(T, 1));
  p->labelled.tokens = ck_take(&next, T * sizeof *p->labelled.tokens);
  p->hidden = ck_take(&next, p->labelled.chunk * D * sizeof *p->hidden);
  p->weights = ck_take(&next, p->labelled.chunk * p->stride * sizeof *p->weights);
  p->statistics = ck_take(&next, p->labelled.chunk * p->panels * sizeof *p->statistics);
  p->label_logits = ck_take(&next, p->labelled.chunk * sizeof *p->label_logits);
  p->losses = ck_take(&next, p->labelled.chunk * sizeof *p->losses);
  p->normalizers = ck_take(&next, p->labelled.chunk * sizeof *p->normalizers);
  p->dhidden = ck_take(&next, p->labelled.chunk * D * sizeof *p->dhidden);
  ck_term logits = logits_term(p, weight);
  ck_term gradient = gradient_term(p, weight, (ck_range){0, CK_MIN(GRADIENT_WORDS, V)});
  size_t bytes = CK_MAX(ck_products_scratch(V, &logits, 1),
                        ck_products_scratch(D, &gradient, 1));
  p->product_scratch = ck_take(&next, bytes);
  return next.used;
}

size_t ck_bf16_linear_cross_entropy_scratch(const ck_operand *weight, size_t T, size_t V,
                                            size_t D) {
  head p = {0};
  return lay_out(&p, weight, T, V, D, NULL);
}

/* ---- Rows ------------------------------------------------------------------------------------*/

CK_KERNEL(float, largest_maximum, (const ck_panel_statistics *statistics, size_t panels),
          (statistics, panels)) {
  float maximum = statistics[0].maximum;
  for (size_t i = 1; i < panels; i++) maximum = CK_MAX(statistics[i].maximum, maximum);
  return maximum;
}

CK_KERNEL(double, sum_of_panels,
          (const ck_panel_statistics *statistics, size_t panels, float maximum),
          (statistics, panels, maximum)) {
  CK_SUM_IN_LANES
  double sum = 0;
  for (size_t i = 0; i < panels; i++) {
    sum += (double)(statistics[i].sum * ck_exp(statistics[i].maximum - maximum));
  }
  return sum;
}

/* Exponentials of a row become its softmax times `scale`. */
CK_KERNEL(void, scale_to_softmax,
          (uint16_t *weights, const ck_panel_statistics *statistics, size_t panels,
           float normalizer, float scale),
          (weights, statistics, panels, normalizer, scale)) {
  for (size_t p = 0; p < panels; p++) {
    float factor = ck_exp(statistics[p].maximum - normalizer) * scale;
    uint16_t *panel = weights + p * CK_PANEL_COLUMNS;
    for (size_t i = 0; i < CK_PANEL_COLUMNS; i++) {
      panel[i] = ck_bfloat16_from_float(ck_float_from_bf16(panel[i]) * factor);
    }
  }
}

/* The same times the slope of the soft cap c, 1 - (z / c)². The logit z is found from its
 * exponential: bfloat16 has few enough fractions for a table of their logarithms. */
CK_KERNEL(void, scale_to_capped_softmax,
          (uint16_t *weights, const ck_panel_statistics *statistics, size_t panels,
           float normalizer, float scale, float cap, const float *logarithms),
          (weights, statistics, panels, normalizer, scale, cap, logarithms)) {
  for (size_t p = 0; p < panels; p++) {
    float factor = ck_exp(statistics[p].maximum - normalizer) * scale;
    uint16_t *panel = weights + p * CK_PANEL_COLUMNS;
    for (size_t i = 0; i < CK_PANEL_COLUMNS; i++) {
      float exponent = (float)(panel[i] >> 7) - 127;
      float z = statistics[p].maximum + exponent * 0.693147181f + logarithms[panel[i] & 127];
      float slope = ck_cap_slope(z, cap);
      panel[i] = ck_bfloat16_from_float(ck_float_from_bf16(panel[i]) * factor *
                                        CK_MAX(slope, 0.0f));
    }
  }
}

/* Logarithms of 1 + i / 128. */
static void fill_logarithms(float logarithms[128]) {
  for (int i = 0; i < 128; i++) logarithms[i] = log1pf((float)i / 128);
}

CK_KERNEL(void, cap_rows, (const float *block, float cap, float *capped, size_t count),
          (block, cap, capped, count)) {
  for (size_t i = 0; i < count; i++) capped[i] = ck_capped(block[i], cap);
}

CK_KERNEL(void, add_bias, (const float *block, const float *bias, ck_range columns, float *sums,
                           size_t rows),
          (block, bias, columns, sums, rows)) {
  for (size_t r = 0; r < rows; r++) {
    for (size_t i = 0; i < columns.count; i++) {
      sums[r * CK_PANEL_COLUMNS + i] = block[r * CK_PANEL_COLUMNS + i] + bias[columns.first + i];
    }
  }
}

static void finish_logits(void *context, ck_range rows, ck_range columns, const float *block) {
  const head *p = context;
  size_t panel = columns.first / CK_PANEL_COLUMNS;
  float biased[CK_FINISHED_ROWS * CK_PANEL_COLUMNS], capped[CK_FINISHED_ROWS * CK_PANEL_COLUMNS];
  if (p->bias) {
    memcpy(biased, block, rows.count * CK_PANEL_COLUMNS * sizeof *block);
    add_bias(block, p->bias, columns, biased, rows.count);
    block = biased;
  }
  if (p->soft_cap != 0) {
    cap_rows(block, p->soft_cap, capped, rows.count * CK_PANEL_COLUMNS);
    block = capped;
  }
  for (size_t r = 0; r < rows.count; r++) {
    size_t row = rows.first + r;
    size_t label = ck_label_of(&p->labelled, row) - columns.first;
    if (label < columns.count) p->label_logits[row] = block[r * CK_PANEL_COLUMNS + label];
  }
  ck_kernels.panel_exponentials(&(ck_panel_exponentials){
      .logits = block, .rows = rows.count, .columns = columns.count,
      .weights = p->weights + rows.first * p->stride + columns.first, .stride = p->stride,
      .statistics = p->statistics + rows.first * p->panels + panel, .panels = p->panels});
}

static void normalize_task(void *context, size_t row, size_t worker) {
  (void)worker;
  const head *p = context;
  const ck_panel_statistics *statistics = p->statistics + row * p->panels;
  float maximum = largest_maximum(statistics, p->panels);
  double sum = sum_of_panels(statistics, p->panels, maximum);
  double normalizer = maximum + log(sum);
  p->normalizers[row] = (float)normalizer;
  double loss = normalizer - p->label_logits[row];
  p->losses[row] = (double)ck_weight_of(&p->labelled, row) * loss;
}

static void gradient_task(void *context, size_t row, size_t worker) {
  (void)worker;
  const head *p = context;
  uint16_t *weights = p->weights + row * p->stride;
  float normalizer = p->normalizers[row];
  float scale = p->gradient_scale * ck_weight_of(&p->labelled, row), label_scale = scale;
  /* Near 1 a probability in bfloat16 would leave nothing of its distance to 1. */
  float missing = -expm1f(p->label_logits[row] - normalizer);
  if (p->soft_cap != 0) {
    label_scale *= ck_cap_slope(p->label_logits[row], p->soft_cap);
    scale_to_capped_softmax(weights, p->statistics + row * p->panels, p->panels, normalizer,
                            scale, p->soft_cap, p->logarithms);
  } else {
    scale_to_softmax(weights, p->statistics + row * p->panels, p->panels, normalizer, scale);
  }
  weights[ck_label_of(&p->labelled, row)] = ck_bfloat16_from_float(-missing * label_scale);
}

/* ---- The whole -------------------------------------------------------------------------------*/

static void add_gradient(head *p, const ck_operand *weight, uint16_t *dhidden) {
  ck_parallel_for(p->labelled.rows, CK_ANY_WORKERS, gradient_task, p);
  for (size_t first = 0; first < p->V; first += GRADIENT_WORDS) {
    ck_range words = {first, CK_MIN(GRADIENT_WORDS, p->V - first)};
    ck_term term = gradient_term(p, weight, words);
    ck_result result = {.float32 = p->dhidden, .residual = first > 0 ? p->dhidden : NULL,
                        .stride = p->D};
    ck_products(p->labelled.rows, p->D, &term, 1, result, p->product_scratch);
  }
  for (size_t r = 0; r < p->labelled.rows; r++) {
    ck_bf16_narrow(p->dhidden + r * p->D, dhidden + p->labelled.at_hand[r] * p->D, p->D);
  }
}

void ck_bf16_linear_cross_entropy(const ck_bf16_linear_loss *loss, void *scratch) {
  size_t T = loss->T, D = loss->D;
  head p = {.labelled = {.labels = loss->labels, .weights = loss->weights},
            .bias = loss->bias,
            .soft_cap = loss->soft_cap,
            .gradient_scale = (float)loss->gradient_scale};
  if (p.soft_cap != 0) fill_logarithms(p.logarithms);
  lay_out(&p, loss->weight, T, loss->V, D, scratch);
  if (loss->dhidden) memset(loss->dhidden, 0, T * D * sizeof *loss->dhidden);
  ck_find_labelled(&p.labelled, T);
  for (size_t c = 0; c < ck_chunks(&p.labelled); c++) {
    ck_take_chunk(&p.labelled, c, loss->hidden, D * sizeof *p.hidden, p.hidden);
    ck_term term = logits_term(&p, loss->weight);
    ck_finish_products(p.labelled.rows, p.V, &term, 1, finish_logits, &p, p.product_scratch);
    ck_parallel_for(p.labelled.rows, CK_ANY_WORKERS, normalize_task, &p);
    for (size_t r = 0; r < p.labelled.rows; r++) *loss->loss += p.losses[r];
    if (loss->dhidden) add_gradient(&p, loss->weight, loss->dhidden);
  }
}
