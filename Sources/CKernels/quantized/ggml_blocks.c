#include "quantized.h"

#include "machine/vector.h"
#include "numbers/convert.h"
#include "quantized/ggml_blocks.h"
#include "quantized/ggml_i_blocks.h"
#include "quantized/ggml_k_blocks.h"

CK_KERNEL(void, decode_q4_0, (const block_q4_0 *restrict b, float *restrict y, size_t blocks),
          (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++, y += 32) {
    float d = ck_float_from_float16(b->d);
    for (int i = 0; i < 16; i++) {
      y[i] = (float)((b->q[i] & 15) - 8) * d;
      y[i + 16] = (float)((b->q[i] >> 4) - 8) * d;
    }
  }
}

CK_KERNEL(void, decode_q4_1, (const block_q4_1 *restrict b, float *restrict y, size_t blocks),
          (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++, y += 32) {
    float d = ck_float_from_float16(b->d), m = ck_float_from_float16(b->m);
    for (int i = 0; i < 16; i++) {
      y[i] = (float)(b->q[i] & 15) * d + m;
      y[i + 16] = (float)(b->q[i] >> 4) * d + m;
    }
  }
}

/* Element i of a five-bit block, 0 ... 31. */
static inline int five_bits(const uint8_t *q, const uint8_t *high, int i) {
  int low = i < 16 ? q[i] & 15 : q[i - 16] >> 4;
  return low | (high[i / 8] >> (i % 8) & 1) << 4;
}

static void decode_q5_0(const block_q5_0 *restrict b, float *restrict y, size_t blocks) {
  for (; blocks > 0; blocks--, b++, y += 32) {
    float d = ck_float_from_float16(b->d);
    for (int i = 0; i < 32; i++) y[i] = (float)(five_bits(b->q, b->high, i) - 16) * d;
  }
}

static void decode_q5_1(const block_q5_1 *restrict b, float *restrict y, size_t blocks) {
  for (; blocks > 0; blocks--, b++, y += 32) {
    float d = ck_float_from_float16(b->d), m = ck_float_from_float16(b->m);
    for (int i = 0; i < 32; i++) y[i] = (float)five_bits(b->q, b->high, i) * d + m;
  }
}

CK_KERNEL(void, decode_q8_0, (const block_q8_0 *restrict b, float *restrict y, size_t blocks),
          (b, y, blocks)) {
  for (; blocks > 0; blocks--, b++, y += 32) {
    float d = ck_float_from_float16(b->d);
    for (int i = 0; i < 32; i++) y[i] = (float)b->q[i] * d;
  }
}

/* Tensors start at multiples of the file's alignment, so 16-bit elements are aligned. */

CK_KERNEL(void, decode_f16, (const uint16_t *restrict x, float *restrict y, size_t count),
          (x, y, count)) {
  for (size_t i = 0; i < count; i++) y[i] = ck_float_from_float16(x[i]);
}

CK_KERNEL(void, decode_bf16, (const uint16_t *restrict x, float *restrict y, size_t count),
          (x, y, count)) {
  for (size_t i = 0; i < count; i++) y[i] = ck_float_from_bits((uint32_t)x[i] << 16);
}

size_t ggml_block_elements(ggml_block_type type) {
  if (type <= GGML_BLOCK_BF16) return 1;
  bool is_short = type <= GGML_BLOCK_Q8_0 || type == GGML_BLOCK_IQ4_NL || type == GGML_BLOCK_MXFP4;
  return is_short ? 32 : K_BLOCK;
}

size_t ggml_block_bytes(ggml_block_type type) {
  switch (type) {
    case GGML_BLOCK_F32: return sizeof(float);
    case GGML_BLOCK_F16:
    case GGML_BLOCK_BF16: return sizeof(uint16_t);
    case GGML_BLOCK_Q4_0: return sizeof(block_q4_0);
    case GGML_BLOCK_Q4_1: return sizeof(block_q4_1);
    case GGML_BLOCK_Q5_0: return sizeof(block_q5_0);
    case GGML_BLOCK_Q5_1: return sizeof(block_q5_1);
    case GGML_BLOCK_Q8_0: return sizeof(block_q8_0);
    case GGML_BLOCK_Q2_K: return sizeof(block_q2_k);
    case GGML_BLOCK_Q3_K: return sizeof(block_q3_k);
    case GGML_BLOCK_Q4_K: return sizeof(block_q4_k);
    case GGML_BLOCK_Q5_K: return sizeof(block_q5_k);
    case GGML_BLOCK_Q6_K: return sizeof(block_q6_k);
    case GGML_BLOCK_IQ4_NL: return sizeof(block_iq4_nl);
    case GGML_BLOCK_IQ4_XS: return sizeof(block_iq4_xs);
    case GGML_BLOCK_MXFP4: return sizeof(block_mxfp4);
    case GGML_BLOCK_TQ1_0: return sizeof(block_tq1_0);
    case GGML_BLOCK_TQ2_0: return sizeof(block_tq2_0);
    case GGML_BLOCK_IQ2_XXS: return sizeof(block_iq2_xxs);
    case GGML_BLOCK_IQ2_XS: return sizeof(block_iq2_xs);
    case GGML_BLOCK_IQ2_S: return sizeof(block_iq2_s);
    case GGML_BLOCK_IQ3_XXS: return sizeof(block_iq3_xxs);
    case GGML_BLOCK_IQ3_S: return sizeof(block_iq3_s);
    case GGML_BLOCK_IQ1_S: return sizeof(block_iq1_s);
    case GGML_BLOCK_IQ1_M: return sizeof(block_iq1_m);
  }
  return 0;
}

