#include "products/bf16.h"

typedef struct {
  const char *x;
  const int32_t *rows;
  char *out;
  size_t count, row_bytes;
  size_t T; /* rows of out */
  size_t piece;
} selection;

static size_t rows_of_piece(size_t row_bytes) {
  return ck_task_rows(ck_ceil_divide(row_bytes, sizeof(float)));
}

static void gather_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const selection *p = context;
  ck_range piece = ck_piece(p->count, p->piece, task);
  for (size_t i = piece.first; i < piece.first + piece.count; i++) {
    memcpy(p->out + i * p->row_bytes, p->x + (size_t)p->rows[i] * p->row_bytes, p->row_bytes);
  }
}

void ck_gather_rows(const void *x, const int32_t *rows, void *out, size_t count,
                    size_t row_bytes) {
  selection p = {x, rows, out, count, row_bytes, 0, rows_of_piece(row_bytes)};
  ck_parallel_for(ck_ceil_divide(count, p.piece), CK_ANY_WORKERS, gather_task, &p);
}

static void clear_rows(const selection *p, size_t first, size_t end) {
  memset(p->out + first * p->row_bytes, 0, (end - first) * p->row_bytes);
}

/* Each row with the zeros before it; the last with those behind it as well. */
static void scatter_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const selection *p = context;
  ck_range piece = ck_piece(p->count, p->piece, task);
  for (size_t i = piece.first; i < piece.first + piece.count; i++) {
    size_t row = (size_t)p->rows[i];
    clear_rows(p, i == 0 ? 0 : (size_t)p->rows[i - 1] + 1, row);
    memcpy(p->out + row * p->row_bytes, p->x + i * p->row_bytes, p->row_bytes);
    if (i + 1 == p->count) clear_rows(p, row + 1, p->T);
  }
}

void ck_scatter_rows(const void *x, const int32_t *rows, size_t count, void *out, size_t T,
                     size_t row_bytes) {
  selection p = {x, rows, out, count, row_bytes, T, rows_of_piece(row_bytes)};
  if (count == 0) clear_rows(&p, 0, T);
  ck_parallel_for(ck_ceil_divide(count, p.piece), CK_ANY_WORKERS, scatter_task, &p);
}

/* ---- Sums ------------------------------------------------------------------------------------*/

CK_KERNEL(void, add_floats, (const float *restrict x, float *restrict out, size_t count),
          (x, out, count)) {
  for (size_t i = 0; i < count; i++) out[i] += x[i];
}

CK_KERNEL(void, add_bf16, (const uint16_t *restrict x, uint16_t *restrict out, size_t count),
          (x, out, count)) {
  for (size_t i = 0; i < count; i++) {
    out[i] = ck_bfloat16_from_float(ck_float_from_bf16(out[i]) + ck_float_from_bf16(x[i]));
  }
}

typedef struct {
  ck_input x;
  const int32_t *rows;
  ck_output out;
  size_t count, D, piece;
} row_sums;

static void add_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const row_sums *p = context;
  ck_range piece = ck_piece(p->count, p->piece, task);
  for (size_t i = piece.first; i < piece.first + piece.count; i++) {
    size_t row = (size_t)p->rows[i] * p->D;
    if (p->out.float32) {
      add_floats(p->x.float32 + i * p->D, p->out.float32 + row, p->D);
    } else {
      add_bf16(p->x.bfloat16 + i * p->D, p->out.bfloat16 + row, p->D);
    }
  }
}

void ck_add_to_rows(ck_input x, const int32_t *rows, ck_output out, size_t count, size_t D) {
  row_sums p = {x, rows, out, count, D, ck_task_rows(D)};
  ck_parallel_for(ck_ceil_divide(count, p.piece), CK_ANY_WORKERS, add_task, &p);
}
