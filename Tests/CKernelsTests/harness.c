#include "harness.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *golden_folder;

/* ---- Checks ----------------------------------------------------------------------------------*/

size_t checks, failures; /* main.c prints them */

static char case_name[256];

static void check_borders_and_free(void);

void begin(const char *format, ...) {
  check_borders_and_free();
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(case_name, sizeof case_name, format, arguments);
  va_end(arguments);
  seed(checks);
}

enum { MOST_MESSAGES = 40 };

void expect(const char *file, int line, bool holds, const char *format, ...) {
  checks++;
  if (holds) return;
  failures++;
  if (failures > MOST_MESSAGES) return;
  printf("%s:%d: %s: ", file, line, case_name);
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf("\n");
}

void expect_close(const char *file, int line, const char *name, const float *actual,
                  const double *expected, size_t count, double relative, double absolute) {
  size_t worst = 0;
  double worst_excess = 0;
  for (size_t i = 0; i < count; i++) {
    double tolerance = absolute + relative * fabs(expected[i]);
    double difference = fabs((double)actual[i] - expected[i]);
    double excess = isnan(difference) ? INFINITY : difference / tolerance;
    if (difference <= tolerance || excess <= worst_excess) continue;
    worst = i;
    worst_excess = excess;
  }
  expect(file, line, worst_excess == 0, "%s: element %zu of %zu is %.9g, expected %.9g ± %.3g",
         name, worst, count, (double)actual[worst], expected[worst],
         absolute + relative * fabs(expected[worst]));
}

void expect_small_error(const char *file, int line, const char *name, const float *actual,
                        const double *expected, size_t count, double bound) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < count; i++) {
    double d = (double)actual[i] - expected[i];
    difference += d * d;
    size += expected[i] * expected[i];
  }
  double error = size == 0 ? sqrt(difference) : sqrt(difference / size);
  expect(file, line, error < bound, "%s: relative error %.3g, expected less than %.3g", name, error,
         bound);
}

void expect_same(const char *file, int line, const char *name, const void *actual,
                 const void *expected, size_t bytes) {
  const uint8_t *a = actual, *e = expected;
  size_t i = 0;
  while (i < bytes && a[i] == e[i]) i++;
  expect(file, line, i == bytes, "%s: byte %zu of %zu is %#x, expected %#x", name, i, bytes,
         i < bytes ? a[i] : 0, i < bytes ? e[i] : 0);
}

/* ---- Memory ----------------------------------------------------------------------------------*/

enum { MOST_PIECES = 128, BORDER = 128, BORDER_BYTE = 0xff /* four of them are a NaN */ };

typedef struct {
  uint8_t *memory, *start;
  size_t bytes;
  bool is_result;
} piece;

static piece pieces[MOST_PIECES];
static size_t piece_count;

/* `offset` bytes past a cache line. */
static void *take(size_t bytes, size_t offset, bool is_result) {
  if (piece_count == MOST_PIECES) {
    printf("%s: more than %d pieces of memory\n", case_name, MOST_PIECES);
    exit(2);
  }
  size_t whole = (BORDER + offset + bytes + BORDER + 63) / 64 * 64;
  uint8_t *memory = aligned_alloc(64, whole);
  if (!memory) {
    printf("%s: no memory for %zu bytes\n", case_name, bytes);
    exit(2);
  }
  memset(memory, BORDER_BYTE, whole);
  pieces[piece_count++] = (piece){memory, memory + BORDER + offset, bytes, is_result};
  return memory + BORDER + offset;
}

static void check_borders_and_free(void) {
  for (size_t i = 0; i < piece_count; i++) {
    piece p = pieces[i];
    bool whole = true;
    for (size_t j = 1; j <= BORDER; j++) whole &= p.start[-(ptrdiff_t)j] == BORDER_BYTE;
    for (size_t j = 0; j < BORDER; j++) whole &= p.start[p.bytes + j] == BORDER_BYTE;
    expect("memory", (int)i, whole, "somebody wrote past the %zu bytes of a piece", p.bytes);
    free(p.memory);
  }
  piece_count = 0;
}

void *scratch(size_t bytes) { return take(bytes, 0, false); }

