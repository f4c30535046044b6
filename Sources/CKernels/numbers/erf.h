#pragma once

#include "numbers/exp.h"

/* The error function in float32, 2e-7 off at most, in operations that vectorize:
 *
 *   erf(x) = 1 - t P(t) e^{-x²},  t = 1 / (1 + 0.3275911 x),  x >= 0
 *
 * (Hastings' coefficients; Abramowitz & Stegun 1964, 7.1.26), odd in x. The exponential comes from
 * the caller, who often needs it as well. */
CK_INLINE float ck_erf(float x, float exp_of_minus_square) {
#pragma clang fp contract(fast)
  float magnitude = x < 0 ? -x : x;
  float t = 1 / (1 + 0.3275911f * magnitude);
  float p = 1.061405429f;
  p = p * t + -1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t + -0.284496736f;
  p = p * t + 0.254829592f;
  float value = 1 - p * t * exp_of_minus_square;
  return x < 0 ? -value : value;
}
