/* What the kernels over NF4 weights share. */
#pragma once

#include "machine/kernel_table.h"

/* In ascending order. */
extern const float ck_nf4_code_values[16];

/* With double quantization: two roundings, as bitsandbytes makes them. */
CK_INLINE float ck_nf4_block_absmax(const ck_nf4 *weight, size_t block) {
  if (weight->absmax) return weight->absmax[block];
  float scaled = weight->map[weight->absmax_codes[block]] *
                 weight->absmax2[block / CK_NF4_NESTED_BLOCK];
  return scaled + weight->offset;
}

/* Values of type `type`, and where codes and absmax of their blocks go. */
struct ck_nf4_quantization {
  const void *values;
  ck_value_type type;
  uint8_t *codes;
  float *absmax;
  size_t count;
};

/* A smaller divisor would have no finite reciprocal. */
#define CK_NF4_LEAST_ABSMAX 1e-38f

/* ---- The levels of the table of kernels, where these are described ----------------------------*/

void ck_nf4_quantize_plain(const ck_nf4_quantization *p, size_t first_block, size_t blocks);
void ck_nf4_quantize_avx512(const ck_nf4_quantization *p, size_t first_block, size_t blocks);

void ck_nf4_to_bf16_plain(const ck_nf4 *weight, size_t first, size_t count, uint16_t *out);
void ck_nf4_to_bf16_avx512(const ck_nf4 *weight, size_t first, size_t count, uint16_t *out);
void ck_nf4_to_bf16_avx512_bf16(const ck_nf4 *weight, size_t first, size_t count, uint16_t *out);
void ck_nf4_to_bf16_neon(const ck_nf4 *weight, size_t first, size_t count, uint16_t *out);
void ck_nf4_to_bf16_neon_bf16(const ck_nf4 *weight, size_t first, size_t count, uint16_t *out);

bool ck_nf4_panel_of_rows_plain(const ck_nf4 *weight, size_t first, size_t stride, size_t columns,
                                size_t K, uint32_t *panel);
bool ck_nf4_panel_of_rows_avx512_bf16(const ck_nf4 *weight, size_t first, size_t stride,
                                      size_t columns, size_t K, uint32_t *panel);
bool ck_nf4_panel_of_rows_neon_bf16(const ck_nf4 *weight, size_t first, size_t stride,
                                    size_t columns, size_t K, uint32_t *panel);
