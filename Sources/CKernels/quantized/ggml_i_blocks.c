#include "quantized/ggml_i_blocks.h"

#include "numbers/convert.h"
#include "machine/vector.h"
#include "quantized/ggml_grids.h"

/* ---- A table of 16 values --------------------------------------------------------------------*/

static const int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                      1,    13,   25,  38,  53,  69,  89,  113};

/* Twice the values of a four-bit float: 1 sign, 2 exponent and 1 fraction bit. */
static const int8_t fp4_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

CK_INLINE void decode_table(const int8_t *table, const uint8_t *q, float d, float *restrict y) {
  for (int i = 0; i < 16; i++) {
    y[i] = d * (float)table[q[i] & 15];
    y[i + 16] = d * (float)table[q[i] >> 4];
  }
}

CK_SHARED_KERNEL(void, ggml_decode_iq4_nl,
                 (const block_iq4_nl *restrict b, float *restrict y, size_t blocks),
                 (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++, y += 32) {
    decode_table(iq4_values, b->q, ck_float_from_float16(b->d), y);
  }
}

CK_SHARED_KERNEL(void, ggml_decode_iq4_xs,
                 (const block_iq4_xs *restrict b, float *restrict y, size_t blocks),
                 (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++, y += K_BLOCK) {
    float d = ck_float_from_float16(b->d);
    for (int group = 0; group < 8; group++) {
      int low = b->scales_low[group / 2] >> group % 2 * 4 & 15;
      int high = b->scales_high >> 2 * group & 3;
      float scale = d * (float)((low | high << 4) - 32);
      decode_table(iq4_values, b->q + group * 16, scale, y + group * 32);
    }
  }
}

CK_SHARED_KERNEL(void, ggml_decode_mxfp4,
                 (const block_mxfp4 *restrict b, float *restrict y, size_t blocks),
                 (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++, y += 32) {
    /* Half of 2^(exponent - 127), for the table has twice the values. */
    uint32_t e = b->exponent;
    float d = ck_float_from_bits(e < 2 ? 0x00200000u << e : (e - 1) << 23);
    decode_table(fp4_values, b->q, d, y);
  }
}

/* ---- Ternary ---------------------------------------------------------------------------------*/

/* Digit 0 ... 4 of a byte that is a fraction of 256 in base three, as -1, 0 or 1. */
static inline int ternary_digit(uint8_t byte, int digit) {
  static const uint8_t power[5] = {1, 3, 9, 27, 81};
  uint8_t shifted = (uint8_t)(byte * power[digit]);
  return (shifted * 3 >> 8) - 1;
}

CK_SHARED_KERNEL(void, ggml_decode_tq1_0,
                 (const block_tq1_0 *restrict b, float *restrict y, size_t blocks),
                 (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++) {
    float d = ck_float_from_float16(b->d);
    for (int digit = 0; digit < 5; digit++, y += 32) {
      for (int i = 0; i < 32; i++) y[i] = d * (float)ternary_digit(b->q[i], digit);
    }
    for (int digit = 0; digit < 5; digit++, y += 16) {
      for (int i = 0; i < 16; i++) y[i] = d * (float)ternary_digit(b->q[32 + i], digit);
    }
    for (int digit = 0; digit < 4; digit++, y += 4) {
      for (int i = 0; i < 4; i++) y[i] = d * (float)ternary_digit(b->rest[i], digit);
    }
  }
}

CK_SHARED_KERNEL(void, ggml_decode_tq2_0,
                 (const block_tq2_0 *restrict b, float *restrict y, size_t blocks),
                 (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++, y += K_BLOCK) {
    float d = ck_float_from_float16(b->d);
    for (int group = 0; group < 8; group++) {
      const uint8_t *q = b->q + group / 4 * 32;
      for (int i = 0; i < 32; i++) {
        y[group * 32 + i] = d * (float)((q[i] >> group % 4 * 2 & 3) - 1);
      }
    }
  }
}

/* ---- Grids -----------------------------------------------------------------------------------*/

/* Signs of eight elements, of which seven are stored: an even number of them is negative. */
static inline uint32_t all_signs(uint32_t seven) {
  return seven | (uint32_t)__builtin_parity(seven) << 7;
}

static inline float signed_value(float value, uint32_t signs, int element) {
  return value * (signs >> element & 1 ? -1.0f : 1.0f);
}

/* Codes 0, 1, 2 stand for 8, 25, 43. */
CK_INLINE void put_iq2(float d, uint32_t entry, uint32_t signs, float *restrict y) {
  for (int i = 0; i < 8; i++) {
    uint32_t code = entry >> 2 * i & 3;
    y[i] = signed_value(d * (float)(int)(8 + 17 * code + (code >> 1)), signs, i);
  }
}

/* Codes 0 ... 7 stand for 4, 12, ... 52 and 62. */
CK_INLINE void put_iq3_xxs(float d, uint32_t entry, uint32_t signs, float *restrict y) {
  for (int i = 0; i < 4; i++) {
    uint32_t code = entry >> 4 * i & 7;
    y[i] = signed_value(d * (float)(int)(4 + 8 * code + (code == 7 ? 2 : 0)), signs, i);
  }
}

/* Codes 0 ... 7 stand for 1, 3, ... 15. */
CK_INLINE void put_iq3_s(float d, uint32_t entry, uint32_t signs, float *restrict y) {
  for (int i = 0; i < 4; i++) {
    y[i] = signed_value(d * (float)(int)(1 + 2 * (entry >> 4 * i & 7)), signs, i);
  }
}

