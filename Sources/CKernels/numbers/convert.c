#include "numbers/convert.h"
#include "machine/vector.h"

#include <stdatomic.h>

CK_KERNEL(void, widen_bfloat16, (const uint16_t *restrict x, float *restrict y, size_t count),
          (x, y, count)) {
  for (size_t i = 0; i < count; i++) y[i] = ck_float_from_bits((uint32_t)x[i] << 16);
}

CK_KERNEL(void, widen_float16, (const uint16_t *restrict x, float *restrict y, size_t count),
          (x, y, count)) {
  for (size_t i = 0; i < count; i++) y[i] = ck_float_from_float16(x[i]);
}

CK_KERNEL(void, narrow_bfloat16, (const float *restrict x, uint16_t *restrict y, size_t count),
          (x, y, count)) {
  for (size_t i = 0; i < count; i++) y[i] = ck_bfloat16_from_float(x[i]);
}

CK_KERNEL(void, narrow_float16, (const float *restrict x, uint16_t *restrict y, size_t count),
          (x, y, count)) {
  for (size_t i = 0; i < count; i++) y[i] = ck_float16_from_float(x[i]);
}

typedef struct {
  void (*widen)(const uint16_t *, float *, size_t);
  void (*narrow)(const float *, uint16_t *, size_t);
  float *wide;
  uint16_t *half;
  size_t count;
} conversion;

static void convert_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const conversion *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  if (p->widen) {
    p->widen(p->half + r.first, p->wide + r.first, r.count);
  } else {
    p->narrow(p->wide + r.first, p->half + r.first, r.count);
  }
}

static void convert(conversion p) {
  ck_parallel_for(ck_ceil_divide(p.count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, convert_task, &p);
}

void ck_bfloat16_to_float32(const uint16_t *x, float *y, size_t count) {
  convert((conversion){.widen = widen_bfloat16, .half = (uint16_t *)x, .wide = y, .count = count});
}

void ck_float16_to_float32(const uint16_t *x, float *y, size_t count) {
  convert((conversion){.widen = widen_float16, .half = (uint16_t *)x, .wide = y, .count = count});
}

void ck_float32_to_bfloat16(const float *x, uint16_t *y, size_t count) {
  convert((conversion){.narrow = narrow_bfloat16, .half = y, .wide = (float *)x, .count = count});
}

void ck_float32_to_float16(const float *x, uint16_t *y, size_t count) {
  convert((conversion){.narrow = narrow_float16, .half = y, .wide = (float *)x, .count = count});
}

/* A number is not finite where all bits of its exponent are set. */

CK_KERNEL(bool, finite_32, (const uint32_t *x, size_t count), (x, count)) {
  uint32_t found = 0;
  for (size_t i = 0; i < count; i++) found |= (x[i] & 0x7f800000) == 0x7f800000;
  return !found;
}

CK_KERNEL(bool, finite_64, (const uint64_t *x, size_t count), (x, count)) {
  const uint64_t mask = UINT64_C(0x7ff) << 52;
  uint64_t found = 0;
  for (size_t i = 0; i < count; i++) found |= (x[i] & mask) == mask;
  return !found;
}

CK_KERNEL(bool, finite_16, (const uint16_t *x, uint16_t mask, size_t count), (x, mask, count)) {
  uint16_t found = 0;
  for (size_t i = 0; i < count; i++) found |= (x[i] & mask) == mask;
  return !found;
}

typedef struct {
  const void *x;
  size_t element_size, count;
  uint16_t mask_16;
  atomic_bool found;
} finite_check;

static void finite_task(void *context, size_t task, size_t worker) {
  (void)worker;
  finite_check *p = context;
  if (atomic_load_explicit(&p->found, memory_order_relaxed)) return;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  const char *x = (const char *)p->x + r.first * p->element_size;
  bool finite = p->element_size == 8   ? finite_64((const void *)x, r.count)
                : p->element_size == 4 ? finite_32((const void *)x, r.count)
                                       : finite_16((const void *)x, p->mask_16, r.count);
  if (!finite) atomic_store_explicit(&p->found, true, memory_order_relaxed);
}

static bool all_finite(const void *x, size_t element_size, uint16_t mask_16, size_t count) {
  finite_check p = {.x = x, .element_size = element_size, .count = count, .mask_16 = mask_16};
  ck_parallel_for(ck_ceil_divide(count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, finite_task, &p);
  return !p.found;
}

bool ck_all_finite_float32(const float *x, size_t count) { return all_finite(x, 4, 0, count); }
bool ck_all_finite_float64(const double *x, size_t count) { return all_finite(x, 8, 0, count); }
bool ck_all_finite_16(const uint16_t *x, uint16_t exponent_mask, size_t count) {
  return all_finite(x, 2, exponent_mask, count);
}
