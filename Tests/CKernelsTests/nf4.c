#include "weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* NF4, bit for bit what bitsandbytes makes on a CPU (Tests/Golden/nf4, scripts/golden/nf4.py). */

typedef struct {
  const char *name;
  ck_value_type type;
  size_t count, blocks;
  uint8_t *weight;
  uint8_t *codes, *absmax_codes;
  float *absmax, *absmax2, *map, *offset;
  float *values, *nested_values;
} golden_case;

static void quantize(void *context) {
  golden_case *p = context;
  ck_nf4_quantize(p->weight, p->type, p->codes, p->absmax, p->count);
  ck_nf4_quantize_absmax(p->absmax, p->absmax_codes, p->absmax2, p->map, p->offset, p->blocks);
  ck_nf4 weight = {.codes = p->codes, .absmax = p->absmax, .value_type = p->type,
                   .count = p->count};
  ck_nf4_dequantize(&weight, 0, p->count, p->values);
  weight.absmax = NULL;
  weight.absmax_codes = p->absmax_codes;
  weight.absmax2 = p->absmax2;
  weight.map = p->map;
  weight.offset = *p->offset;
  ck_nf4_dequantize(&weight, 0, p->count, p->nested_values);
}

/* Values as the 16-bit type of the weight; they must be exact. */
static const uint16_t *in_own_type(const golden_case *p, const float *values) {
  uint16_t *half = halves(p->count);
  float *again = floats(p->count);
  if (p->type == CK_BFLOAT16) {
    ck_float32_to_bfloat16(values, half, p->count);
    ck_bfloat16_to_float32(half, again, p->count);
  } else {
    ck_float32_to_float16(values, half, p->count);
    ck_float16_to_float32(half, again, p->count);
  }
  EXPECT_SAME(again, values, p->count * sizeof *values);
  return half;
}

/* A NaN that an operation makes out of none is negative on x86-64, where the golden files were
 * made, and positive on ARM: here they are one. */
static float *with_one_nan(const void *values, size_t count) {
  float *x = floats(count);
  memcpy(x, values, count * sizeof *x);
  for (size_t i = 0; i < count; i++) {
    if (isnan(x[i])) x[i] = NAN;
  }
  return x;
}

static void expect_values(const golden_case *p, const float *values, const uint8_t *stored) {
  if (p->type == CK_FLOAT32) {
    const float *actual = with_one_nan(values, p->count);
    EXPECT_SAME(actual, with_one_nan(stored, p->count), p->count * sizeof *actual);
  } else {
    EXPECT_SAME(in_own_type(p, values), stored, p->count * sizeof(uint16_t));
  }
}

/* The next `size` bytes of the file. */
static const uint8_t *next_part(const uint8_t **file, size_t size) {
  const uint8_t *part = *file;
  *file += size;
  return part;
}

static void test_case(const char *name, size_t count, ck_value_type type) {
  begin("golden %s", name);
  char path[128];
  snprintf(path, sizeof path, "nf4/%s.bin", name);
  size_t size, element = type == CK_FLOAT32 ? 4 : 2;
  const uint8_t *file = golden_file(path, &size);
  if (!file) return;
  size_t blocks = (count + 63) / 64, groups = (blocks + 255) / 256;
  golden_case p = {
      .name = name, .type = type, .count = count, .blocks = blocks,
      .weight = (uint8_t *)floats((count * element + 3) / 4),
      .codes = result_bytes((count + 1) / 2), .absmax_codes = result_bytes(blocks),
      .absmax = result_floats(blocks), .absmax2 = result_floats(groups),
      .map = result_floats(256), .offset = result_floats(1),
      .values = result_floats(count), .nested_values = result_floats(count)};
  memcpy(p.weight, next_part(&file, count * element), count * element);
  on_all_threads(quantize, &p);
  EXPECT_SAME(p.codes, next_part(&file, (count + 1) / 2), (count + 1) / 2);
  EXPECT_SAME(p.absmax, next_part(&file, 4 * blocks), 4 * blocks);
  expect_values(&p, p.values, next_part(&file, count * element));
  EXPECT_SAME(p.absmax_codes, next_part(&file, blocks), blocks);
  EXPECT_SAME(p.absmax2, next_part(&file, 4 * groups), 4 * groups);
  EXPECT_SAME(p.offset, next_part(&file, 4), 4);
  expect_values(&p, p.nested_values, next_part(&file, count * element));
}

