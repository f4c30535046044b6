#include "quantized/ggml_k_blocks.h"

#include "numbers/convert.h"
#include "machine/vector.h"

/* Q2_K and Q3_K: half h (128 elements) uses 32 bytes of q; its quarter s (32 elements) stands in
 * bits 2s and 2s + 1 of them. */

CK_SHARED_KERNEL(void, ggml_decode_q2_k,
                 (const block_q2_k *restrict b, float *restrict y, size_t blocks),
                 (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++, y += K_BLOCK) {
    float d = ck_float_from_float16(b->d), dmin = ck_float_from_float16(b->dmin);
    for (int group = 0; group < 16; group++) {
      float scale = d * (float)(b->scales[group] & 15);
      float minimum = dmin * (float)(b->scales[group] >> 4);
      const uint8_t *q = b->q + group / 8 * 32 + group % 2 * 16;
      int shift = group % 8 / 2 * 2;
      for (int i = 0; i < 16; i++) {
        y[group * 16 + i] = scale * (float)(q[i] >> shift & 3) - minimum;
      }
    }
  }
}

/* Scale of 16 elements, with its offset of 32: four low bits, then two high bits. */
static inline int q3_k_scale(const uint8_t *scales, int group) {
  int low = group < 8 ? scales[group] & 15 : scales[group - 8] >> 4;
  int high = scales[8 + group % 4] >> (group / 4 * 2) & 3;
  return low | high << 4;
}

CK_SHARED_KERNEL(void, ggml_decode_q3_k,
                 (const block_q3_k *restrict b, float *restrict y, size_t blocks),
                 (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++, y += K_BLOCK) {
    float d = ck_float_from_float16(b->d);
    for (int group = 0; group < 16; group++) {
      float scale = d * (float)(q3_k_scale(b->scales, group) - 32);
      const uint8_t *q = b->q + group / 8 * 32 + group % 2 * 16;
      const uint8_t *high = b->high + group % 2 * 16;
      int shift = group % 8 / 2 * 2;
      for (int i = 0; i < 16; i++) {
        int value = (q[i] >> shift & 3) | (high[i] >> (group / 2) & 1) << 2;
        y[group * 16 + i] = scale * (float)(value - 4);
      }
    }
  }
}

/* Q4_K and Q5_K: the first four scales and minima have their six bits together; of the last four,
 * the upper two bits stand above those of the first. */

static inline int k_scale(const uint8_t *scales, int group) {
  return group < 4 ? scales[group] & 63 : (scales[group + 4] & 15) | (scales[group - 4] >> 6) << 4;
}

static inline int k_minimum(const uint8_t *scales, int group) {
  return group < 4 ? scales[group + 4] & 63 : scales[group + 4] >> 4 | (scales[group] >> 6) << 4;
}

/* A group of 32; `high` has the fifth bits of all groups, or is NULL. */
CK_INLINE void decode_k_group(const uint8_t *scales, float d, float dmin, const uint8_t *q,
                              const uint8_t *high, int group, float *restrict y) {
  float scale = d * (float)k_scale(scales, group);
  float minimum = dmin * (float)k_minimum(scales, group);
  int shift = group % 2 * 4;
  q += group / 2 * 32;
  for (int i = 0; i < 32; i++) {
    int value = (q[i] >> shift & 15) | (high ? (high[i] >> group & 1) << 4 : 0);
    y[group * 32 + i] = scale * (float)value - minimum;
  }
}

CK_SHARED_KERNEL(void, ggml_decode_q4_k,
                 (const block_q4_k *restrict b, float *restrict y, size_t blocks),
                 (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++, y += K_BLOCK) {
    float d = ck_float_from_float16(b->d), dmin = ck_float_from_float16(b->dmin);
    for (int group = 0; group < 8; group++) {
      decode_k_group(b->scales, d, dmin, b->q, NULL, group, y);
    }
  }
}

CK_SHARED_KERNEL(void, ggml_decode_q5_k,
                 (const block_q5_k *restrict b, float *restrict y, size_t blocks),
                 (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++, y += K_BLOCK) {
    float d = ck_float_from_float16(b->d), dmin = ck_float_from_float16(b->dmin);
    for (int group = 0; group < 8; group++) {
      decode_k_group(b->scales, d, dmin, b->q, b->high, group, y);
    }
  }
}

/* Q6_K: half h uses 64 bytes of low and 32 of high; its quarter s (32 elements) has its low bits in
 * the lower (s < 2) or upper halves of bytes, and its high bits at bit 2s. */
CK_SHARED_KERNEL(void, ggml_decode_q6_k,
                 (const block_q6_k *restrict b, float *restrict y, size_t blocks),
                 (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++, y += K_BLOCK) {
    float d = ck_float_from_float16(b->d);
    for (int quarter = 0; quarter < 8; quarter++) {
      const uint8_t *low = b->low + quarter / 4 * 64 + quarter % 2 * 32;
      const uint8_t *high = b->high + quarter / 4 * 32;
      int low_shift = quarter % 4 / 2 * 4, high_shift = quarter % 4 * 2;
      for (int i = 0; i < 32; i++) {
        float scale = d * (float)b->scales[quarter * 2 + i / 16];
        int value = (low[i] >> low_shift & 15) | (high[i] >> high_shift & 3) << 4;
        y[quarter * 32 + i] = scale * (float)(value - 32);
      }
    }
  }
}
