#include "products/float_piece.h"

#include <string.h>

/* Large products are cut into a grid of pieces of the output, each made over the whole contraction on
 * one thread. The grid depends on the shape alone, and so do the bits. */

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

/* ---- One row: reading the matrix once is all there is to do ----------------------------------*/

CK_KERNEL(void, add_scaled,
          (float factor, const float *restrict x, float *restrict sum, size_t count),
          (factor, x, sum, count)) {
#pragma clang fp contract(fast)
  for (size_t i = 0; i < count; i++) sum[i] += factor * x[i];
}

static float left_element(const ck_float_product *p, size_t k) {
  return p->a.data[p->a.transposed ? k * p->a.stride : k];
}

/* c += alpha · a B, where a row of B is read after the other. */
static void multiply_row_by_rows(const ck_float_product *p) {
  for (size_t k = 0; k < p->K; k++) {
    add_scaled(p->alpha * left_element(p, k), p->b.data + k * p->b.stride, p->c, p->N);
  }
}

/* The same where the columns of B lie in memory as rows. */
static void multiply_row_by_columns(const ck_float_product *p) {
  float row[PIECE_COLUMNS];
  for (size_t first = 0; first < p->K; first += PIECE_COLUMNS) {
    ck_range k = {first, CK_MIN(PIECE_COLUMNS, p->K - first)};
    for (size_t i = 0; i < k.count; i++) row[i] = p->alpha * left_element(p, first + i);
    for (size_t n = 0; n < p->N; n++) {
      p->c[n] += ck_dot(row, p->b.data + n * p->b.stride + first, k.count);
    }
  }
}

/* ---- A piece on the calling thread -----------------------------------------------------------*/

static void set_zero(const ck_float_product *p) {
  for (size_t i = 0; i < p->M; i++) memset(p->c + i * p->c_stride, 0, p->N * sizeof *p->c);
}

void ck_matmul_piece(const ck_float_product *p) {
  if (p->M == 0 || p->N == 0) return;
  if (p->K == 0 || p->M == 1) {
    if (!p->accumulate) set_zero(p);
    if (p->b.transposed) {
      multiply_row_by_columns(p);
    } else {
      multiply_row_by_rows(p);
    }
  } else {
    ck_multiply_piece(&(ck_piece_product){
        .M = p->M, .N = p->N, .K = p->K, .scale = p->alpha,
        .left = {.float32 = p->a.data, .stride = p->a.stride, .transposed = p->a.transposed},
        .right = {.float32 = p->b.data, .scale = 1, .stride = p->b.stride,
                  .transposed = p->b.transposed},
        .c = p->c, .c_stride = p->c_stride, .accumulate = p->accumulate});
  }
}

/* ---- Pieces of a large product ---------------------------------------------------------------*/

/* How the output [M, N] is cut. */
typedef struct {
  size_t row_pieces, column_pieces; /* how many */
  size_t rows, columns;             /* of one piece */
} piece_grid;

static piece_grid make_grid(size_t M, size_t N, size_t row_pieces, size_t column_pieces) {
  piece_grid grid;
  grid.rows = ck_round_up(ck_ceil_divide(M, row_pieces), ck_kernels.float_rows);
  grid.columns = ck_round_up(ck_ceil_divide(N, column_pieces), ck_kernels.float_columns);
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
  const ck_float_product *product;
  piece_grid grid;
} pieces;

static const float *element(ck_matrix m, size_t row, size_t column) {
  return m.transposed ? m.data + column * m.stride + row : m.data + row * m.stride + column;
}

static void multiply_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const pieces *p = context;
  ck_float_product piece = *p->product;
  ck_range rows = ck_piece(piece.M, p->grid.rows, task / p->grid.column_pieces);
  ck_range columns = ck_piece(piece.N, p->grid.columns, task % p->grid.column_pieces);
  piece.M = rows.count;
  piece.N = columns.count;
  piece.a.data = element(piece.a, rows.first, 0);
  piece.b.data = element(piece.b, 0, columns.first);
  piece.c += rows.first * piece.c_stride + columns.first;
  ck_matmul_piece(&piece);
}

void ck_matmul(const ck_float_product *product) {
  if (product->M == 0 || product->N == 0) return;
  pieces p = {product, choose_grid(product->M, product->N, product->K)};
  ck_parallel_for(p.grid.row_pieces * p.grid.column_pieces, CK_ANY_WORKERS, multiply_task, &p);
}
