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

/* ---- packed_integers.c: small integers with scales, as GPTQ, AWQ and bitsandbytes store them ----*/

/* Where the codes of an [outputs, inputs] weight stand; words are of 32 bits, low bits first. */
typedef enum {
  CK_PACKED_GPTQ,     /* codes [inputs · bits / 32, outputs], zeros [groups, outputs · bits / 32];
                         numbers of three bits go on in the next word */
  CK_PACKED_AWQ,      /* 4 bits: codes [inputs, outputs / 8], zeros [groups, outputs / 8]; nibbles of
                         a word hold outputs 0 2 4 6 1 3 5 7 */
  CK_PACKED_AWQ_ROWS, /* 4 bits: codes [outputs, inputs / 8], zeros [outputs, zero_words] */
} ck_packed_layout;

/* W[n, k] = scale[g, n] · (code[n, k] - zero[g, n]) with g the group of input k, rounded to the type
 * of the scales (Frantar et al. 2022, arXiv:2210.17323; Lin et al. 2023, arXiv:2306.00978). */
typedef struct {
  ck_packed_layout layout;
  unsigned bits; /* 2, 3, 4 or 8 */
  size_t outputs, inputs;
  const uint32_t *codes, *zeros;
  size_t zero_words;        /* in a row of zeros */
  uint32_t zero_offset;     /* what is added to a stored zero point, modulo 2^bits */
  const void *scales;       /* [groups, outputs], by rows [outputs, 8 · zero_words] */
  ck_value_type value_type; /* of the scales */
  size_t group_size;        /* inputs of a group, where `groups` is NULL */
  const int32_t *groups;    /* [inputs], each within the groups, or NULL */
  const float *divisors;    /* [inputs], what the values of an input are divided by, or NULL */
} ck_packed_integers;

/* out[outputs, inputs] = the values. */
void ck_packed_integers_decode(const ck_packed_integers *weight, float *out);

/* out[rows, columns] = code · scale of the row / 127: bitsandbytes' 8 bits (Dettmers et al. 2022,
 * arXiv:2208.07339). */
void ck_int8_decode(const int8_t *codes, const float *scales, float *out, size_t rows,
                    size_t columns);

/* ---- grouped.c: the same as it stays in memory -----------------------------------------------*/

/* An [outputs, inputs] weight with codes of up to four bits: a value is
 * scale · (code - zero), rounded to the type of the scales and then to value_type. */
typedef struct {
  const uint8_t *codes;    /* [outputs · inputs / 2], even element in the high nibble; inputs are even */
  const uint16_t *scales;  /* [outputs, groups] */
  const uint8_t *zeros;    /* [outputs, groups] */
  const int32_t *group_of; /* [inputs], or NULL where group_size inputs lie side by side */
  size_t inputs, groups, group_size;
  ck_value_type scale_type; /* CK_FLOAT16 or CK_BFLOAT16 */
  ck_value_type value_type; /* CK_BFLOAT16, or anything else for no second rounding */
} ck_grouped;

/* Lays a weight of at most four bits without divisors out anew; the scales are of 16 bits. */
void ck_packed_integers_regroup(const ck_packed_integers *weight, size_t groups, uint8_t *codes,
                                uint16_t *scales, uint8_t *zeros);

/* out[count] = elements first ..< first + count, which are of one row. */
void ck_grouped_decode_range(const ck_grouped *weight, size_t first, size_t count, float *out);

/* The same in bfloat16, whatever value_type says. */
void ck_grouped_to_bf16(const ck_grouped *weight, size_t first, size_t count, uint16_t *out);

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
  GGML_BLOCK_IQ4_NL,
  GGML_BLOCK_IQ4_XS,
  GGML_BLOCK_MXFP4,
  GGML_BLOCK_TQ1_0,
  GGML_BLOCK_TQ2_0,
  GGML_BLOCK_IQ2_XXS,
  GGML_BLOCK_IQ2_XS,
  GGML_BLOCK_IQ2_S,
  GGML_BLOCK_IQ3_XXS,
  GGML_BLOCK_IQ3_S,
  GGML_BLOCK_IQ1_S,
  GGML_BLOCK_IQ1_M,
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

/* Whether there is an encoder for a type: up to Q6_K, but for Q2_K and Q3_K. */
bool ggml_can_encode(ggml_block_type type);

/* blocks = the encoded matrix; values [rows, columns] are finite, `columns` is a multiple of the block's
 * elements. Row i is made from row order[i] of the values; NULL: rows stay in place. */
void ggml_encode(ggml_block_type type, const float *values, void *blocks, size_t rows,
                 size_t columns, const uint32_t *order);
