#include "machine/vector.h"

CK_SHARED_KERNEL(float, ck_row_maximum, (const float *x, size_t count), (x, count)) {
  return ck_maximum(x, count);
}

CK_SHARED_KERNEL(float, ck_dot, (const float *x, const float *y, size_t count), (x, y, count)) {
#pragma clang fp contract(fast)
  CK_SUM_IN_LANES
  float sum = 0;
  for (size_t i = 0; i < count; i++) sum += x[i] * y[i];
  return sum;
}
