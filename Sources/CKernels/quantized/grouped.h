/* What the kernels over whole numbers in groups share. */
#pragma once

#include "numbers/convert.h"
#include "quantized.h"

/* Number `place` of the scales. */
CK_INLINE float ck_grouped_scale(const ck_grouped *w, size_t place) {
  uint16_t bits = w->scales[place];
  return w->scale_type == CK_FLOAT16 ? ck_float_from_float16(bits)
                                     : ck_float_from_bits((uint32_t)bits << 16);
}
