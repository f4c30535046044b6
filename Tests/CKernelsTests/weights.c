#include "weights.h"

#include <string.h>

ck_nf4 nf4_weight(const float *values, size_t count, weight_storage storage) {
  size_t blocks = (count + CK_NF4_BLOCK - 1) / CK_NF4_BLOCK;
  uint8_t *codes = bytes((count + 1) / 2);
  float *absmax = floats(blocks);
  ck_nf4_quantize(values, CK_FLOAT32, codes, absmax, count);
  ck_nf4 weight = {.codes = codes, .absmax = absmax, .value_type = CK_FLOAT32, .count = count};
  if (storage == NF4) return weight;
  uint8_t *absmax_codes = bytes(blocks);
  float *absmax2 = floats((blocks + CK_NF4_NESTED_BLOCK - 1) / CK_NF4_NESTED_BLOCK);
  float *map = floats(256);
  ck_nf4_quantize_absmax(absmax, absmax_codes, absmax2, map, &weight.offset, blocks);
  weight.absmax = NULL;
  weight.absmax_codes = absmax_codes;
  weight.absmax2 = absmax2;
  weight.map = map;
  return weight;
}

float nf4_absmax(const ck_nf4 *weight, size_t block) {
  if (weight->absmax) return weight->absmax[block];
  float scaled = weight->map[weight->absmax_codes[block]] *
                 weight->absmax2[block / CK_NF4_NESTED_BLOCK];
  return scaled + weight->offset;
}

float nearest_bf16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  uint32_t lost = bits & 0xffff;
  bits -= lost;
  if (lost > 0x8000 || (lost == 0x8000 && bits >> 16 & 1)) bits += 0x10000;
  memcpy(&x, &bits, sizeof bits);
  return x;
}

stored_weight random_weight(size_t rows, size_t columns, weight_storage storage) {
  size_t count = rows * columns;
  stored_weight w = {.operand = {.scale = 1, .stride = columns}};
  if (storage == STORED_BF16) {
    w.operand.bfloat16 = random_bf16(count, -1, 1);
    w.values = widened(w.operand.bfloat16, count);
    return w;
  }
  w.operand.nf4 = nf4_weight(random_floats(count, -1, 1), count, storage);
  w.operand.nf4.value_type = CK_BFLOAT16;
  float *values = floats(count);
  for (size_t i = 0; i < count; i++) {
    uint8_t byte = w.operand.nf4.codes[i / 2];
    float value = ck_nf4_code_value(i % 2 ? byte & 15 : byte >> 4);
    values[i] = nearest_bf16(value * nf4_absmax(&w.operand.nf4, i / CK_NF4_BLOCK));
  }
  w.values = values;
  return w;
}
