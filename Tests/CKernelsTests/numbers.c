#include "harness.h"

#include <math.h>
#include <string.h>

/* Conversions between float32 and 16-bit floats, and the search for numbers that are not finite. */

static float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/* By its definition. */
static double value_of_float16(uint32_t pattern) {
  int exponent = (int)(pattern >> 10 & 31);
  double fraction = pattern & 0x3ff;
  double size = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
  return pattern & 0x8000 ? -size : size;
}

enum { PATTERNS = 65536 };

typedef struct {
  const uint16_t *half;
  const float *wide;
  size_t count;
  float *widened;
  uint16_t *narrowed;
} conversion;

static void convert_bf16(void *context) {
  conversion *p = context;
  if (p->half) ck_bfloat16_to_float32(p->half, p->widened, p->count);
  ck_float32_to_bfloat16(p->half ? p->widened : p->wide, p->narrowed, p->count);
}

static void convert_float16(void *context) {
  conversion *p = context;
  if (p->half) ck_float16_to_float32(p->half, p->widened, p->count);
  ck_float32_to_float16(p->half ? p->widened : p->wide, p->narrowed, p->count);
}

static conversion every_pattern(void) {
  uint16_t *half = halves(PATTERNS);
  for (size_t i = 0; i < PATTERNS; i++) half[i] = (uint16_t)i;
  return (conversion){half, NULL, PATTERNS, result_floats(PATTERNS), result_halves(PATTERNS)};
}

static void test_every_bf16(void) {
  begin("every bfloat16");
  conversion p = every_pattern();
  on_all_threads(convert_bf16, &p);
  size_t wrong = 0;
  for (uint32_t i = 0; i < PATTERNS; i++) {
    bool is_nan = (i & 0x7fff) > 0x7f80;
    /* A signalling NaN comes back quiet. */
    wrong += bits_of(p.widened[i]) != i << 16 || p.narrowed[i] != (is_nan ? i | 0x40 : i);
  }
  EXPECT(wrong == 0, "%zu patterns are wrong", wrong);
}

static void test_every_float16(void) {
  begin("every float16");
  conversion p = every_pattern();
  on_all_threads(convert_float16, &p);
  size_t wrong = 0;
  for (uint32_t i = 0; i < PATTERNS; i++) {
    float x = p.widened[i];
    if ((i & 0x7fff) > 0x7c00) {
      wrong += !isnan(x) || (p.narrowed[i] & 0x7fff) <= 0x7c00;
    } else {
      bool infinite = (i & 0x7fff) == 0x7c00;
      wrong += infinite ? !isinf(x) : (double)x != value_of_float16(i);
      wrong += (signbit(x) != 0) != (i >> 15 != 0);
      wrong += p.narrowed[i] != i;
    }
  }
  EXPECT(wrong == 0, "%zu patterns are wrong", wrong);
}

/* Right at the border between two neighbours, just above and just below, and negative. `infinity`
 * is the first pattern that is not finite; its value here is what a next number would be. */
static void test_rounding(const char *name, void (*convert)(void *), double (*value)(uint32_t),
                          uint32_t infinity) {
  begin("float32 to %s rounds to nearest even", name);
  float *x = floats(4 * infinity);
  uint16_t *expected = halves(4 * infinity);
  size_t n = 0;
  for (uint32_t i = 0; i < infinity; i++) {
    float border = (float)((value(i) + value(i + 1)) / 2);
    uint16_t even = (uint16_t)(i + i % 2);
    x[n] = border, expected[n++] = even;
    x[n] = nextafterf(border, INFINITY), expected[n++] = (uint16_t)(i + 1);
    x[n] = nextafterf(border, 0), expected[n++] = (uint16_t)i;
    x[n] = -border, expected[n++] = even | 0x8000;
  }
  conversion p = {NULL, x, n, NULL, result_halves(n)};
  on_all_threads(convert, &p);
  EXPECT_SAME(p.narrowed, expected, n * sizeof *expected);
}

