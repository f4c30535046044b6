#include "harness.h"

#include <string.h>

/* Weights in small whole numbers: every code, zero point and scale is looked up on its own, bit by bit,
 * and the value rounded by the tested conversion. */

static unsigned bit(const uint32_t *words, size_t place) { return words[place / 32] >> place % 32 & 1; }

/* Code of input k and output n. */
static int code_at(const ck_packed_integers *w, size_t n, size_t k) {
  static const int awq_place[8] = {0, 4, 1, 5, 2, 6, 3, 7};
  switch (w->layout) {
    case CK_PACKED_GPTQ: {
      int code = 0;
      for (unsigned i = 0; i < w->bits; i++) {
        size_t place = k * w->bits + i; /* in the column of words */
        code |= (int)(w->codes[place / 32 * w->outputs + n] >> place % 32 & 1) << i;
      }
      return code;
    }
    case CK_PACKED_AWQ:
      return w->codes[k * (w->outputs / 8) + n / 8] >> 4 * awq_place[n % 8] & 15;
    case CK_PACKED_AWQ_ROWS: return w->codes[n * (w->inputs / 8) + k / 8] >> 4 * (k % 8) & 15;
  }
  return 0;
}

static int zero_at(const ck_packed_integers *w, size_t n, size_t g) {
  static const int awq_place[8] = {0, 4, 1, 5, 2, 6, 3, 7};
  switch (w->layout) {
    case CK_PACKED_GPTQ: {
      unsigned zero = 0;
      for (unsigned i = 0; i < w->bits; i++) {
        zero |= bit(w->zeros + g * w->zero_words, n * w->bits + i) << i;
      }
      return (int)(zero + w->zero_offset) % (1 << w->bits);
    }
    case CK_PACKED_AWQ:
      return w->zeros[g * w->zero_words + n / 8] >> 4 * awq_place[n % 8] & 15;
    case CK_PACKED_AWQ_ROWS: return w->zeros[n * w->zero_words + g / 8] >> 4 * (g % 8) & 15;
  }
  return 0;
}

static float scale_at(const ck_packed_integers *w, size_t n, size_t g) {
  size_t place = w->layout == CK_PACKED_AWQ_ROWS ? n * w->zero_words * 8 + g : g * w->outputs + n;
  float scale;
  if (w->value_type == CK_FLOAT32) return ((const float *)w->scales)[place];
  const uint16_t *half = (const uint16_t *)w->scales + place;
  if (w->value_type == CK_BFLOAT16) {
    ck_bfloat16_to_float32(half, &scale, 1);
  } else {
    ck_float16_to_float32(half, &scale, 1);
  }
  return scale;
}

static float rounded(float value, ck_value_type type) {
  uint16_t half;
  if (type == CK_FLOAT32) return value;
  if (type == CK_BFLOAT16) {
    ck_float32_to_bfloat16(&value, &half, 1);
    ck_bfloat16_to_float32(&half, &value, 1);
  } else {
    ck_float32_to_float16(&value, &half, 1);
    ck_float16_to_float32(&half, &value, 1);
  }
  return value;
}

typedef struct {
  ck_packed_integers weight;
  float *out;
} decoding;

static void decode(void *context) {
  decoding *p = context;
  ck_packed_integers_decode(&p->weight, p->out);
}

static uint32_t *random_words(size_t count) {
  uint32_t *words = (uint32_t *)integers(count);
  for (size_t i = 0; i < count; i++) words[i] = (uint32_t)next_number();
  return words;
}

static void *random_scales(size_t count, ck_value_type type) {
  float *scales = random_floats(count, -0.1f, 0.1f);
  if (type == CK_FLOAT32) return scales;
  if (type == CK_BFLOAT16) return narrowed(scales, count);
  uint16_t *half = halves(count);
  ck_float32_to_float16(scales, half, count);
  return half;
}

/* Laid out for memory, it has the same values: whole rows, and pieces that begin anywhere. */
static void test_regrouping(const ck_packed_integers *w, size_t groups, const float *expected) {
  size_t outputs = w->outputs, inputs = w->inputs;
  uint8_t *codes = bytes(outputs * inputs / 2), *zeros = bytes(outputs * groups);
  uint16_t *scales = halves(outputs * groups);
  ck_packed_integers_regroup(w, groups, codes, scales, zeros);
  ck_grouped grouped = {codes, scales, zeros, w->groups, inputs, groups, w->group_size,
                        w->value_type, CK_FLOAT32};
  float *values = floats(outputs * inputs);
  for (size_t n = 0; n < outputs; n++) {
    ck_grouped_decode_range(&grouped, n * inputs, inputs, values + n * inputs);
  }
  EXPECT_SAME(values, expected, outputs * inputs * sizeof *values);
  for (size_t i = 0; i < 20; i++) {
    size_t n = next_number() % outputs, k = next_number() % inputs;
    size_t count = 1 + next_number() % (inputs - k);
    float *piece = floats(count);
    uint16_t *halved = halves(count);
    ck_grouped_decode_range(&grouped, n * inputs + k, count, piece);
    EXPECT_SAME(piece, expected + n * inputs + k, count * sizeof *piece);
    ck_grouped_to_bf16(&grouped, n * inputs + k, count, halved);
    EXPECT_SAME(halved, narrowed(piece, count), count * sizeof *halved);
  }
}

