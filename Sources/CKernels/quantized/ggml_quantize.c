#include "quantized.h"

#include "machine/vector.h"
#include "numbers/convert.h"
#include "quantized/ggml_blocks.h"
#include "quantized/ggml_k_quantize.h"

/* Float32 values into GGML's simple blocks, bit for bit as the reference quantizer makes them: every
 * operation rounds to float32, none is fused, and the scale is rounded to float16 after its inverse
 * was taken. */

/* The inverse of a scale; zero for a block without scale. */
CK_INLINE float inverse(float d) { return d == 0 ? 0 : 1 / d; }

/* The integer part, at most `most`. The largest comes for what is no number as well: that is a value
 * times the inverse of a scale too small to have one. */
CK_INLINE uint8_t whole(float x, int most) { return (uint8_t)(x < (float)most ? (int)x : most); }

/* The value of the largest magnitude, the first of several. */
CK_INLINE float farthest(const float *x) {
  float found = 0, magnitude = 0;
  for (int i = 0; i < 32; i++) {
    float size = x[i] < 0 ? -x[i] : x[i];
    found = size > magnitude ? x[i] : found;
    magnitude = size > magnitude ? size : magnitude;
  }
  return found;
}

typedef struct {
  float low, high;
} bounds;

CK_INLINE bounds bounds_of(const float *x) {
  bounds b = {x[0], x[0]};
  for (int i = 1; i < 32; i++) {
    b.low = x[i] < b.low ? x[i] : b.low;
    b.high = x[i] > b.high ? x[i] : b.high;
  }
  return b;
}

/* Codes of 32 elements: their lower halves in 16 bytes, elements i and i + 16 in byte i. */
CK_INLINE void pack_halves(const uint8_t *codes, uint8_t *q) {
  for (int i = 0; i < 16; i++) q[i] = (uint8_t)((codes[i] & 15) | (codes[i + 16] & 15) << 4);
}

/* The fifth bits, bit i for element i. */
CK_INLINE void pack_fifth_bits(const uint8_t *codes, uint8_t *high) {
  for (int byte = 0; byte < 4; byte++) {
    int bits = 0;
    for (int i = 0; i < 8; i++) bits |= (codes[byte * 8 + i] >> 4) << i;
    high[byte] = (uint8_t)bits;
  }
}

/* Codes around `middle`: q of x = d · (q - middle). Returns d. */
CK_INLINE float centred_codes(const float *x, int middle, uint8_t *codes) {
  float d = farthest(x) / (float)-middle, id = inverse(d);
  for (int i = 0; i < 32; i++) {
    codes[i] = whole(x[i] * id + ((float)middle + 0.5f), 2 * middle - 1);
  }
  return d;
}

/* Codes 0 ... `most` above the least value m: q of x = d · q + m. Returns d. */
CK_INLINE float raised_codes(const float *x, int most, uint8_t *codes, float *m) {
  bounds b = bounds_of(x);
  float d = (b.high - b.low) / (float)most, id = inverse(d);
  for (int i = 0; i < 32; i++) codes[i] = whole((x[i] - b.low) * id + 0.5f, most);
  *m = b.low;
  return d;
}

CK_KERNEL(void, encode_q4_0, (const float *restrict x, block_q4_0 *restrict b, size_t blocks),
          (x, b, blocks)) {
  for (; blocks > 0; blocks--, b++, x += 32) {
    uint8_t codes[32];
    b->d = ck_float16_from_float(centred_codes(x, 8, codes));
    pack_halves(codes, b->q);
  }
}

CK_KERNEL(void, encode_q4_1, (const float *restrict x, block_q4_1 *restrict b, size_t blocks),
          (x, b, blocks)) {
  for (; blocks > 0; blocks--, b++, x += 32) {
    uint8_t codes[32];
    float m;
    b->d = ck_float16_from_float(raised_codes(x, 15, codes, &m));
    b->m = ck_float16_from_float(m);
    pack_halves(codes, b->q);
  }
}

CK_KERNEL(void, encode_q5_0, (const float *restrict x, block_q5_0 *restrict b, size_t blocks),
          (x, b, blocks)) {
  for (; blocks > 0; blocks--, b++, x += 32) {
    uint8_t codes[32];
    b->d = ck_float16_from_float(centred_codes(x, 16, codes));
    pack_halves(codes, b->q);
    pack_fifth_bits(codes, b->high);
  }
}

