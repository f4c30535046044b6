#include "products/float_piece.h"

#include <string.h>

/* Pieces of products that a task needs for itself: both operands are laid out as they are used. */

enum {
  DEPTH = 512,           /* k at a time: a panel is then in the first-level cache */
  LEFT_FLOATS = 48 << 10 /* the rows' part of them, in the second level */
};

typedef struct {
  float left[LEFT_FLOATS + 8];
  float panel[DEPTH * CK_MOST_FLOAT_COLUMNS];
} piece_memory;

/* Rows `rows` of C, from the columns of one panel; the last panel's may be fewer than a tile has. */
static void multiply_panel(const ck_piece_product *p, const piece_memory *memory, ck_range rows,
                           ck_range columns, size_t depth, bool accumulate) {
  size_t step = ck_kernels.float_rows, width = ck_kernels.float_columns;
  for (size_t r = 0; r < rows.count; r += step) {
    const float *left = memory->left + r * depth;
    float *c = p->c + (rows.first + r) * p->c_stride + columns.first;
    size_t count = CK_MIN(step, rows.count - r);
    if (columns.count == width) {
      ck_kernels.float_tile(left, memory->panel, depth, count, c, p->c_stride, accumulate);
      continue;
    }
    float block[CK_MOST_FLOAT_ROWS][CK_MOST_FLOAT_COLUMNS] = {{0}};
    for (size_t i = 0; accumulate && i < count; i++) {
      memcpy(block[i], c + i * p->c_stride, columns.count * sizeof *c);
    }
    ck_kernels.float_tile(left, memory->panel, depth, count, block[0], CK_MOST_FLOAT_COLUMNS,
                          accumulate);
    for (size_t i = 0; i < count; i++) {
      memcpy(c + i * p->c_stride, block[i], columns.count * sizeof *c);
    }
  }
}

static void pack_rows(const ck_piece_product *p, ck_range rows, ck_range k, float *left) {
  size_t step = ck_kernels.float_rows;
  for (size_t r = 0; r < rows.count; r += step) {
    ck_range tile = {rows.first + r, CK_MIN(step, rows.count - r)};
    ck_interleave_rows(&p->left, tile, k, p->scale, left + r * k.count, step);
  }
}

void ck_multiply_piece(const ck_piece_product *p) {
  static _Thread_local piece_memory memory;
  size_t step = ck_kernels.float_rows, width = ck_kernels.float_columns;
  for (size_t first = 0; first < p->K; first += DEPTH) {
    ck_range k = {first, CK_MIN(DEPTH, p->K - first)};
    size_t most = LEFT_FLOATS / k.count / step * step;
    for (size_t m = 0; m < p->M; m += most) {
      ck_range rows = {m, CK_MIN(most, p->M - m)};
      pack_rows(p, rows, k, memory.left);
      for (size_t n = 0; n < p->N; n += width) {
        ck_range columns = {n, CK_MIN(width, p->N - n)};
        ck_float_panels(&p->right, columns, k, width, memory.panel, 0);
        multiply_panel(p, &memory, rows, columns, k.count, p->accumulate || first > 0);
      }
    }
  }
}
