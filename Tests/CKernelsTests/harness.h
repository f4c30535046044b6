/* What the tests of kernels share: cases, memory that notices who writes past it, numbers and
 * comparisons. */
#pragma once

#include "CKernels.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Cases -----------------------------------------------------------------------------------*/

/* Names the case at hand in messages; the memory of the case before is checked and given back. */
void begin(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Counts a check; where it fails, says file, line, case and the message. */
#define EXPECT(holds, ...) expect(__FILE__, __LINE__, holds, __VA_ARGS__)
void expect(const char *file, int line, bool holds, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* |actual - expected| <= absolute + relative · |expected| for every element; NaN is close to
 * nothing. */
#define EXPECT_CLOSE(actual, expected, count, relative, absolute) \
  expect_close(__FILE__, __LINE__, #actual, actual, expected, count, relative, absolute)
void expect_close(const char *file, int line, const char *name, const float *actual,
                  const double *expected, size_t count, double relative, double absolute);

/* The size of the difference is below `bound` times the size of what was expected. */
#define EXPECT_SMALL_ERROR(actual, expected, count, bound) \
  expect_small_error(__FILE__, __LINE__, #actual, actual, expected, count, bound)
void expect_small_error(const char *file, int line, const char *name, const float *actual,
                        const double *expected, size_t count, double bound);

/* The same bytes. */
#define EXPECT_SAME(actual, expected, bytes) \
  expect_same(__FILE__, __LINE__, #actual, actual, expected, bytes)
void expect_same(const char *file, int line, const char *name, const void *actual,
                 const void *expected, size_t bytes);

/* ---- Memory of a case ------------------------------------------------------------------------*/

/* Aligned as a workspace aligns, full of NaN, with a border that must stay as it is. */
void *scratch(size_t bytes);

/* Aligned to its elements and no better. */
float *floats(size_t count);
double *doubles(size_t count);
uint16_t *halves(size_t count);
uint8_t *bytes(size_t count);
int32_t *integers(size_t count);

/* Memory that a kernel writes: `on_all_threads` compares it. */
float *result_floats(size_t count);
double *result_doubles(size_t count);
uint16_t *result_halves(size_t count);
uint8_t *result_bytes(size_t count);

/* Calls `run` with 1, 2, 3 and 16 threads; all results of the case must have the same bits. */
void on_all_threads(void (*run)(void *context), void *context);

/* Scratch slots that serve any of these numbers of threads. */
enum { WORKERS = 16 };

/* ---- Numbers ---------------------------------------------------------------------------------*/

/* Starts the case's stream of numbers anew (SplitMix64; Steele, Lea & Flood 2014). */
void seed(uint64_t value);
uint64_t next_number(void);

/* Uniform numbers. */
float *random_floats(size_t count, float low, float high);
int32_t *random_integers(size_t count, int32_t end);

/* The same with values that bfloat16 holds exactly: as such, or as float32 of the same values. */
uint16_t *random_bf16(size_t count, float low, float high);
float *widened(const uint16_t *x, size_t count);
uint16_t *narrowed(const float *x, size_t count);

/* `count` times the same number. */
float *filled(size_t count, float value);

/* ---- Files under Tests/Golden ----------------------------------------------------------------*/

extern const char *golden_folder;

/* The whole file, in memory of the case; NULL, and a failed check, where it is not there. */
uint8_t *golden_file(const char *name, size_t *size);

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define LEAST(a, b) ((a) < (b) ? (a) : (b))
#define MOST(a, b) ((a) > (b) ? (a) : (b))
