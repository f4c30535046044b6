#include "machine/vector.h"
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

typedef struct {
  const float *x;
  float *y;
  float factor;
  size_t count;
} elements;

static void add_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const elements *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  add(p->x + r.first, p->y + r.first, r.count);
}

void ck_add(const float *x, float *y, size_t count) {
  elements p = {.x = x, .y = y, .count = count};
  ck_parallel_for(ck_ceil_divide(count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, add_task, &p);
}

static void scale_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const elements *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  multiply(p->y + r.first, p->factor, r.count);
}

void ck_scale(float *x, float factor, size_t count) {
  elements p = {.y = x, .factor = factor, .count = count};
  ck_parallel_for(ck_ceil_divide(count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, scale_task, &p);
}

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

void ck_add_number(float *x, float number, size_t count) { shift(x, number, count); }

void ck_add_row(const float *row, float *x, size_t T, size_t N) {
  for (size_t t = 0; t < T; t++) add(row, x + t * N, N);
}

static void cap_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const elements *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  cap_elements(p->y + r.first, p->factor, r.count);
}

void ck_soft_cap(float *x, float cap, size_t count) {
  elements p = {.y = x, .factor = cap, .count = count};
  ck_parallel_for(ck_ceil_divide(count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, cap_task, &p);
}
