#include "reference.h"
#include "weights.h"

#include <math.h>
#include <string.h>

/* Products of bfloat16 matrices: with weights in every storage and both directions, terms of low
 * rank, biases and residuals; and the gradients of factors. Inputs are numbers that bfloat16 holds
 * exactly, so what a kernel may be off is the order of its sums and one rounding. */

static const double half_unit = 1.0 / 256;

typedef struct {
  size_t M, N;
  ck_term terms[3];
  size_t count;
  const float *bias, *residual;
  float *sums, *in_place;
  uint16_t *rounded;
  void *scratch;
} product_case;

static void run_product(void *context) {
  product_case *p = context;
  size_t N = p->N;
  ck_products(p->M, N, p->terms, p->count,
                 (ck_result){.float32 = p->sums, .residual = p->residual, .bias = p->bias,
                             .stride = N}, p->scratch);
  ck_products(p->M, N, p->terms, p->count,
                 (ck_result){.bfloat16 = p->rounded, .bias = p->bias, .stride = N}, p->scratch);
  /* The residual may be the result itself. */
  memcpy(p->in_place, p->residual, p->M * N * sizeof(float));
  ck_products(p->M, N, p->terms, p->count,
                 (ck_result){.float32 = p->in_place, .residual = p->in_place, .stride = N},
                 p->scratch);
}

/* Runs the terms and compares with `product`, which the terms' sum should be. */
static void check_product(product_case *p, const double *product) {
  size_t M = p->M, N = p->N, K = 0;
  for (size_t i = 0; i < p->count; i++) K += p->terms[i].K;
  p->bias = random_floats(N, -1, 1);
  p->residual = random_floats(M * N, -1, 1);
  p->sums = result_floats(M * N);
  p->in_place = result_floats(M * N);
  p->rounded = result_halves(M * N);
  p->scratch = scratch(ck_products_scratch(N, p->terms, p->count));
  on_all_threads(run_product, p);
  double *sums = doubles(M * N), *biased = doubles(M * N), *plain = doubles(M * N);
  for (size_t i = 0; i < M * N; i++) {
    biased[i] = product[i] + p->bias[i % N];
    sums[i] = biased[i] + p->residual[i];
    plain[i] = product[i] + p->residual[i];
  }
  double tolerance = 3e-5 * sqrt((double)K);
  EXPECT_CLOSE(p->sums, sums, M * N, 1e-5, tolerance);
  EXPECT_CLOSE(p->in_place, plain, M * N, 1e-5, tolerance);
  EXPECT_CLOSE(widened(p->rounded, M * N), biased, M * N, half_unit, tolerance);
}

static size_t even(size_t x) { return x + x % 2; }

/* x [T, R] with rows of even length; what is added is zero. */
static const uint16_t *padded_rows(const uint16_t *x, size_t T, size_t R) {
  uint16_t *y = halves(T * even(R));
  for (size_t i = 0; i < T * even(R); i++) {
    y[i] = i % even(R) < R ? x[i / even(R) * R + i % even(R)] : 0;
  }
  return y;
}

/* factor [rows, columns] as the right operand of a term, times `scale`. */
static ck_operand factor_operand(const float *factor, size_t stride, float scale, bool transposed) {
  return (ck_operand){
      .float32 = factor, .scale = scale, .stride = stride, .transposed = transposed};
}

static void add_scaled(double *sum, const double *x, double scale, size_t count) {
  for (size_t i = 0; i < count; i++) sum[i] += scale * x[i];
}

/* y = x W' + 2 u B' */
static void test_forward(size_t T, size_t N, size_t K, size_t R, weight_storage storage) {
  begin("forward: T %zu, N %zu, K %zu, R %zu, storage %d", T, N, K, R, storage);
  stored_weight w = random_weight(N, K, storage);
  w.operand.transposed = true;
  const uint16_t *x = random_bf16(T * K, -1, 1), *u = random_bf16(T * R, -1, 1);
  const float *b = widened(random_bf16(N * even(R), -1, 1), N * even(R));
  product_case p = {T, N,
                    {{x, NULL, K, K, w.operand},
                     {padded_rows(u, T, R), NULL, even(R), even(R),
                      factor_operand(b, even(R), 2, true)}},
                    2, NULL, NULL, NULL, NULL, NULL, NULL};
  double *product = reference_product(widened(x, T * K), w.values, T, N, K, false, true);
  const float *left = widened(p.terms[1].left, T * even(R));
  add_scaled(product, reference_product(left, b, T, N, even(R), false, true), 2, T * N);
  check_product(&p, product);
}

