#include "machine/vector.h"

CK_SHARED_KERNEL(float, ck_row_maximum, (const float *x, size_t count), (x, count)) {
  return ck_maximum(x, count);
}
