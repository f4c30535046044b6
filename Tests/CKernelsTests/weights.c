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

/* Groups of 24 or 128 inputs; the last may be short. */
static stored_weight random_grouped(size_t rows, size_t columns, bool mixed) {
  /* Groups of whole blocks of 64 have rows of their own for a single token. */
  size_t size = columns % 128 ? 24 : 128, groups = (columns + size - 1) / size, count = rows * columns;
  ck_grouped g = {.inputs = columns, .groups = groups, .group_size = size,
                  .scale_type = CK_FLOAT16, .value_type = CK_BFLOAT16};
  uint8_t *codes = bytes(count / 2), *zeros = bytes(rows * groups);
  for (size_t i = 0; i < count / 2; i++) codes[i] = (uint8_t)next_number();
  for (size_t i = 0; i < rows * groups; i++) zeros[i] = next_number() % 16;
  uint16_t *scales = halves(rows * groups);
  ck_float32_to_float16(random_floats(rows * groups, 0, 0.1f), scales, rows * groups);
  float *wide = floats(rows * groups), *values = floats(count);
  ck_float16_to_float32(scales, wide, rows * groups);
  if (mixed) g.group_of = random_integers(columns, (int32_t)groups);
  for (size_t i = 0; i < count; i++) {
    size_t k = i % columns, group = mixed ? (size_t)g.group_of[k] : k / size;
    size_t place = i / columns * groups + group;
    int code = i % 2 ? codes[i / 2] & 15 : codes[i / 2] >> 4;
    float value = wide[place] * (float)(code - zeros[place]);
    uint16_t half;
    ck_float32_to_float16(&value, &half, 1);
    ck_float16_to_float32(&half, &value, 1);
    values[i] = nearest_bf16(value);
  }
  g.codes = codes;
  g.zeros = zeros;
  g.scales = scales;
  return (stored_weight){.operand = {.scale = 1, .stride = columns, .grouped = g}, .values = values};
}

stored_weight random_weight(size_t rows, size_t columns, weight_storage storage) {
  size_t count = rows * columns;
  stored_weight w = {.operand = {.scale = 1, .stride = columns}};
  if (storage == STORED_BF16) {
    w.operand.bfloat16 = random_bf16(count, -1, 1);
    w.values = widened(w.operand.bfloat16, count);
    return w;
  }
  if (storage >= GROUPED) return random_grouped(rows, columns, storage == GROUPED_MIXED);
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
