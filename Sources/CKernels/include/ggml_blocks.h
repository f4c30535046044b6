/* GGML's block formats, as GGUF files store weights: decoding to float32. */
#pragma once

#include <stddef.h>

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
