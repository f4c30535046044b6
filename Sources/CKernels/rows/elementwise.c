#include "products/bf16.h"
#include "numbers/tanh.h"

CK_KERNEL(void, add, (const float *restrict x, float *restrict y, size_t count), (x, y, count)) {
  for (size_t i = 0; i < count; i++) y[i] += x[i];
}

CK_KERNEL(void, multiply, (float *x, float factor, size_t count), (x, factor, count)) {
  for (size_t i = 0; i < count; i++) x[i] *= factor;
}

CK_KERNEL(void, shift, (float *x, float number, size_t count), (x, number, count)) {
  for (size_t i = 0; i < count; i++) x[i] += number;
}

CK_KERNEL(void, cap_elements, (float *x, float cap, size_t count), (x, cap, count)) {
  for (size_t i = 0; i < count; i++) x[i] = ck_capped(x[i], cap);
}

CK_KERNEL(double, sum_of_squares, (const float *x, size_t count), (x, count)) {
  CK_SUM_IN_LANES
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += (double)x[i] * (double)x[i];
  return sum;
}

/* ---- Element by element ----------------------------------------------------------------------*/

typedef struct {
  const float *x;
  float *y;
  size_t count;
} addition;

static void add_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const addition *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  add(p->x + r.first, p->y + r.first, r.count);
}

void ck_add(const float *x, float *y, size_t count) {
  addition p = {x, y, count};
  ck_parallel_for(ck_ceil_divide(count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, add_task, &p);
}

/* ---- Scaled sums: what is not float32, and what may be its own input, goes through a buffer --*/

CK_KERNEL(void, scaled_sum,
          (const float *restrict x, float scale, const float *restrict residual,
           float *restrict out, size_t count),
          (x, scale, residual, out, count)) {
  for (size_t i = 0; i < count; i++) out[i] = residual[i] + scale * x[i];
}

CK_KERNEL(void, scaled, (const float *restrict x, float scale, float *restrict out, size_t count),
          (x, scale, out, count)) {
  for (size_t i = 0; i < count; i++) out[i] = scale * x[i];
}

enum { PIECE = 1024 };

static void scaled_sum_piece(const ck_scaled_sum *p, size_t first, size_t count) {
  float wide[PIECE], sum[PIECE];
  const float *x = p->x.float32 ? p->x.float32 + first : wide;
  if (!p->x.float32) ck_bf16_widen(p->x.bfloat16 + first, wide, count);
  if (p->residual) {
    scaled_sum(x, p->scale, p->residual + first, sum, count);
  } else {
    scaled(x, p->scale, sum, count);
  }
  if (p->out.float32) {
    memcpy(p->out.float32 + first, sum, count * sizeof *sum);
  } else {
    ck_bf16_narrow(sum, p->out.bfloat16 + first, count);
  }
}

static void scaled_sum_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const ck_scaled_sum *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  for (size_t first = 0; first < r.count; first += PIECE) {
    scaled_sum_piece(p, r.first + first, CK_MIN(PIECE, r.count - first));
  }
}

void ck_add_scaled(ck_scaled_sum p) {
  ck_parallel_for(ck_ceil_divide(p.count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, scaled_sum_task, &p);
}

/* ---- What becomes of elements with one number ------------------------------------------------*/

typedef struct {
  void (*change)(float *x, float number, size_t count);
  float *x, number;
  size_t count;
} change;

static void change_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const change *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  p->change(p->x + r.first, p->number, r.count);
}

static void change_all(change p) {
  ck_parallel_for(ck_ceil_divide(p.count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, change_task, &p);
}

void ck_scale(float *x, float factor, size_t count) {
  change_all((change){multiply, x, factor, count});
}

void ck_add_number(float *x, float number, size_t count) {
  change_all((change){shift, x, number, count});
}

void ck_soft_cap(float *x, float cap, size_t count) {
  change_all((change){cap_elements, x, cap, count});
}

/* ---- Rows ------------------------------------------------------------------------------------*/

typedef struct {
  const float *row;
  float *x;
  size_t T, N;
} row_sum;

static void add_row_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const row_sum *p = context;
  ck_range rows = ck_piece(p->T, ck_task_rows(p->N), task);
  for (size_t t = rows.first; t < rows.first + rows.count; t++) add(p->row, p->x + t * p->N, p->N);
}

void ck_add_row(const float *row, float *x, size_t T, size_t N) {
  row_sum p = {row, x, T, N};
  ck_parallel_for(ck_ceil_divide(T, ck_task_rows(N)), CK_ANY_WORKERS, add_row_task, &p);
}

/* ---- Squares ---------------------------------------------------------------------------------*/

/* Partial sums of up to this many tasks are gathered before they are added, in order. */
enum { PARTIAL_SUMS = 64 };

typedef struct {
  const float *x;
  size_t count;
  double sums[PARTIAL_SUMS];
} squares;

static void squares_task(void *context, size_t task, size_t worker) {
  (void)worker;
  squares *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  p->sums[task] = sum_of_squares(p->x + r.first, r.count);
}

double ck_sum_of_squares(const float *x, size_t count) {
  double sum = 0;
  for (size_t first = 0; first < count; first += PARTIAL_SUMS * CK_TASK_ELEMENTS) {
    squares p = {.x = x + first, .count = CK_MIN(count - first, PARTIAL_SUMS * CK_TASK_ELEMENTS)};
    size_t tasks = ck_ceil_divide(p.count, CK_TASK_ELEMENTS);
    ck_parallel_for(tasks, CK_ANY_WORKERS, squares_task, &p);
    for (size_t i = 0; i < tasks; i++) sum += p.sums[i];
  }
  return sum;
}
