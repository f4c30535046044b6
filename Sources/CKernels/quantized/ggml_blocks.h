/* The simple blocks of GGML. A block of 32 elements has one scale d and, in the `_1` kinds, one minimum
 * m (both float16):
 *   x = d · (q - middle)   or   x = d · q + m
 * Four-bit parts of elements i and i + 16 share byte i, the lower half first. */
#pragma once

#include <stdint.h>

typedef struct {
  uint16_t d;
  uint8_t q[16];
} block_q4_0;

typedef struct {
  uint16_t d, m;
  uint8_t q[16];
} block_q4_1;

/* The fifth bits of all elements stand in `high`, bit i for element i. */
typedef struct {
  uint16_t d;
  uint8_t high[4];
  uint8_t q[16];
} block_q5_0;

typedef struct {
  uint16_t d, m;
  uint8_t high[4];
  uint8_t q[16];
} block_q5_1;

typedef struct {
  uint16_t d;
  int8_t q[32];
} block_q8_0;

_Static_assert(sizeof(block_q4_0) == 18, "Q4_0");
_Static_assert(sizeof(block_q4_1) == 20, "Q4_1");
_Static_assert(sizeof(block_q5_0) == 22, "Q5_0");
_Static_assert(sizeof(block_q5_1) == 24, "Q5_1");
_Static_assert(sizeof(block_q8_0) == 34, "Q8_0");
