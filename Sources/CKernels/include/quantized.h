/* Weights in a few bits an element. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- nf4.c, nf4_absmax.c: 4-bit NormalFloat, as bitsandbytes stores it -------------------*/

enum { CK_NF4_BLOCK = 64, CK_NF4_NESTED_BLOCK = 256 };

typedef enum { CK_FLOAT32, CK_BFLOAT16, CK_FLOAT16 } ck_value_type;

/* A weight of `count` elements in blocks of 64. Either absmax is given, or (double quantization)
 * absmax of block i is map[absmax_codes[i]] · absmax2[i / 256] + offset. */
typedef struct {
  const uint8_t *codes;        /* [ceil(count / 2)], even element in the high nibble */
  const float *absmax;         /* [blocks] or NULL */
  const uint8_t *absmax_codes; /* [blocks] */
  const float *absmax2;        /* [ceil(blocks / 256)] */
  const float *map;            /* [256] */
  float offset;
  ck_value_type value_type; /* what values are rounded to when dequantized */
  size_t count;
} ck_nf4;

/* The value of a code 0 ... 15. */
float ck_nf4_code_value(int code);

/* Codes and absmax[ceil(count / 64)] of `count` values of type `type`. */
void ck_nf4_quantize(const void *values, ck_value_type type, uint8_t *codes, float *absmax,
                     size_t count);

/* Quantizes absmax[blocks] in its turn; *offset is its mean, map receives the 256 values. */
void ck_nf4_quantize_absmax(const float *absmax, uint8_t *absmax_codes, float *absmax2, float *map,
                            float *offset, size_t blocks);

/* out[count] = elements first ..< first + count, on the calling thread. */
void ck_nf4_dequantize_range(const ck_nf4 *weight, size_t first, size_t count, float *out);

/* Values as float32, in parallel. */
void ck_nf4_dequantize(const ck_nf4 *weight, size_t first, size_t count, float *out);

/* ---- ggml_blocks.c: GGML's block formats, as GGUF files store weights -----------------------*/

typedef enum {
  GGML_BLOCK_F32,
  GGML_BLOCK_F16,
  GGML_BLOCK_BF16,
  GGML_BLOCK_Q4_0,
  GGML_BLOCK_Q4_1,
  GGML_BLOCK_Q5_0,
  GGML_BLOCK_Q5_1,
  GGML_BLOCK_Q8_0,
  GGML_BLOCK_Q2_K,
  GGML_BLOCK_Q3_K,
  GGML_BLOCK_Q4_K,
  GGML_BLOCK_Q5_K,
  GGML_BLOCK_Q6_K,
} ggml_block_type;

/* Elements and bytes of one block. */
size_t ggml_block_elements(ggml_block_type type);
size_t ggml_block_bytes(ggml_block_type type);

/* out[rows, columns] = the decoded matrix; `columns` is a multiple of the block's elements.
 *
 * `head_rows` undoes the row order that llama.cpp gives to query and key weights: within each head
 * of that many rows, stored row 2i + j is row i + j · head_rows / 2 (0: rows stay in place). */
void ggml_decode(ggml_block_type type, const void *blocks, float *out, size_t rows, size_t columns,
                 size_t head_rows);

/* ---- ggml_quantize.c: float32 into GGML's blocks, bit for bit as its reference quantizer ------*/

/* Whether there is an encoder for a type: all but Q2_K and Q3_K. */
bool ggml_can_encode(ggml_block_type type);

/* blocks = the encoded matrix; values [rows, columns] are finite, `columns` is a multiple of the block's
 * elements. Row i is made from row order[i] of the values; NULL: rows stay in place. */
void ggml_encode(ggml_block_type type, const float *values, void *blocks, size_t rows,
                 size_t columns, const uint32_t *order);