/* dx = 2 dout W + v A */
static void test_backward(size_t T, size_t N, size_t K, size_t R, weight_storage storage) {
  begin("backward: T %zu, N %zu, K %zu, R %zu, storage %d", T, N, K, R, storage);
  stored_weight w = random_weight(N, K, storage);
  const uint16_t *dout = random_bf16(T * N, -1, 1), *v = random_bf16(T * R, -1, 1);
  const float *a = widened(random_bf16(even(R) * K, -1, 1), even(R) * K);
  ck_term base = {dout, NULL, N, N, w.operand};
  product_case p = {T, K,
                    {base,
                     {padded_rows(v, T, R), NULL, even(R), even(R),
                      factor_operand(a, K, 1, false)},
                     base},
                    3, NULL, NULL, NULL, NULL, NULL, NULL};
  double *product = reference_product(widened(dout, T * N), w.values, T, K, N, false, false);
  add_scaled(product, product, 1, T * K);
  const float *left = widened(p.terms[1].left, T * even(R));
  add_scaled(product, reference_product(left, a, T, K, even(R), false, false), 1, T * K);
  check_product(&p, product);
}

/* ---- Gradients of factors --------------------------------------------------------------------*/

typedef struct {
  ck_bf16_contraction product;
  const float *before;
  float *straight, *transposed;
  void *scratch;
} contraction_case;

static void run_contraction(void *context) {
  contraction_case *p = context;
  ck_bf16_contraction product = p->product;
  size_t size = product.R * product.N * sizeof(float);
  memcpy(p->straight, p->before, size);
  memcpy(p->transposed, p->before, size);
  product.out = p->straight, product.row = product.N, product.column = 1;
  ck_bf16_contract(&product, p->scratch, WORKERS);
  product.out = p->transposed, product.row = 1, product.column = product.R;
  ck_bf16_contract(&product, p->scratch, WORKERS);
}

static void test_contraction(size_t T, size_t R, size_t N) {
  begin("contraction: T %zu, R %zu, N %zu", T, R, N);
  const uint16_t *left = random_bf16(T * R, -1, 1), *right = random_bf16(T * N, -1, 1);
  contraction_case p = {
      .product = {.left = padded_rows(left, T, R), .left_stride = even(R), .right = right, .T = T,
                  .R = R, .N = N, .scale = 0.5f},
      .before = random_floats(R * N, -1, 1), .straight = result_floats(R * N),
      .transposed = result_floats(R * N)};
  p.scratch = scratch(ck_bf16_contract_scratch(&p.product, WORKERS));
  on_all_threads(run_contraction, &p);
  double *product =
      reference_product(widened(left, T * R), widened(right, T * N), R, N, T, true, false);
  double *expected = doubles(R * N);
  for (size_t i = 0; i < R * N; i++) expected[i] = p.before[i] + 0.5 * product[i];
  EXPECT_CLOSE(p.straight, expected, R * N, 1e-5, 1e-4);
  for (size_t i = 0; i < R * N; i++) {
    size_t r = i % R, n = i / R;
    expected[i] = p.before[i] + 0.5 * product[r * N + n];
  }
  EXPECT_CLOSE(p.transposed, expected, R * N, 1e-5, 1e-4);
}

void test_bf16_products(void) {
  /* T, N, K, R around the panel of 32 columns, the tiles of 8 and 16 rows, slabs of 256 k and parts
   * of long contractions; odd ranks. N is even, as contractions are. */
  const size_t sizes[][4] = {{1, 2, 2, 1},     {3, 40, 64, 3},   {5, 34, 30, 2},
                             {8, 32, 128, 8},  {33, 66, 258, 5}, {16, 12, 70, 16},
                             {37, 96, 64, 16}, {1030, 18, 4, 9}, {3, 6, 4610, 3},
                             {9, 34, 1100, 8}, {21, 290, 34, 4}, {7, 1100, 64, 8}};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    const size_t *s = sizes[i];
    for (weight_storage storage = STORED_BF16; storage <= GROUPED_MIXED; storage++) {
      if (storage != STORED_BF16 && i % 2 != storage % 2) continue;
      test_forward(s[0], s[1], s[2], s[3], storage);
      test_backward(s[0], s[1], s[2], s[3], storage);
    }
    test_contraction(s[0], s[3], s[1]);
  }
  test_contraction(2100, 3, 34);
}
