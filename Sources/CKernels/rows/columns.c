#include "products/bf16.h"

/* Columns that change places: blocks of them between two tensors of as many rows, or with the rows. */

static void copy_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const ck_column_blocks *p = context;
  ck_range tokens = ck_piece(p->T, ck_task_rows(p->count * p->block_bytes / sizeof(float)), task);
  for (size_t t = tokens.first; t < tokens.first + tokens.count; t++) {
    const char *x = (const char *)p->x + t * p->x_row_bytes;
    char *out = (char *)p->out + t * p->out_row_bytes;
    for (size_t i = 0; i < p->count; i++) {
      size_t from = p->from ? (size_t)p->from[i] : i, to = p->to ? (size_t)p->to[i] : i;
      memcpy(out + to * p->block_bytes, x + from * p->block_bytes, p->block_bytes);
    }
  }
}

void ck_copy_columns(ck_column_blocks p) {
  size_t rows = ck_task_rows(p.count * p.block_bytes / sizeof(float));
  ck_parallel_for(ck_ceil_divide(p.T, rows), CK_ANY_WORKERS, copy_task, &p);
}

/* ---- Transposition ---------------------------------------------------------------------------*/

enum { TILE = 16 };

typedef struct {
  const float *x;
  float *out;
  size_t rows, columns;
} transposition;

/* TILE columns of x, which are rows of out. */
static void transpose_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const transposition *p = context;
  ck_range columns = ck_piece(p->columns, TILE, task);
  for (size_t first = 0; first < p->rows; first += TILE) {
    size_t end = CK_MIN(first + TILE, p->rows);
    for (size_t c = columns.first; c < columns.first + columns.count; c++) {
      for (size_t r = first; r < end; r++) p->out[c * p->rows + r] = p->x[r * p->columns + c];
    }
  }
}

void ck_transpose(const float *x, size_t rows, size_t columns, float *out) {
  transposition p = {x, out, rows, columns};
  ck_parallel_for(ck_ceil_divide(columns, TILE), CK_ANY_WORKERS, transpose_task, &p);
}
