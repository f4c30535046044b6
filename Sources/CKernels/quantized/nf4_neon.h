/* NF4 values by looking up bytes with NEON: the 16 values of a block as bfloat16, their low bytes
 * in one table and their high bytes in another. */
#pragma once

#include "quantized/nf4.h"

#if defined(__aarch64__)
#include <arm_neon.h>

typedef struct {
  uint8x16_t low, high;
} ck_value_table;

CK_INLINE ck_value_table ck_table_of_words(uint16x8_t first, uint16x8_t last) {
  uint8x16_t x = vreinterpretq_u8_u16(first), y = vreinterpretq_u8_u16(last);
  return (ck_value_table){vuzp1q_u8(x, y), vuzp2q_u8(x, y)};
}

/* Four of the scaled values, rounded to nearest, ties to even. */
CK_INLINE uint16x4_t ck_rounded_values(size_t first, float absmax) {
  float32x4_t scaled = vmulq_n_f32(vld1q_f32(ck_nf4_code_values + first), absmax);
  uint32x4_t bits = vreinterpretq_u32_f32(scaled);
  uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
  return vshrn_n_u32(vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff))), 16);
}

CK_INLINE ck_value_table ck_table_by_integers(float absmax) {
  return ck_table_of_words(
      vcombine_u16(ck_rounded_values(0, absmax), ck_rounded_values(4, absmax)),
      vcombine_u16(ck_rounded_values(8, absmax), ck_rounded_values(12, absmax)));
}

CK_NEON_BF16 CK_INLINE uint16x8_t ck_eight_values(size_t first, float absmax) {
  float32x4_t low = vmulq_n_f32(vld1q_f32(ck_nf4_code_values + first), absmax);
  float32x4_t high = vmulq_n_f32(vld1q_f32(ck_nf4_code_values + first + 4), absmax);
  return vreinterpretq_u16_bf16(vcvtq_high_bf16_f32(vcvtq_low_bf16_f32(low), high));
}

/* The same with the instruction for it. */
CK_NEON_BF16 CK_INLINE ck_value_table ck_table_by_hardware(float absmax) {
  return ck_table_of_words(ck_eight_values(0, absmax), ck_eight_values(8, absmax));
}

/* 16 values, 8 in a register, for as many codes. */
CK_INLINE uint16x8x2_t ck_look_up(ck_value_table table, uint8x16_t codes) {
  uint8x16_t low = vqtbl1q_u8(table.low, codes), high = vqtbl1q_u8(table.high, codes);
  return (uint16x8x2_t){{vreinterpretq_u16_u8(vzip1q_u8(low, high)),
                         vreinterpretq_u16_u8(vzip2q_u8(low, high))}};
}

/* The codes of 32 elements: of the even ones and of the odd ones. */
CK_INLINE uint8x16x2_t ck_load_codes(const uint8_t *codes) {
  uint8x16_t both = vld1q_u8(codes);
  return (uint8x16x2_t){{vshrq_n_u8(both, 4), vandq_u8(both, vdupq_n_u8(15))}};
}
#endif
