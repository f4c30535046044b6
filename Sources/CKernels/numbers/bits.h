#pragma once

#include <stdint.h>
#include <string.h>

/* Small functions that are compiled into their callers, and so for the same processors. */
#define CK_INLINE static inline __attribute__((always_inline))

CK_INLINE float ck_float_from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

CK_INLINE uint32_t ck_bits_of_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}
