#include "harness.h"

#include <stdio.h>
#include <string.h>

/* GGML's blocks against what gguf's own Python reads from them (Tests/Golden/weights). */

enum { ROWS = 2, COLUMNS = 512 };

/* Where a tensor's data begins, by its name in the JSON header of a safetensors file. */
static const uint8_t *find_tensor(const uint8_t *file, const char *name) {
  uint64_t length;
  memcpy(&length, file, sizeof length);
  const uint8_t *data = file + sizeof length + length;
  char *header = (char *)bytes(length + 1), key[64];
  memcpy(header, file + sizeof length, length);
  header[length] = 0;
  snprintf(key, sizeof key, "\"%s\"", name);
  const char *at = strstr(header, key);
  const char *offsets = at ? strstr(at, "\"data_offsets\"") : NULL;
  size_t first;
  bool found = offsets && sscanf(offsets, "\"data_offsets\" : [ %zu", &first) == 1;
  if (!found) found = offsets && sscanf(offsets, "\"data_offsets\":[%zu", &first) == 1;
  EXPECT(found, "%s is not in the file", name);
  return found ? data + first : NULL;
}

typedef struct {
  ggml_block_type type;
  const uint8_t *blocks;
  float *out;
} decoding;

static void decode(void *context) {
  decoding *p = context;
  ggml_decode(p->type, p->blocks, p->out, ROWS, COLUMNS, 0);
}

static void test_type(ggml_block_type type, const char *name, const char *path) {
  begin("%s", name);
  size_t size;
  const uint8_t *file = golden_file(path, &size);
  if (!file) return;
  char of_blocks[32], of_values[32];
  snprintf(of_blocks, sizeof of_blocks, "%s.blocks", name);
  snprintf(of_values, sizeof of_values, "%s.values", name);
  const uint8_t *stored = find_tensor(file, of_blocks), *values = find_tensor(file, of_values);
  if (!stored || !values) return;
  size_t length = ROWS * COLUMNS / ggml_block_elements(type) * ggml_block_bytes(type);
  float *blocks = floats((length + 3) / 4); /* files align tensors */
  memcpy(blocks, stored, length);
  decoding p = {type, (const uint8_t *)blocks, result_floats(ROWS * COLUMNS)};
  on_all_threads(decode, &p);
  EXPECT_SAME(p.out, values, ROWS * COLUMNS * sizeof *p.out);
}

/* Two heads of four rows: stored order 0 2 1 3 within each. */
static void test_order_of_rows(void) {
  begin("rows of rotated heads");
  const float stored[] = {0, 2, 1, 3, 10, 12, 11, 13}, expected[] = {0, 1, 2, 3, 10, 11, 12, 13};
  float out[8];
  ggml_decode(GGML_BLOCK_F32, stored, out, 8, 1, 4);
  EXPECT_SAME(out, expected, sizeof out);
}

/* ---- Encoding, against the reference quantizers (Tests/Golden/quantizers) -----------------------*/

enum { ENCODED_ROWS = 20 };

typedef struct {
  ggml_block_type type;
  const float *values;
  uint8_t *blocks;
} encoding;

static void encode(void *context) {
  encoding *p = context;
  ggml_encode(p->type, p->values, p->blocks, ENCODED_ROWS, COLUMNS, NULL);
}

static void test_encoding(ggml_block_type type, const char *name, const char *path) {
  begin("encoding %s", name);
  size_t size;
  const uint8_t *file = golden_file(path, &size);
  if (!file) return;
  char of_blocks[32];
  snprintf(of_blocks, sizeof of_blocks, "%s.blocks", name);
  const uint8_t *stored = find_tensor(file, "values"), *blocks = find_tensor(file, of_blocks);
  if (!stored || !blocks) return;
  float *values = floats(ENCODED_ROWS * COLUMNS);
  memcpy(values, stored, ENCODED_ROWS * COLUMNS * sizeof *values);
  size_t row = COLUMNS / ggml_block_elements(type) * ggml_block_bytes(type);
  encoding p = {type, values, result_bytes(ENCODED_ROWS * row)};
  on_all_threads(encode, &p);
  for (size_t i = 0; i < ENCODED_ROWS; i++) {
    EXPECT(memcmp(p.blocks + i * row, blocks + i * row, row) == 0, "row %zu is another", i);
  }
}

static void test_encoding_in_another_order(void) {
  begin("encoding rows in another order");
  const float values[] = {0, 1, 2, 3, 4, 5};
  const uint32_t order[] = {2, 0, 1};
  const float expected[] = {4, 5, 0, 1, 2, 3};
  float out[6];
  ggml_encode(GGML_BLOCK_F32, values, out, 3, 2, order);
  EXPECT_SAME(out, expected, sizeof out);
}

void test_ggml_blocks(void) {
  /* In the order of ggml_block_type. */
  const char *names[] = {"F32",  "F16",  "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1",
                         "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
                         "IQ4_NL", "IQ4_XS", "MXFP4", "TQ1_0", "TQ2_0", "IQ2_XXS", "IQ2_XS",
                         "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ1_S", "IQ1_M"};
  for (size_t i = 0; i < COUNT(names); i++) {
    test_type((ggml_block_type)i, names[i], "weights/blocks.safetensors");
  }
  test_order_of_rows();
  for (size_t i = 1; i < COUNT(names); i++) {
    if (!ggml_can_encode((ggml_block_type)i)) continue;
    test_encoding((ggml_block_type)i, names[i], "quantizers/blocks.safetensors");
  }
  test_encoding_in_another_order();
}
