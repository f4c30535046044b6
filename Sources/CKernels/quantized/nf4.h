/* What the kernels over NF4 weights share. */
#pragma once

#include "CKernels.h"
#include "numbers/bits.h"

/* In ascending order. */
extern const float ck_nf4_code_values[16];

/* With double quantization: two roundings, as bitsandbytes makes them. */
CK_INLINE float ck_nf4_block_absmax(const ck_nf4 *weight, size_t block) {
  if (weight->absmax) return weight->absmax[block];
  float scaled = weight->map[weight->absmax_codes[block]] *
                 weight->absmax2[block / CK_NF4_NESTED_BLOCK];
  return scaled + weight->offset;
}
