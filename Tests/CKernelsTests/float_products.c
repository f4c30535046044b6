#include "reference.h"
#include "weights.h"

#include <math.h>
#include <string.h>

/* Products in float32, and those with frozen float32 and NF4 weights. */

/* ---- Matrices --------------------------------------------------------------------------------*/

typedef struct {
  ck_float_product product;
  const float *before;
  float *written, *added;
  size_t columns; /* of a row of C in memory */
  bool pieces;    /* of the calling thread */
} product_case;

static void run_product(void *context) {
  product_case *p = context;
  ck_float_product product = p->product;
  void (*multiply)(const ck_float_product *) = p->pieces ? ck_matmul_piece : ck_matmul;
  size_t size = product.M * p->columns * sizeof(float);
  memcpy(p->written, p->before, size);
  memcpy(p->added, p->before, size);
  product.c = p->written;
  multiply(&product);
  product.c = p->added;
  product.alpha = -0.5f;
  product.accumulate = true;
  multiply(&product);
}

/* Rows `pad` elements longer than they need be, with NaN in them that must neither be read nor
 * written. */
static float *padded(const float *x, size_t rows, size_t columns, size_t pad) {
  float *y = floats(rows * (columns + pad));
  for (size_t i = 0; i < rows; i++) {
    memcpy(y + i * (columns + pad), x + i * columns, columns * sizeof *x);
  }
  return y;
}

static float *without_padding(const float *x, size_t rows, size_t columns, size_t pad) {
  float *y = floats(rows * columns);
  for (size_t i = 0; i < rows; i++) {
    memcpy(y + i * columns, x + i * (columns + pad), columns * sizeof *x);
    bool kept = true;
    for (size_t j = columns; j < columns + pad; j++) kept &= isnan(x[i * (columns + pad) + j]);
    EXPECT(kept, "written past row %zu", i);
  }
  return y;
}

static void test_product(size_t M, size_t N, size_t K, size_t pad, bool pieces) {
  for (int turn = 0; turn < 4; turn++) {
    bool turn_a = turn & 1, turn_b = turn & 2;
    begin("M %zu, N %zu, K %zu, transposed %d %d, piece %d", M, N, K, turn_a, turn_b, pieces);
    const float *a = random_floats(M * K, -1, 1), *b = random_floats(K * N, -1, 1);
    const float *before = random_floats(M * N, -1, 1);
    size_t a_rows = turn_a ? K : M, a_columns = turn_a ? M : K;
    size_t b_rows = turn_b ? N : K, b_columns = turn_b ? K : N;
    product_case p = {
        .product = {.M = M, .N = N, .K = K, .alpha = 1,
                    .a = {padded(a, a_rows, a_columns, pad), a_columns + pad, turn_a},
                    .b = {padded(b, b_rows, b_columns, pad), b_columns + pad, turn_b},
                    .c_stride = N + pad},
        .before = padded(before, M, N, pad), .columns = N + pad, .pieces = pieces,
        .written = result_floats(M * (N + pad)), .added = result_floats(M * (N + pad))};
    if (pieces) {
      run_product(&p);
    } else {
      on_all_threads(run_product, &p);
    }
    double *expected = reference_product(a, b, M, N, K, turn_a, turn_b);
    double tolerance = 1e-5 * sqrt((double)MOST(K, 1));
    EXPECT_CLOSE(without_padding(p.written, M, N, pad), expected, M * N, 1e-5, tolerance);
    for (size_t i = 0; i < M * N; i++) expected[i] = before[i] - 0.5 * expected[i];
    EXPECT_CLOSE(without_padding(p.added, M, N, pad), expected, M * N, 1e-5, tolerance);
  }
}

/* ---- Weights ---------------------------------------------------------------------------------*/

typedef struct {
  size_t T, N, K;
  ck_term forward, backward;
  const float *before;
  float *out, *dx, *token;
  void *forward_scratch, *backward_scratch;
} linear_case;