CK_KERNEL(void, encode_q5_1, (const float *restrict x, block_q5_1 *restrict b, size_t blocks),
          (x, b, blocks)) {
  for (; blocks > 0; blocks--, b++, x += 32) {
    uint8_t codes[32];
    float m;
    b->d = ck_float16_from_float(raised_codes(x, 31, codes, &m));
    b->m = ck_float16_from_float(m);
    pack_halves(codes, b->q);
    pack_fifth_bits(codes, b->high);
  }
}

/* To the nearest whole number, halves away from zero, within int8. What is left after the whole part
 * is exact, so no half is made by rounding. */
CK_INLINE int8_t nearest_away(float x) {
  float size = x < 0 ? -x : x;
  size = size < 127 ? size : 127;
  float floored = (float)(int)size;
  int rounded = (int)size + (size - floored >= 0.5f);
  return (int8_t)(x < 0 ? -rounded : rounded);
}

CK_KERNEL(void, encode_q8_0, (const float *restrict x, block_q8_0 *restrict b, size_t blocks),
          (x, b, blocks)) {
  for (; blocks > 0; blocks--, b++, x += 32) {
    float largest = farthest(x);
    float d = (largest < 0 ? -largest : largest) / 127, id = inverse(d);
    b->d = ck_float16_from_float(d);
    for (int i = 0; i < 32; i++) b->q[i] = nearest_away(x[i] * id);
  }
}

CK_KERNEL(void, encode_f16, (const float *restrict x, uint16_t *restrict y, size_t count),
          (x, y, count)) {
  for (size_t i = 0; i < count; i++) y[i] = ck_float16_from_float(x[i]);
}

CK_KERNEL(void, encode_bf16, (const float *restrict x, uint16_t *restrict y, size_t count),
          (x, y, count)) {
  for (size_t i = 0; i < count; i++) y[i] = ck_bfloat16_from_float(x[i]);
}

/* Those of two and three bits, and those with code books, are only read. */
bool ggml_can_encode(ggml_block_type type) {
  return type <= GGML_BLOCK_Q6_K && type != GGML_BLOCK_Q2_K && type != GGML_BLOCK_Q3_K;
}

static void encode_blocks(ggml_block_type type, const float *x, void *b, size_t blocks) {
  switch (type) {
    case GGML_BLOCK_F32: memcpy(b, x, blocks * sizeof(float)); break;
    case GGML_BLOCK_F16: encode_f16(x, b, blocks); break;
    case GGML_BLOCK_BF16: encode_bf16(x, b, blocks); break;
    case GGML_BLOCK_Q4_0: encode_q4_0(x, b, blocks); break;
    case GGML_BLOCK_Q4_1: encode_q4_1(x, b, blocks); break;
    case GGML_BLOCK_Q5_0: encode_q5_0(x, b, blocks); break;
    case GGML_BLOCK_Q5_1: encode_q5_1(x, b, blocks); break;
    case GGML_BLOCK_Q8_0: encode_q8_0(x, b, blocks); break;
    case GGML_BLOCK_Q4_K: ggml_encode_q4_k(x, b, blocks); break;
    case GGML_BLOCK_Q5_K: ggml_encode_q5_k(x, b, blocks); break;
    case GGML_BLOCK_Q6_K: ggml_encode_q6_k(x, b, blocks); break;
    default: break;
  }
}

typedef struct {
  ggml_block_type type;
  const float *values;
  uint8_t *blocks;
  size_t columns, row_blocks;
  const uint32_t *order;
} encoding;

static void encode_row(void *context, size_t row, size_t worker) {
  (void)worker;
  const encoding *p = context;
  size_t source = p->order ? p->order[row] : row;
  uint8_t *blocks = p->blocks + row * p->row_blocks * ggml_block_bytes(p->type);
  encode_blocks(p->type, p->values + source * p->columns, blocks, p->row_blocks);
}

void ggml_encode(ggml_block_type type, const float *values, void *blocks, size_t rows,
                 size_t columns, const uint32_t *order) {
  encoding p = {.type = type,
                .values = values,
                .blocks = blocks,
                .columns = columns,
                .row_blocks = columns / ggml_block_elements(type),
                .order = order};
  ck_parallel_for(rows, CK_ANY_WORKERS, encode_row, &p);
}