/* Codes 0, 1, 2 stand for -1, 0, 1, moved by an eighth. */
CK_INLINE void put_iq1(float d, uint32_t entry, float shift, float *restrict y) {
  for (int i = 0; i < 8; i++) y[i] = d * ((float)((int)(entry >> 2 * i & 3) - 1) + shift);
}

static inline uint32_t word(const void *bytes, int index) {
  uint32_t value;
  memcpy(&value, (const uint8_t *)bytes + 4 * index, sizeof value);
  return value;
}

CK_SHARED_KERNEL(void, ggml_decode_iq2_xxs,
                 (const block_iq2_xxs *restrict b, float *restrict y, size_t blocks),
                 (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++) {
    float d = ck_float_from_float16(b->d);
    for (int group = 0; group < 8; group++) {
      uint32_t places = word(b->q, 2 * group), rest = word(b->q, 2 * group + 1);
      float scale = d * (0.5f + (float)(int)(rest >> 28)) * 0.25f;
      for (int i = 0; i < 4; i++, y += 8) {
        uint32_t entry = ggml_iq2_xxs_grid[places >> 8 * i & 255];
        put_iq2(scale, entry, all_signs(rest >> 7 * i & 127), y);
      }
    }
  }
}

/* Scale of the 16 elements that eight number `eight` belongs to. */
static inline float iq2_scale(const uint8_t *scales, float d, int eight) {
  int scale = scales[eight / 4] >> eight / 2 % 2 * 4 & 15;
  return d * (0.5f + (float)scale) * 0.25f;
}

CK_SHARED_KERNEL(void, ggml_decode_iq2_xs,
                 (const block_iq2_xs *restrict b, float *restrict y, size_t blocks),
                 (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++) {
    float d = ck_float_from_float16(b->d);
    for (int i = 0; i < 32; i++, y += 8) {
      uint32_t entry = ggml_iq2_xs_grid[b->q[i] & 511];
      put_iq2(iq2_scale(b->scales, d, i), entry, all_signs(b->q[i] >> 9), y);
    }
  }
}

CK_SHARED_KERNEL(void, ggml_decode_iq2_s,
                 (const block_iq2_s *restrict b, float *restrict y, size_t blocks),
                 (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++) {
    float d = ck_float_from_float16(b->d);
    for (int i = 0; i < 32; i++, y += 8) {
      uint32_t high = b->high[i / 4] >> i % 4 * 2 & 3;
      uint32_t entry = ggml_iq2_s_grid[b->q[i] | high << 8];
      put_iq2(iq2_scale(b->scales, d, i), entry, b->signs[i], y);
    }
  }
}

CK_SHARED_KERNEL(void, ggml_decode_iq3_xxs,
                 (const block_iq3_xxs *restrict b, float *restrict y, size_t blocks),
                 (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++) {
    float d = ck_float_from_float16(b->d);
    for (int group = 0; group < 8; group++) {
      uint32_t rest = word(b->signs_and_scales, group);
      float scale = d * (0.5f + (float)(int)(rest >> 28)) * 0.5f;
      for (int i = 0; i < 8; i++, y += 4) {
        uint32_t signs = all_signs(rest >> i / 2 * 7 & 127) >> i % 2 * 4;
        put_iq3_xxs(scale, ggml_iq3_xxs_grid[b->q[group * 8 + i]], signs, y);
      }
    }
  }
}

CK_SHARED_KERNEL(void, ggml_decode_iq3_s,
                 (const block_iq3_s *restrict b, float *restrict y, size_t blocks),
                 (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++) {
    float d = ck_float_from_float16(b->d);
    for (int i = 0; i < 64; i++, y += 4) {
      int scale = b->scales[i / 16] >> i / 8 % 2 * 4 & 15;
      uint32_t high = b->high[i / 8] >> i % 8 & 1;
      uint32_t entry = ggml_iq3_s_grid[b->q[i] | high << 8];
      put_iq3_s(d * (float)(1 + 2 * scale), entry, b->signs[i / 2] >> i % 2 * 4, y);
    }
  }
}

CK_SHARED_KERNEL(void, ggml_decode_iq1_s,
                 (const block_iq1_s *restrict b, float *restrict y, size_t blocks),
                 (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++) {
    float d = ck_float_from_float16(b->d);
    for (int i = 0; i < 32; i++, y += 8) {
      uint32_t high = b->high[i / 4];
      float scale = d * (float)(int)(2 * (high >> 12 & 7) + 1);
      uint32_t entry = ggml_iq1_grid[b->q[i] | (high >> i % 4 * 3 & 7) << 8];
      put_iq1(scale, entry, high & 0x8000 ? -0.125f : 0.125f, y);
    }
  }
}

CK_SHARED_KERNEL(void, ggml_decode_iq1_m,
                 (const block_iq1_m *restrict b, float *restrict y, size_t blocks),
                 (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++) {
    uint32_t bits = 0;
    for (int i = 0; i < 4; i++) bits |= (uint32_t)(b->scales[i] >> 12) << 4 * i;
    float d = ck_float_from_float16((uint16_t)bits);
    for (int i = 0; i < 32; i++, y += 8) {
      int scale = b->scales[i / 8] >> i / 2 % 4 * 3 & 7;
      uint32_t high = b->high[i / 2] >> i % 2 * 4;
      uint32_t entry = ggml_iq1_grid[b->q[i] | (high & 7) << 8];
      put_iq1(d * (float)(2 * scale + 1), entry, high & 8 ? -0.125f : 0.125f, y);
    }
  }
}