static void run_linear(void *context) {
  linear_case *p = context;
  ck_products(p->T, p->N, &p->forward, 1, (ck_result){.float32 = p->out, .stride = p->N},
              p->forward_scratch);
  ck_products(p->T, p->K, &p->backward, 1,
              (ck_result){.float32 = p->dx, .residual = p->before, .stride = p->K},
              p->backward_scratch);
  ck_float_matvec(p->forward.left_floats, &p->forward.right, p->N, p->K, p->token);
}

/* out = x W', dx = before + dout W, and the first row of out once more as a single token's. */
static void test_linear(size_t T, size_t N, size_t K, bool nf4) {
  begin("linear: T %zu, N %zu, K %zu, nf4 %d", T, N, K, nf4);
  float *w = random_floats(N * K, -1, 1);
  ck_operand weight = {.float32 = w, .scale = 1, .stride = K};
  if (nf4) {
    weight = (ck_operand){.nf4 = nf4_weight(w, N * K, NF4_NESTED), .stride = K};
    w = floats(N * K);
    ck_nf4_dequantize(&weight.nf4, 0, N * K, w);
  }
  const float *x = random_floats(T * K, -1, 1), *dout = random_floats(T * N, -1, 1);
  linear_case p = {.T = T, .N = N, .K = K,
                   .forward = {.left_floats = x, .left_stride = K, .K = K, .right = weight},
                   .backward = {.left_floats = dout, .left_stride = N, .K = N, .right = weight},
                   .before = random_floats(T * K, -1, 1), .out = result_floats(T * N),
                   .dx = result_floats(T * K), .token = result_floats(N)};
  p.forward.right.transposed = true;
  p.forward_scratch = scratch(ck_products_scratch(N, &p.forward, 1));
  p.backward_scratch = scratch(ck_products_scratch(K, &p.backward, 1));
  on_all_threads(run_linear, &p);
  const double *out = reference_product(x, w, T, N, K, false, true);
  EXPECT_CLOSE(p.out, out, T * N, 1e-5, 1e-5 * sqrt((double)K));
  EXPECT_CLOSE(p.token, out, N, 1e-5, 1e-5 * sqrt((double)K));
  double *dx = reference_product(dout, w, T, K, N, false, false);
  for (size_t i = 0; i < T * K; i++) dx[i] += p.before[i];
  EXPECT_CLOSE(p.dx, dx, T * K, 1e-5, 1e-5 * sqrt((double)N));
}

void test_float_products(void) {
  /* Around tiles of 6 rows and 16 columns, pieces of 256 by 384, one row, and nothing. */
  const size_t sizes[][3] = {{1, 1, 1},    {1, 97, 64},  {7, 8, 577},   {6, 16, 5},   {5, 15, 40},
                             {13, 33, 17}, {31, 97, 7},  {257, 17, 9},  {9, 400, 6}, {3, 1, 5},
                             {2, 130, 30}, {70, 97, 33}, {4, 7, 0},    {1, 7, 0},    {0, 5, 3},
                             {7, 48, 1030}};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    test_product(sizes[i][0], sizes[i][1], sizes[i][2], i % 3, false);
    test_product(sizes[i][0], sizes[i][1], sizes[i][2], i % 2, true);
  }
  const size_t ragged[] = {1, 7, 40};
  for (size_t i = 0; i < COUNT(ragged); i++) {
    test_linear(ragged[i], 1, 1, false);
    test_linear(ragged[i], 7, 65, false);
    test_linear(ragged[i], 192, 16, false);
    test_linear(ragged[i], 7, 65, true);
  }
  test_linear(33, 192, 64, true);
  test_linear(9, 77, 130, true);
  /* Many blocks of rows; a contraction in many parts; more panels than a task has. */
  test_linear(300, 40, 70, false);
  test_linear(80, 34, 2310, false);
  test_linear(7, 1100, 64, true);
  test_linear(2, 20, 4097, true);
}