static void test_golden_cases(void) {
  begin("golden cases");
  size_t size;
  const char *text = (const char *)golden_file("nf4/cases.txt", &size);
  if (!text) return;
  char list[1024] = {0};
  memcpy(list, text, LEAST(size, sizeof list - 1));
  size_t cases = 0;
  for (char *line = strtok(list, "\n"); line; line = strtok(NULL, "\n"), cases++) {
    char name[64], type[16];
    size_t outputs, inputs;
    EXPECT(sscanf(line, "%63s %zu %zu %15s", name, &outputs, &inputs, type) == 4, "line %s", line);
    test_case(name, outputs * inputs,
              strcmp(type, "float32") == 0    ? CK_FLOAT32
              : strcmp(type, "bfloat16") == 0 ? CK_BFLOAT16
                                              : CK_FLOAT16);
  }
  EXPECT(cases > 10, "%zu cases", cases);
}

/* FNV-1a */
static uint64_t hash(const void *data, size_t size) {
  uint64_t value = 0xcbf29ce484222325;
  for (size_t i = 0; i < size; i++) value = (value ^ ((const uint8_t *)data)[i]) * 0x100000001b3;
  return value;
}

/* The mean has to be PyTorch's to the last bit, whose order of additions depends on the count. */
static void test_absmax_of(size_t blocks, uint32_t mean, uint64_t codes_hash,
                           uint64_t absmax2_hash) {
  begin("absmax of %zu blocks", blocks);
  size_t groups = (blocks + 255) / 256;
  float *absmax = floats(blocks), *absmax2 = floats(groups), *map = floats(256), offset;
  uint8_t *codes = bytes(blocks);
  seed(blocks);
  for (size_t i = 0; i < blocks; i++) absmax[i] = (float)(next_number() >> 40) * 0x1p-24f;
  ck_nf4_quantize_absmax(absmax, codes, absmax2, map, &offset, blocks);
  EXPECT_SAME(&offset, &mean, 4);
  EXPECT(hash(codes, blocks) == codes_hash, "codes");
  EXPECT(hash(absmax2, 4 * groups) == absmax2_hash, "absmax2");
}

static void test_absmax(void) {
  begin("absmax");
  size_t size;
  const char *text = (const char *)golden_file("nf4/absmax.txt", &size);
  if (!text) return;
  char *list = calloc(1, size + 1), *rest = NULL;
  memcpy(list, text, size);
  size_t lines = 0;
  for (char *line = strtok_r(list, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    size_t blocks;
    uint32_t mean;
    uint64_t codes, absmax2;
    EXPECT(sscanf(line, "%zu %x %lx %lx", &blocks, &mean, &codes, &absmax2) == 4, "line %s", line);
    test_absmax_of(blocks, mean, codes, absmax2);
    lines++;
  }
  EXPECT(lines > 50, "%zu lines", lines);
  free(list);
}

static void test_map(void) {
  begin("map");
  float absmax[] = {1, 2, 3}, absmax2, map[256], offset;
  uint8_t codes[3];
  ck_nf4_quantize_absmax(absmax, codes, &absmax2, map, &offset, 3);
  size_t size;
  const uint8_t *expected = golden_file("nf4/map.bin", &size);
  if (expected) EXPECT_SAME(map, expected, sizeof map);
}

/* Any part of a weight, in float32 and in bfloat16: by the definition, element by element. */
static void test_ranges(size_t count, weight_storage storage, ck_value_type type) {
  begin("ranges of %zu elements, storage %d, type %d", count, storage, type);
  ck_nf4 weight = nf4_weight(random_floats(count, -1, 1), count, storage);
  weight.value_type = type;
  float *all = floats(count), *part = floats(count);
  ck_nf4_dequantize(&weight, 0, count, all);
  size_t wrong = 0;
  for (size_t i = 0; i < count; i++) {
    int code = i % 2 ? weight.codes[i / 2] & 15 : weight.codes[i / 2] >> 4;
    float value = ck_nf4_code_value(code) * nf4_absmax(&weight, i / 64);
    if (type == CK_BFLOAT16) value = nearest_bf16(value);
    wrong += type != CK_FLOAT16 && all[i] != value;
  }
  EXPECT(wrong == 0, "%zu of %zu elements", wrong, count);
  for (size_t first = 0; first < count; first = 2 * first + 1) {
    size_t length = (count - first + 1) / 2;
    ck_nf4_dequantize_range(&weight, first, length, part);
    EXPECT_SAME(part, all + first, length * sizeof *all);
  }
}

void test_nf4(void) {
  test_golden_cases();
  test_map();
  test_absmax();
  const size_t counts[] = {1, 63, 64, 577, 20000};
  for (size_t i = 0; i < COUNT(counts); i++) {
    test_ranges(counts[i], NF4, CK_FLOAT32);
    test_ranges(counts[i], NF4_NESTED, CK_BFLOAT16);
    test_ranges(counts[i], NF4_NESTED, CK_FLOAT16);
  }
}
