#pragma once

#include "numbers/bits.h"

/* e^x in float32, about one unit in the last place off, in operations that vectorize.
 *
 *   e^x = 2^n e^r,  n = round(x / ln 2),  r = x - n ln 2 in [-ln 2 / 2, ln 2 / 2]
 *
 * ln 2 is split so that n times its first part is exact (Cody & Waite 1980); e^r is a polynomial.
 * Below -87.3 the result is that of -87.3, the smallest normal number; above 88.3 it is infinity.
 * NaN stays NaN.
 * Multiplications and additions may be fused, so the last bit can depend on the processor. */
CK_INLINE float ck_exp(float x) {
#pragma clang fp contract(fast)
  const float round_to_integer = 12582912.0f; /* 1.5 * 2^23: the sum has no fraction bits left */
  x = x > 89.0f ? 89.0f : x;
  x = x < -87.3f ? -87.3f : x;
  float shifted = x * 1.44269504f + round_to_integer;
  float n = shifted - round_to_integer;
  float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = (p * r) * r + r + 1.0f;
  uint32_t exponent = ck_bits_of_float(shifted) - ck_bits_of_float(round_to_integer) + 127;
  return p * ck_float_from_bits(exponent << 23);
}