static double value_of_bf16(uint32_t pattern) {
  return pattern == 0x7f80 ? 0x1p128 : float_of(pattern << 16);
}

static void test_overflow(void) {
  begin("too large for float16 or bfloat16");
  const float x[] = {65519.996f, 65520,    65536,         70000,
                     -1e6f,      INFINITY, 3.3895313e38f, -3.4028234e38f};
  const uint16_t to_half[] = {0x7bff, 0x7c00, 0x7c00, 0x7c00, 0xfc00, 0x7c00, 0x7c00, 0xfc00};
  const uint16_t to_bf16[] = {0x4780, 0x4780, 0x4780, 0x4789, 0xc974, 0x7f80, 0x7f7f, 0xff80};
  uint16_t half[COUNT(x)], bf16[COUNT(x)];
  ck_float32_to_float16(x, half, COUNT(x));
  ck_float32_to_bfloat16(x, bf16, COUNT(x));
  EXPECT_SAME(half, to_half, sizeof half);
  EXPECT_SAME(bf16, to_bf16, sizeof bf16);
}

static void test_nan(void) {
  begin("NaN stays NaN");
  float x[] = {NAN, -NAN, float_of(0x7f800001), float_of(0xffffffff)};
  uint16_t bf16[4], half[4];
  ck_float32_to_bfloat16(x, bf16, 4);
  ck_float32_to_float16(x, half, 4);
  for (int i = 0; i < 4; i++) {
    EXPECT((bf16[i] & 0x7fff) > 0x7f80, "bfloat16 %d is %#x", i, bf16[i]);
    EXPECT((half[i] & 0x7fff) > 0x7c00, "float16 %d is %#x", i, half[i]);
  }
}

static void test_finite(size_t count) {
  begin("finite: %zu elements", count);
  float *x = filled(count, float_of(0x7f7fffff));
  const float bad[] = {NAN, INFINITY, -INFINITY, float_of(0x7f800001)};
  size_t places[] = {0, count / 2, count - 1};
  for (size_t threads = 1; threads <= 3; threads++) {
    ck_set_threads(threads);
    EXPECT(ck_all_finite_float32(x, count), "nothing is infinite");
    for (size_t i = 0; i < COUNT(bad) * COUNT(places); i++) {
      size_t place = places[i / COUNT(bad)];
      x[place] = bad[i % COUNT(bad)];
      EXPECT(!ck_all_finite_float32(x, count), "%g at %zu was not found", x[place], place);
      x[place] = -1;
    }
  }
  ck_set_threads(1);
}

static void test_finite_of_other_types(void) {
  begin("finite: other types");
  double wide[] = {1, -1e308, 3};
  EXPECT(ck_all_finite_float64(wide, 3), "float64");
  wide[2] = -INFINITY;
  EXPECT(!ck_all_finite_float64(wide, 3), "float64");
  uint16_t bf16[] = {0x7f7f, 0xff7f, 0xff80}, half[] = {0x7bff, 0xfbff, 0x7c01};
  EXPECT(ck_all_finite_16(bf16, 0x7f80, 2), "bfloat16");
  EXPECT(!ck_all_finite_16(bf16, 0x7f80, 3), "bfloat16");
  EXPECT(ck_all_finite_16(half, 0x7c00, 2), "float16");
  EXPECT(!ck_all_finite_16(half, 0x7c00, 3), "float16");
}

void test_numbers(void) {
  test_every_bf16();
  test_every_float16();
  test_rounding("bfloat16", convert_bf16, value_of_bf16, 0x7f80);
  test_rounding("float16", convert_float16, value_of_float16, 0x7c00);
  test_overflow();
  test_nan();
  const size_t counts[] = {1, 577, 70001};
  for (size_t i = 0; i < COUNT(counts); i++) test_finite(counts[i]);
  test_finite_of_other_types();
}