float *floats(size_t count) { return take(count * sizeof(float), sizeof(float), false); }
double *doubles(size_t count) { return take(count * sizeof(double), sizeof(double), false); }
uint16_t *halves(size_t count) { return take(count * sizeof(uint16_t), sizeof(uint16_t), false); }
uint8_t *bytes(size_t count) { return take(count, 1, false); }
int32_t *integers(size_t count) { return take(count * sizeof(int32_t), sizeof(int32_t), false); }

float *result_floats(size_t count) { return take(count * sizeof(float), sizeof(float), true); }
double *result_doubles(size_t count) { return take(count * sizeof(double), sizeof(double), true); }
uint16_t *result_halves(size_t count) {
  return take(count * sizeof(uint16_t), sizeof(uint16_t), true);
}
uint8_t *result_bytes(size_t count) { return take(count, 1, true); }

/* ---- Threads ---------------------------------------------------------------------------------*/

static void compare_results(uint8_t *const *expected, size_t threads) {
  for (size_t i = 0; i < piece_count; i++) {
    if (!pieces[i].is_result) continue;
    bool same = memcmp(pieces[i].start, expected[i], pieces[i].bytes) == 0;
    expect("threads", (int)i, same, "%zu threads: other bits than with one in %zu bytes", threads,
           pieces[i].bytes);
  }
}

void on_all_threads(void (*run)(void *context), void *context) {
  uint8_t *expected[MOST_PIECES] = {0};
  ck_set_threads(1);
  run(context);
  for (size_t i = 0; i < piece_count; i++) {
    if (!pieces[i].is_result) continue;
    expected[i] = malloc(pieces[i].bytes + 1);
    memcpy(expected[i], pieces[i].start, pieces[i].bytes);
  }
  static const size_t others[] = {2, 3, WORKERS};
  for (size_t i = 0; i < COUNT(others); i++) {
    ck_set_threads(others[i]);
    run(context);
    compare_results(expected, others[i]);
  }
  ck_set_threads(1);
  for (size_t i = 0; i < piece_count; i++) free(expected[i]);
}

/* ---- Numbers ---------------------------------------------------------------------------------*/

static uint64_t state;

void seed(uint64_t value) { state = value; }

uint64_t next_number(void) {
  state += 0x9e3779b97f4a7c15;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

float *random_floats(size_t count, float low, float high) {
  float *x = floats(count);
  for (size_t i = 0; i < count; i++) {
    x[i] = low + (high - low) * ((float)(next_number() >> 40) * 0x1p-24f);
  }
  return x;
}

int32_t *random_integers(size_t count, int32_t end) {
  int32_t *x = integers(count);
  for (size_t i = 0; i < count; i++) x[i] = (int32_t)(next_number() % (uint64_t)end);
  return x;
}

uint16_t *random_bf16(size_t count, float low, float high) {
  return narrowed(random_floats(count, low, high), count);
}

/* Here by the definition, not by the kernels that are tested. */

float *widened(const uint16_t *x, size_t count) {
  float *y = floats(count);
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = (uint32_t)x[i] << 16;
    memcpy(y + i, &bits, sizeof bits);
  }
  return y;
}

uint16_t *narrowed(const float *x, size_t count) {
  uint16_t *y = halves(count);
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    uint32_t lost = bits & 0xffff, kept = bits >> 16;
    y[i] = (uint16_t)(kept + (lost > 0x8000 || (lost == 0x8000 && kept % 2 == 1)));
  }
  return y;
}

float *filled(size_t count, float value) {
  float *x = floats(count);
  for (size_t i = 0; i < count; i++) x[i] = value;
  return x;
}

/* ---- Golden files ----------------------------------------------------------------------------*/

uint8_t *golden_file(const char *name, size_t *size) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", golden_folder, name);
  FILE *file = fopen(path, "rb");
  EXPECT(file != NULL, "%s cannot be opened", path);
  *size = 0;
  if (!file) return NULL;
  fseek(file, 0, SEEK_END);
  size_t length = (size_t)ftell(file);
  rewind(file);
  uint8_t *contents = bytes(length);
  *size = fread(contents, 1, length, file);
  fclose(file);
  return contents;
}
