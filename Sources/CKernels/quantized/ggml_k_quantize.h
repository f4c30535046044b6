/* Float32 values into the K-quants, bit for bit as the reference quantizer of llama.cpp makes them. */
#pragma once

#include "quantized/ggml_k_blocks.h"

void ggml_encode_q4_k(const float *x, block_q4_k *b, size_t blocks);
void ggml_encode_q5_k(const float *x, block_q5_k *b, size_t blocks);
void ggml_encode_q6_k(const float *x, block_q6_k *b, size_t blocks);