static void test_layout(ck_packed_layout layout, unsigned bits, size_t outputs, size_t inputs,
                        size_t group_size, ck_value_type type, bool listed, bool divided) {
  begin("layout %d, %u bits, [%zu, %zu] in groups of %zu, type %d%s%s", layout, bits, outputs, inputs,
        group_size, type, listed ? ", listed" : "", divided ? ", divided" : "");
  seed(outputs * inputs + bits);
  size_t groups = (inputs + group_size - 1) / group_size;
  bool by_rows = layout == CK_PACKED_AWQ_ROWS;
  size_t zero_words = by_rows ? (groups + 7) / 8 + 1 : outputs * bits / 32;
  size_t scales = by_rows ? outputs * zero_words * 8 : groups * outputs;
  decoding p = {.weight = {.layout = layout,
                           .bits = bits,
                           .outputs = outputs,
                           .inputs = inputs,
                           .codes = random_words(outputs * inputs * bits / 32),
                           .zeros = random_words((by_rows ? outputs : groups) * zero_words),
                           .zero_words = zero_words,
                           .zero_offset = layout == CK_PACKED_GPTQ,
                           .scales = random_scales(scales, type),
                           .value_type = type,
                           .group_size = group_size},
                .out = result_floats(outputs * inputs)};
  if (listed) p.weight.groups = random_integers(inputs, (int32_t)groups);
  if (divided) p.weight.divisors = random_floats(inputs, 0.5f, 2);
  float *expected = floats(outputs * inputs);
  for (size_t n = 0; n < outputs; n++) {
    for (size_t k = 0; k < inputs; k++) {
      size_t g = listed ? (size_t)p.weight.groups[k] : k / group_size;
      int difference = code_at(&p.weight, n, k) - zero_at(&p.weight, n, g);
      float value = rounded(scale_at(&p.weight, n, g) * (float)difference, type);
      expected[n * inputs + k] = divided ? value / p.weight.divisors[k] : value;
    }
  }
  on_all_threads(decode, &p);
  EXPECT_SAME(p.out, expected, outputs * inputs * sizeof *expected);
  if (bits <= 4 && !divided && type != CK_FLOAT32 && inputs % 2 == 0) {
    test_regrouping(&p.weight, groups, expected);
  }
}

typedef struct {
  const int8_t *codes;
  const float *scales;
  float *out;
  size_t rows, columns;
} row_decoding;

static void decode_rows(void *context) {
  row_decoding *p = context;
  ck_int8_decode(p->codes, p->scales, p->out, p->rows, p->columns);
}

static void test_int8(size_t rows, size_t columns) {
  begin("INT8 [%zu, %zu]", rows, columns);
  seed(rows + columns);
  int8_t *codes = (int8_t *)bytes(rows * columns);
  for (size_t i = 0; i < rows * columns; i++) codes[i] = (int8_t)next_number();
  row_decoding p = {codes, random_floats(rows, 0, 3), result_floats(rows * columns), rows, columns};
  float *expected = floats(rows * columns);
  for (size_t i = 0; i < rows * columns; i++) {
    float product = (float)codes[i] * p.scales[i / columns];
    expected[i] = product * 7.874015718698502e-3f;
  }
  on_all_threads(decode_rows, &p);
  EXPECT_SAME(p.out, expected, rows * columns * sizeof *expected);
}

void test_packed_integers(void) {
  const unsigned bits[] = {2, 3, 4, 8};
  for (size_t i = 0; i < COUNT(bits); i++) {
    test_layout(CK_PACKED_GPTQ, bits[i], 96, 160, 32, CK_FLOAT16, false, false);
    test_layout(CK_PACKED_GPTQ, bits[i], 32, 96, 40, CK_BFLOAT16, true, false);
    test_layout(CK_PACKED_GPTQ, bits[i], 64, 32, 32, CK_FLOAT32, true, true);
  }
  test_layout(CK_PACKED_AWQ, 4, 72, 100, 20, CK_FLOAT16, false, true);
  test_layout(CK_PACKED_AWQ, 4, 24, 600, 50, CK_BFLOAT16, false, false);
  test_layout(CK_PACKED_AWQ, 4, 8, 3, 2, CK_BFLOAT16, false, false);
  test_layout(CK_PACKED_AWQ_ROWS, 4, 37, 96, 8, CK_FLOAT16, false, false);
  test_layout(CK_PACKED_AWQ_ROWS, 4, 1, 8, 8, CK_FLOAT32, false, true);
  test_int8(7, 129);
  test_int8(64, 64);
}
