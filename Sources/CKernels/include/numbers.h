/* Types of numbers, conversions between them, and random ones. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- convert.c -------------------------------------------------------------------------------*/

/* Round to nearest, ties to even; NaN stays NaN, overflow becomes infinity. */
void ck_bfloat16_to_float32(const uint16_t *x, float *y, size_t count);
void ck_float16_to_float32(const uint16_t *x, float *y, size_t count);
void ck_float32_to_bfloat16(const float *x, uint16_t *y, size_t count);
void ck_float32_to_float16(const float *x, uint16_t *y, size_t count);

bool ck_all_finite_float32(const float *x, size_t count);
bool ck_all_finite_float64(const double *x, size_t count);
/* 16-bit floats whose exponent bits are `exponent_mask`. */
bool ck_all_finite_16(const uint16_t *x, uint16_t exponent_mask, size_t count);

/* ---- random.c: Philox4x32-10 (Salmon et al. 2011) --------------------------------------------*/

/* One stream: number i of it is word i % 4 of the block with counter (i / 4, purpose, a, b). */
typedef struct {
  uint64_t seed;
  uint32_t purpose, a, b;
} ck_random_key;

void ck_random_block(ck_random_key key, uint32_t block, uint32_t words[4]);

/* out[i] = low + (high - low) u_i, u uniform in [0, 1), never high itself. */
void ck_random_uniform(ck_random_key key, float low, float high, float *out, size_t count);

/* out[i] = x[i] / (1 - probability) where number i of the stream is kept, 0 elsewhere;
 * `accumulate` adds instead. */
void ck_dropout(const float *x, float *out, double probability, ck_random_key key, bool accumulate,
                size_t count);
void ck_bf16_dropout(const uint16_t *x, uint16_t *out, double probability, ck_random_key key,
                     bool accumulate, size_t count);
