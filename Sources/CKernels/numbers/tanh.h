#pragma once

#include "numbers/exp.h"

/* tanh in float32, within 2 units in the last place, in operations that vectorize: near zero an odd
 * polynomial (the coefficients of Moshier's Cephes), elsewhere
 *
 *   tanh(x) = 1 - 2 / (e^{2x} + 1)
 *
 * NaN stays NaN. */
CK_INLINE float ck_tanh(float x) {
#pragma clang fp contract(fast)
  float square = x * x;
  float p = -5.70498872745e-3f;
  p = p * square + 2.06390887954e-2f;
  p = p * square + -5.37397155531e-2f;
  p = p * square + 1.33314422036e-1f;
  p = p * square + -3.33332819422e-1f;
  float near_zero = (p * square) * x + x;
  float elsewhere = 1 - 2 / (ck_exp(2 * x) + 1);
  return square < 0.390625f ? near_zero : elsewhere; /* 0.625 squared */
}

/* c · tanh(x / c), and its slope 1 - (capped / c)²: "soft caps" of scores and logits (Gemma 2). */
CK_INLINE float ck_capped(float x, float cap) { return cap * ck_tanh(x / cap); }
CK_INLINE float ck_cap_slope(float capped, float cap) {
  float ratio = capped / cap;
  return 1 - ratio * ratio;
}
