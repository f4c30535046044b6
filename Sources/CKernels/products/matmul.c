#include "products/matmul.h"

#include <cblas.h>
#include <pthread.h>
#include <string.h>

/* Large products are cut into a grid of pieces of the output, each one call over the whole
 * contraction: of our own kernel where there is AVX-512, else of a single-threaded OpenBLAS. The grid
 * depends on the shape alone, and so do the bits. */

enum {
  /* Pieces no larger than this keep many cores busy and cost a few percent in repeated packing. */
  PIECE_ROWS = 256,
  PIECE_COLUMNS = 384,
  /* Pieces are halved down to these sizes while there are fewer than WANTED_PIECES. */
  LEAST_ROWS = 64,
  LEAST_COLUMNS = 48,
  WANTED_PIECES = 8,
  /* Multiplications that are worth a task of their own: some 30 microseconds. */
  PIECE_PRODUCTS = 1 << 21,
  /* Reading a matrix costs about as much as multiplying it with this many rows. */
  MEMORY_BOUND_ROWS = 16,
};

static void use_one_openblas_thread(void) { openblas_set_num_threads(1); }

static void prepare_openblas(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, use_one_openblas_thread);
}

/* One row times a matrix: reading the matrix once is all there is to do. */
static void multiply_row(size_t N, size_t K, float alpha, ck_matrix a, ck_matrix b, float *c,
                         float beta) {
  int x_stride = a.transposed ? (int)a.stride : 1;
  if (b.transposed) {
    cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)N, (int)K, alpha, b.data, (int)b.stride, a.data,
                x_stride, beta, c, 1);
  } else {
    cblas_sgemv(CblasRowMajor, CblasTrans, (int)K, (int)N, alpha, b.data, (int)b.stride, a.data,
                x_stride, beta, c, 1);
  }
}

static void set_zero(size_t M, size_t N, float *c, size_t c_stride) {
  for (size_t i = 0; i < M; i++) memset(c + i * c_stride, 0, N * sizeof *c);
}

void ck_matmul_piece(size_t M, size_t N, size_t K, float alpha, ck_matrix a, ck_matrix b, float *c,
                     size_t c_stride, bool accumulate) {
  if (M == 0 || N == 0) return;
  if (K == 0) {
    if (!accumulate) set_zero(M, N, c, c_stride);
    return;
  }
  prepare_openblas();
  float beta = accumulate ? 1.0f : 0.0f;
  if (M == 1) {
    multiply_row(N, K, alpha, a, b, c, beta);
    return;
  }
#if defined(__x86_64__)
  if (ck_level >= CK_LEVEL_AVX512) {
    ck_matmul_piece_avx512(M, N, K, alpha, a, b, c, c_stride, accumulate);
    return;
  }
#endif
  cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans,
              b.transposed ? CblasTrans : CblasNoTrans, (int)M, (int)N, (int)K, alpha, a.data,
              (int)a.stride, b.data, (int)b.stride, beta, c, (int)c_stride);
}

/* How the output [M, N] is cut. */
typedef struct {
  size_t row_pieces, column_pieces; /* how many */
  size_t rows, columns;             /* of one piece */
} piece_grid;

static piece_grid make_grid(size_t M, size_t N, size_t row_pieces, size_t column_pieces) {
  piece_grid grid;
  grid.rows = ck_round_up(ck_ceil_divide(M, row_pieces), 4);
  grid.columns = ck_round_up(ck_ceil_divide(N, column_pieces), 16);
  grid.row_pieces = ck_ceil_divide(M, grid.rows);
  grid.column_pieces = ck_ceil_divide(N, grid.columns);
  return grid;
}

static piece_grid choose_grid(size_t M, size_t N, size_t K) {
  piece_grid grid =
      make_grid(M, N, ck_ceil_divide(M, PIECE_ROWS), ck_ceil_divide(N, PIECE_COLUMNS));
  while (grid.row_pieces * grid.column_pieces < WANTED_PIECES) {
    size_t products = CK_MAX(grid.rows, MEMORY_BOUND_ROWS) * grid.columns * K;
    if (products < 2 * PIECE_PRODUCTS) break;
    if (grid.columns >= 2 * LEAST_COLUMNS) {
      grid = make_grid(M, N, grid.row_pieces, 2 * grid.column_pieces);
    } else if (grid.rows >= 2 * LEAST_ROWS) {
      grid = make_grid(M, N, 2 * grid.row_pieces, grid.column_pieces);
    } else {
      break;
    }
  }
  return grid;
}

typedef struct {
  size_t M, N, K;
  float alpha;
  ck_matrix a, b;
  float *c;
  size_t c_stride;
  bool accumulate;
  piece_grid grid;
} product;

static const float *element(ck_matrix m, size_t row, size_t column) {
  return m.transposed ? m.data + column * m.stride + row : m.data + row * m.stride + column;
}

static void multiply_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const product *p = context;
  ck_range rows = ck_piece(p->M, p->grid.rows, task / p->grid.column_pieces);
  ck_range columns = ck_piece(p->N, p->grid.columns, task % p->grid.column_pieces);
  ck_matrix a = p->a, b = p->b;
  a.data = element(a, rows.first, 0);
  b.data = element(b, 0, columns.first);
  ck_matmul_piece(rows.count, columns.count, p->K, p->alpha, a, b,
                  p->c + rows.first * p->c_stride + columns.first, p->c_stride, p->accumulate);
}

void ck_matmul(size_t M, size_t N, size_t K, float alpha, ck_matrix a, ck_matrix b, float *c,
               size_t c_stride, bool accumulate) {
  if (M == 0 || N == 0) return;
  product p = {M, N, K, alpha, a, b, c, c_stride, accumulate, choose_grid(M, N, K)};
  ck_parallel_for(p.grid.row_pieces * p.grid.column_pieces, CK_ANY_WORKERS, multiply_task, &p);
}
