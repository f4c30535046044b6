/* The K-quants of GGML: blocks of 256 elements in groups of 16 or 32. A block has float16 scales d
 * (and dmin); each group has a small integer scale s (and minimum m):
 *   x = (d · s) · q - dmin · m    or    x = (d · s) · (q - middle) */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { K_BLOCK = 256 };

typedef struct {
  uint8_t scales[16]; /* low half: scale, high half: minimum; of 16 elements each */
  uint8_t q[64];
  uint16_t d, dmin;
} block_q2_k;

typedef struct {
  uint8_t high[32]; /* the third bits */
  uint8_t q[64];
  uint8_t scales[12]; /* 16 of 6 bits */
  uint16_t d;
} block_q3_k;

typedef struct {
  uint16_t d, dmin;
  uint8_t scales[12]; /* 8 scales and 8 minima of 6 bits */
  uint8_t q[128];
} block_q4_k;

typedef struct {
  uint16_t d, dmin;
  uint8_t scales[12];
  uint8_t high[32]; /* the fifth bits */
  uint8_t q[128];
} block_q5_k;

typedef struct {
  uint8_t low[128];  /* the lower four bits */
  uint8_t high[64];  /* the upper two bits */
  int8_t scales[16]; /* of 16 elements each */
  uint16_t d;
} block_q6_k;

_Static_assert(sizeof(block_q2_k) == 84, "Q2_K");
_Static_assert(sizeof(block_q3_k) == 110, "Q3_K");
_Static_assert(sizeof(block_q4_k) == 144, "Q4_K");
_Static_assert(sizeof(block_q5_k) == 176, "Q5_K");
_Static_assert(sizeof(block_q6_k) == 210, "Q6_K");

void ggml_decode_q2_k(const block_q2_k *b, float *y, size_t blocks);
void ggml_decode_q3_k(const block_q3_k *b, float *y, size_t blocks);
void ggml_decode_q4_k(const block_q4_k *b, float *y, size_t blocks);
void ggml_decode_q5_k(const block_q5_k *b, float *y, size_t blocks);
void ggml_decode_q6_k(const block_q6_k *b, float *y, size_t blocks);
