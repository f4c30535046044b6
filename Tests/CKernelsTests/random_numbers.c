#include "harness.h"

#include <math.h>

/* Philox, uniform numbers and dropout. */

/* Known answers of Philox4x32-10 from the authors' Random123 distribution (kat_vectors). */
static void test_known_answers(void) {
  begin("known answers");
  const ck_random_key zero = {0}, full = {UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
  const ck_random_key digits = {0x299f31d0a4093822, 0x85a308d3, 0x13198a2e, 0x03707344};
  const uint32_t of_zero[] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  const uint32_t of_full[] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
  const uint32_t of_digits[] = {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1};
  uint32_t words[4];
  ck_random_block(zero, 0, words);
  EXPECT_SAME(words, of_zero, sizeof words);
  ck_random_block(full, UINT32_MAX, words);
  EXPECT_SAME(words, of_full, sizeof words);
  ck_random_block(digits, 0x243f6a88, words);
  EXPECT_SAME(words, of_digits, sizeof words);
}

static const ck_random_key key = {0x0123456789abcdef, 1, 2, 3};

static uint32_t word(size_t i) {
  uint32_t words[4];
  ck_random_block(key, (uint32_t)(i / 4), words);
  return words[i % 4];
}

typedef struct {
  float low, high;
  const float *x;
  const uint16_t *bf16_x;
  float *out;
  uint16_t *bf16_out;
  double probability;
  bool accumulate;
  size_t count;
} stream_case;

static void run_uniform(void *context) {
  stream_case *p = context;
  ck_random_uniform(key, p->low, p->high, p->out, p->count);
}

static void test_uniform(size_t count) {
  begin("uniform: %zu numbers", count);
  stream_case p = {.low = -0.25f, .high = 0.75f, .out = result_floats(count), .count = count};
  on_all_threads(run_uniform, &p);
  size_t wrong = 0;
  for (size_t i = 0; i < count; i++) {
    float u = (float)(word(i) >> 8) * 0x1p-24f;
    wrong += p.out[i] != -0.25f + (0.75f - -0.25f) * u || p.out[i] >= 0.75f;
  }
  EXPECT(wrong == 0, "%zu numbers are not those of the stream", wrong);
  /* A range in which every number but the lower bound rounds to the upper one. */
  ck_random_uniform(key, 1, nextafterf(1, 2), p.out, count);
  for (size_t i = 0; i < count; i++) wrong += p.out[i] != 1;
  EXPECT(wrong == 0, "%zu numbers are the upper bound", wrong);
}

static void run_dropout(void *context) {
  stream_case *p = context;
  for (size_t i = 0; i < p->count; i++) p->out[i] = 3, p->bf16_out[i] = 0x4040;
  ck_dropout(p->x, p->out, p->probability, key, p->accumulate, p->count);
  ck_bf16_dropout(p->bf16_x, p->bf16_out, p->probability, key, p->accumulate, p->count);
}

static void test_dropout(size_t count, double probability, bool accumulate) {
  begin("dropout of %zu, probability %g, accumulate %d", count, probability, accumulate);
  const uint16_t *bf16 = random_bf16(count, 0.5f, 1);
  stream_case p = {.x = widened(bf16, count), .bf16_x = bf16, .out = result_floats(count),
                   .bf16_out = result_halves(count), .probability = probability,
                   .accumulate = accumulate, .count = count};
  on_all_threads(run_dropout, &p);
  double *expected = doubles(count);
  for (size_t i = 0; i < count; i++) {
    bool kept = word(i) >= probability * 0x1p32;
    expected[i] = (accumulate ? 3 : 0) + (kept ? p.x[i] / (1 - probability) : 0);
  }
  EXPECT_CLOSE(p.out, expected, count, 1e-6, 0);
  EXPECT_CLOSE(widened(p.bf16_out, count), expected, count, 1.0 / 256, 0);
}

void test_random_numbers(void) {
  test_known_answers();
  const size_t counts[] = {1, 7, 64, 577, 40001};
  for (size_t i = 0; i < COUNT(counts); i++) {
    test_uniform(counts[i]);
    test_dropout(counts[i], 0.3, false);
    test_dropout(counts[i], 0.05, true);
  }
  test_dropout(100, 0, false);
}
