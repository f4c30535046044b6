/* Shared by the kernels that the compiler vectorizes. */
#pragma once

#include "machine/dispatch.h"

/* At the top of a block: sums in it may be split over vector lanes. The order is then fixed by the
 * compiler, the same for every run. */
#define CK_SUM_IN_LANES _Pragma("clang fp reassociate(on)")

#define CK_MIN(a, b) ((a) < (b) ? (a) : (b))
#define CK_MAX(a, b) ((a) > (b) ? (a) : (b))

static inline size_t ck_ceil_divide(size_t a, size_t b) { return (a + b - 1) / b; }
static inline size_t ck_round_up(size_t a, size_t multiple) {
  return ck_ceil_divide(a, multiple) * multiple;
}

/* Piece `index` of `count` elements cut into pieces of `length`. */
typedef struct {
  size_t first, count;
} ck_range;

static inline ck_range ck_piece(size_t count, size_t length, size_t index) {
  size_t first = index * length;
  return (ck_range){first, CK_MIN(length, count - first)};
}

/* The largest of `count` > 0 numbers, in lanes of its own making: compilers do not vectorize a
 * maximum of floats, for fear of NaN. */
CK_INLINE float ck_maximum(const float *x, size_t count) {
  enum { LANES = 16 };
  typedef float vector __attribute__((ext_vector_type(LANES)));
  vector lanes = x[0];
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    vector next;
    memcpy(&next, x + i, sizeof next);
    lanes = next > lanes ? next : lanes;
  }
  float last[LANES];
  memcpy(last, &lanes, sizeof last);
  for (; i < count; i++) last[0] = CK_MAX(x[i], last[0]);
  for (size_t half = LANES / 2; half > 0; half /= 2) {
    for (size_t j = 0; j < half; j++) last[j] = CK_MAX(last[j + half], last[j]);
  }
  return last[0];
}

/* The same, compiled for every level, for callers that are not. */
float ck_row_maximum(const float *x, size_t count);

/* The sum of x[i] · y[i]. */
float ck_dot(const float *x, const float *y, size_t count);

/* Elements that one task of an element-wise kernel handles: a few microseconds of work. */
enum { CK_TASK_ELEMENTS = 32768 };

/* Rows of `width` elements that make up such a task. */
static inline size_t ck_task_rows(size_t width) {
  return CK_MAX(CK_TASK_ELEMENTS / CK_MAX(width, 1), 1);
}

/* Kernels without scratch let any number of threads join. */
#define CK_ANY_WORKERS SIZE_MAX
