#include "quantized/nf4.h"

#include "numbers/convert.h"

#include <pthread.h>

/* 4-bit NormalFloat (Dettmers et al. 2023, arXiv:2305.14314): values are divided by the largest
 * magnitude of their block of 64 and replaced by the nearest of 16 quantiles of the normal
 * distribution. Every rounding below is that of bitsandbytes on a CPU. */

enum { BLOCK = CK_NF4_BLOCK };

const float ck_nf4_code_values[16] = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};

float ck_nf4_code_value(int code) { return ck_nf4_code_values[code]; }

/* ---- Quantization ----------------------------------------------------------------------------*/

CK_INLINE void load_elements(const void *values, ck_value_type type, size_t first, size_t count,
                             float *restrict out) {
  const uint16_t *halves = (const uint16_t *)values + first;
  switch (type) {
    case CK_FLOAT32: memcpy(out, (const float *)values + first, count * sizeof *out); break;
    case CK_BFLOAT16:
      for (size_t i = 0; i < count; i++) out[i] = ck_float_from_bits((uint32_t)halves[i] << 16);
      break;
    case CK_FLOAT16:
      for (size_t i = 0; i < count; i++) out[i] = ck_float_from_float16(halves[i]);
      break;
  }
}

/* Magnitudes of floats are ordered as their bits are. */
CK_INLINE float largest_magnitude(const float block[BLOCK]) {
  uint32_t largest = 0;
  for (size_t i = 0; i < BLOCK; i++) {
    uint32_t bits = ck_bits_of_float(block[i]) & 0x7fffffff;
    largest = CK_MAX(largest, bits);
  }
  return ck_float_from_bits(largest);
}

/* Packs the codes of a block of values already scaled to [-1, 1]. A value on the border between
 * two codes takes the lower one. */
CK_INLINE void encode_block(const float scaled[BLOCK], uint8_t packed[BLOCK / 2]) {
  float borders[15];
  for (int j = 0; j < 15; j++) borders[j] = (ck_nf4_code_values[j] + ck_nf4_code_values[j + 1]) / 2;
  uint32_t codes[BLOCK];
  for (size_t i = 0; i < BLOCK; i++) {
    float value = scaled[i];
    value = value > 1 ? 1 : value;
    value = value < -1 ? -1 : value;
    uint32_t code = 0;
#pragma clang loop unroll(full)
    for (int j = 0; j < 15; j++) code += value > borders[j];
    codes[i] = code;
  }
  for (size_t i = 0; i < BLOCK / 2; i++) {
    packed[i] = (uint8_t)(codes[2 * i] << 4 | codes[2 * i + 1]);
  }
}

CK_SHARED_KERNEL(void, ck_nf4_quantize_plain,
                 (const ck_nf4_quantization *p, size_t first_block, size_t blocks),
                 (p, first_block, blocks)) {
  for (size_t b = first_block; b < first_block + blocks; b++) {
    float block[BLOCK];
    load_elements(p->values, p->type, b * BLOCK, BLOCK, block);
    float absmax = largest_magnitude(block);
    float reciprocal = 1.0f / CK_MAX(absmax, CK_NF4_LEAST_ABSMAX);
    for (size_t i = 0; i < BLOCK; i++) block[i] *= reciprocal;
    encode_block(block, p->codes + b * (BLOCK / 2));
    p->absmax[b] = absmax;
  }
}

/* bitsandbytes treats a last block of fewer than 64 values a little differently: it divides, and
 * keeps the absmax it divided by. */
static void quantize_short_block(const ck_nf4_quantization *p, size_t block_index, size_t count) {
  float block[BLOCK] = {0};
  uint8_t packed[BLOCK / 2];
  load_elements(p->values, p->type, block_index * BLOCK, count, block);
  float absmax = CK_MAX(largest_magnitude(block), CK_NF4_LEAST_ABSMAX);
  for (size_t i = 0; i < BLOCK; i++) block[i] /= absmax;
  encode_block(block, packed);
  memcpy(p->codes + block_index * (BLOCK / 2), packed, ck_ceil_divide(count, 2));
  p->absmax[block_index] = absmax;
}

enum { TASK_BLOCKS = CK_TASK_ELEMENTS / BLOCK };

