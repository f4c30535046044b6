/* Conversions between float32 and the 16-bit floats, bit by bit, so that they vectorize and round
 * the same on every machine: to nearest, ties to even. */
#pragma once

#include "numbers/bits.h"

/* 1 sign, 8 exponent and 7 fraction bits: the upper half of a float32. */
CK_INLINE uint16_t ck_bfloat16_from_float(float value) {
  uint32_t bits = ck_bits_of_float(value);
  uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  uint32_t quiet_nan = bits >> 16 | 0x40;
  return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? quiet_nan : rounded);
}

/* 1 sign, 5 exponent and 10 fraction bits. */
CK_INLINE float ck_float_from_float16(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  uint32_t magnitude = half & 0x7fff;
  /* Exponent and fraction moved into place are a float32 that is 2^112 too small; subnormal halves
   * included, so one exact multiplication sets the value right. */
  float value = ck_float_from_bits(magnitude << 13) * 0x1p112f;
  uint32_t bits = magnitude >= 0x7c00 ? 0x7f800000 | magnitude << 13 : ck_bits_of_float(value);
  return ck_float_from_bits(sign | bits);
}

CK_INLINE uint16_t ck_float16_from_float(float value) {
  uint32_t bits = ck_bits_of_float(value);
  uint32_t sign = bits >> 16 & 0x8000;
  uint32_t magnitude = bits & 0x7fffffff;
  /* Normal halves: move the exponent by 112, round the 13 lost bits. A carry goes into the
   * exponent, up to infinity. */
  uint32_t normal = (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
  /* Below 2^-14 halves are multiples of 2^-24, the last bit of a float32 at 0.5: adding 0.5 rounds
   * to one. */
  uint32_t small = ck_bits_of_float(ck_float_from_bits(magnitude) + 0.5f) - 0x3f000000;
  uint32_t half = magnitude < 113u << 23 ? small : normal;
  half = magnitude >= 0x47800000 ? 0x7c00 : half; /* 65536 and above */
  half = magnitude > 0x7f800000 ? 0x7e00 | (magnitude >> 13 & 0x3ff) : half;
  return (uint16_t)(sign | half);
}