static void decode_blocks(ggml_block_type type, const void *b, float *y, size_t blocks) {
  switch (type) {
    case GGML_BLOCK_F32: memcpy(y, b, blocks * sizeof(float)); break;
    case GGML_BLOCK_F16: decode_f16(b, y, blocks); break;
    case GGML_BLOCK_BF16: decode_bf16(b, y, blocks); break;
    case GGML_BLOCK_Q4_0: decode_q4_0(b, y, blocks); break;
    case GGML_BLOCK_Q4_1: decode_q4_1(b, y, blocks); break;
    case GGML_BLOCK_Q5_0: decode_q5_0(b, y, blocks); break;
    case GGML_BLOCK_Q5_1: decode_q5_1(b, y, blocks); break;
    case GGML_BLOCK_Q8_0: decode_q8_0(b, y, blocks); break;
    case GGML_BLOCK_Q2_K: ggml_decode_q2_k(b, y, blocks); break;
    case GGML_BLOCK_Q3_K: ggml_decode_q3_k(b, y, blocks); break;
    case GGML_BLOCK_Q4_K: ggml_decode_q4_k(b, y, blocks); break;
    case GGML_BLOCK_Q5_K: ggml_decode_q5_k(b, y, blocks); break;
    case GGML_BLOCK_Q6_K: ggml_decode_q6_k(b, y, blocks); break;
    case GGML_BLOCK_IQ4_NL: ggml_decode_iq4_nl(b, y, blocks); break;
    case GGML_BLOCK_IQ4_XS: ggml_decode_iq4_xs(b, y, blocks); break;
    case GGML_BLOCK_MXFP4: ggml_decode_mxfp4(b, y, blocks); break;
    case GGML_BLOCK_TQ1_0: ggml_decode_tq1_0(b, y, blocks); break;
    case GGML_BLOCK_TQ2_0: ggml_decode_tq2_0(b, y, blocks); break;
    case GGML_BLOCK_IQ2_XXS: ggml_decode_iq2_xxs(b, y, blocks); break;
    case GGML_BLOCK_IQ2_XS: ggml_decode_iq2_xs(b, y, blocks); break;
    case GGML_BLOCK_IQ2_S: ggml_decode_iq2_s(b, y, blocks); break;
    case GGML_BLOCK_IQ3_XXS: ggml_decode_iq3_xxs(b, y, blocks); break;
    case GGML_BLOCK_IQ3_S: ggml_decode_iq3_s(b, y, blocks); break;
    case GGML_BLOCK_IQ1_S: ggml_decode_iq1_s(b, y, blocks); break;
    case GGML_BLOCK_IQ1_M: ggml_decode_iq1_m(b, y, blocks); break;
  }
}

typedef struct {
  ggml_block_type type;
  const uint8_t *blocks;
  float *out;
  size_t columns, row_blocks, head_rows;
} decoding;

static void decode_row(void *context, size_t row, size_t worker) {
  (void)worker;
  const decoding *p = context;
  size_t target = row;
  if (p->head_rows > 0) {
    size_t head = row / p->head_rows, place = row % p->head_rows;
    target = head * p->head_rows + place / 2 + place % 2 * (p->head_rows / 2);
  }
  const uint8_t *blocks = p->blocks + row * p->row_blocks * ggml_block_bytes(p->type);
  decode_blocks(p->type, blocks, p->out + target * p->columns, p->row_blocks);
}

void ggml_decode(ggml_block_type type, const void *blocks, float *out, size_t rows, size_t columns,
                 size_t head_rows) {
  decoding p = {.type = type,
                .blocks = blocks,
                .out = out,
                .columns = columns,
                .row_blocks = columns / ggml_block_elements(type),
                .head_rows = head_rows};
  ck_parallel_for(rows, CK_ANY_WORKERS, decode_row, &p);
}