static void quantize_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const ck_nf4_quantization *p = context;
  ck_range r = ck_piece(p->count, TASK_BLOCKS * BLOCK, task);
  size_t first_block = r.first / BLOCK, full = r.count / BLOCK;
  ck_kernels.nf4_quantize(p, first_block, full);
  if (r.count % BLOCK) quantize_short_block(p, first_block + full, r.count % BLOCK);
}

void ck_nf4_quantize(const void *values, ck_value_type type, uint8_t *codes, float *absmax,
                     size_t count) {
  ck_nf4_quantization p = {values, type, codes, absmax, count};
  ck_parallel_for(ck_ceil_divide(count, TASK_BLOCKS * BLOCK), CK_ANY_WORKERS, quantize_task, &p);
}

/* ---- Dequantization --------------------------------------------------------------------------*/

/* The two values that a byte of codes stands for. */
static float value_pairs[256][2];

static void fill_value_pairs(void) {
  for (int byte = 0; byte < 256; byte++) {
    value_pairs[byte][0] = ck_nf4_code_values[byte >> 4];
    value_pairs[byte][1] = ck_nf4_code_values[byte & 15];
  }
}

static void prepare_value_pairs(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, fill_value_pairs);
}

CK_INLINE float round_to(ck_value_type type, float value) {
  switch (type) {
    case CK_BFLOAT16: return ck_float_from_bits((uint32_t)ck_bfloat16_from_float(value) << 16);
    case CK_FLOAT16: return ck_float_from_float16(ck_float16_from_float(value));
    case CK_FLOAT32: break;
  }
  return value;
}

/* Any elements first ..< first + count of one block. */
static void dequantize_part(const ck_nf4 *weight, size_t first, size_t count, float *out) {
  float absmax = ck_nf4_block_absmax(weight, first / BLOCK);
  for (size_t i = 0; i < count; i++) {
    const float *pair = value_pairs[weight->codes[(first + i) / 2]];
    out[i] = round_to(weight->value_type, pair[(first + i) % 2] * absmax);
  }
}

/* Blocks whose values are looked up before they are scaled: the wide loads of the second pass
 * would otherwise wait for the narrow stores of the first. */
enum { BATCH_BLOCKS = 16 };

CK_KERNEL(void, dequantize_batch,
          (const ck_nf4 *weight, size_t first_block, size_t blocks, float *out),
          (weight, first_block, blocks, out)) {
  const uint8_t *codes = weight->codes + first_block * (BLOCK / 2);
#pragma clang loop vectorize(disable) unroll_count(8)
  for (size_t i = 0; i < blocks * (BLOCK / 2); i++) {
    memcpy(out + 2 * i, value_pairs[codes[i]], sizeof value_pairs[0]);
  }
  for (size_t b = 0; b < blocks; b++) {
    float absmax = ck_nf4_block_absmax(weight, first_block + b);
    for (size_t i = 0; i < BLOCK; i++) out[b * BLOCK + i] *= absmax;
  }
  if (weight->value_type == CK_BFLOAT16) {
    for (size_t i = 0; i < blocks * BLOCK; i++) out[i] = round_to(CK_BFLOAT16, out[i]);
  } else if (weight->value_type == CK_FLOAT16) {
    for (size_t i = 0; i < blocks * BLOCK; i++) out[i] = round_to(CK_FLOAT16, out[i]);
  }
}

void ck_nf4_dequantize_range(const ck_nf4 *weight, size_t first, size_t count, float *out) {
  prepare_value_pairs();
  size_t last = first + count;
  while (first < last) {
    size_t done;
    if (first % BLOCK == 0 && last - first >= BLOCK) {
      size_t blocks = CK_MIN((last - first) / BLOCK, BATCH_BLOCKS);
      dequantize_batch(weight, first / BLOCK, blocks, out);
      done = blocks * BLOCK;
    } else {
      done = CK_MIN(BLOCK - first % BLOCK, last - first);
      dequantize_part(weight, first, done, out);
    }
    first += done;
    out += done;
  }
}

typedef struct {
  const ck_nf4 *weight;
  size_t first, count;
  float *out;
} dequantization;

static void dequantize_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const dequantization *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  ck_nf4_dequantize_range(p->weight, p->first + r.first, r.count, p->out + r.first);
}

void ck_nf4_dequantize(const ck_nf4 *weight, size_t first, size_t count, float *out) {
  dequantization p = {weight, first, count, out};
  ck_parallel_for(ck_ceil_divide(count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, dequantize_task, &p);
}
