#include "numbers/bits.h"
#include "machine/vector.h"

#include <pthread.h>
#include <stdlib.h>

/* Double quantization: the absmax values of a weight, less their mean, in 8 bits. As bitsandbytes
 * does it on a CPU, with PyTorch's mean. */

/* ---- The mean, in the order in which PyTorch adds on one thread --------------------------------
 *
 * PyTorch reads the numbers as rows of 4 vectors of 8 lanes and keeps one sum for each of the 32
 * columns. A column is summed in levels: a run of rows, then a run of such runs, and so on, so that
 * large sums never meet single numbers. Rows that do not fill a run, vectors that do not fill a row
 * and numbers that do not fill a vector follow. From 32768 numbers on PyTorch splits the sum among
 * its threads, and the last bit of its result may depend on their number; this is what one gives. */

enum { LANES = 8, COLUMNS = 4, LEVELS = 4 };

/* Sums of `columns` columns of `lanes` interleaved lanes; sums[COLUMNS][LANES] is written. */
static void sum_columns(const float *x, size_t rows, size_t lanes,
                        float sums[LEVELS][COLUMNS * LANES]) {
  size_t row_length = COLUMNS * lanes, bits = 0;
  while (((size_t)1 << bits) < rows) bits++;
  size_t level_bits = CK_MAX(bits / LEVELS, 4);
  size_t run = (size_t)1 << level_bits;
  memset(sums, 0, LEVELS * COLUMNS * LANES * sizeof(float));

  size_t row = 0;
  while (row + run <= rows) {
    for (size_t end = row + run; row < end; row++) {
      for (size_t i = 0; i < row_length; i++) sums[0][i] += x[row * row_length + i];
    }
    for (size_t level = 1; level < LEVELS; level++) {
      for (size_t i = 0; i < row_length; i++) {
        sums[level][i] += sums[level - 1][i];
        sums[level - 1][i] = 0;
      }
      if (row & (run - 1) << level * level_bits) break; /* the next level's run is not full */
    }
  }
  for (; row < rows; row++) {
    for (size_t i = 0; i < row_length; i++) sums[0][i] += x[row * row_length + i];
  }
  for (size_t level = 1; level < LEVELS; level++) {
    for (size_t i = 0; i < row_length; i++) sums[0][i] += sums[level][i];
  }
}

static float sum_as_pytorch(const float *x, size_t count) {
  size_t lanes = count >= LANES ? LANES : 1;
  size_t vectors = count / lanes, rows = vectors / COLUMNS;
  float sums[LEVELS][COLUMNS * LANES];
  sum_columns(x, rows, lanes, sums);
  float *first_column = sums[0];
  for (size_t v = rows * COLUMNS; v < vectors; v++) {
    for (size_t i = 0; i < lanes; i++) first_column[i] += x[v * lanes + i];
  }
  for (size_t column = 1; column < COLUMNS; column++) {
    for (size_t i = 0; i < lanes; i++) first_column[i] += sums[0][column * lanes + i];
  }
  float sum = 0;
  for (size_t i = vectors * lanes; i < count; i++) sum += x[i];
  for (size_t i = 0; i < lanes; i++) sum += first_column[i];
  return sum;
}

/* ---- The 8-bit codes -------------------------------------------------------------------------*/

/* The dynamic 8-bit data type (Dettmers 2015, arXiv:1511.04561): decades 10^-6 ... 1, the decade
 * 10^(i - 6) with 2^i evenly spaced fractions of either sign, zero, and 1. */
enum { DECADES = 7, MAP_SIZE = 256 };
static float dynamic_map[MAP_SIZE];

/* The code of -1 + 2 i / 65535: bitsandbytes rounds values to this grid before it looks for the
 * nearest code. */
enum { GRID_SIZE = 65536 };
static uint8_t nearest_code[GRID_SIZE];

static int compare_floats(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/* Border j of 0.1 ... 1 in `steps` equal steps. Computed from the nearer end, as PyTorch's linspace
 * does, with one rounding (all products are exact in double). */
static float decade_border(size_t j, size_t steps) {
  double step = (1.0f - 0.1f) / (float)steps;
  return (float)(j < (steps + 1) / 2 ? 0.1f + step * (double)j : 1 - step * (double)(steps - j));
}

static void fill_dynamic_map(void) {
  size_t filled = 0;
  dynamic_map[filled++] = 0;
  dynamic_map[filled++] = 1;
  static const float decades[DECADES] = {1e-6f, 1e-5f, 1e-4f, 1e-3f, 1e-2f, 1e-1f, 1};
  for (size_t i = 0; i < DECADES; i++) {
    size_t steps = (size_t)1 << i;
    for (size_t j = 0; j < steps; j++) {
      float middle = (decade_border(j, steps) + decade_border(j + 1, steps)) / 2;
      dynamic_map[filled++] = decades[i] * middle;
      dynamic_map[filled++] = -(decades[i] * middle);
    }
  }
  qsort(dynamic_map, MAP_SIZE, sizeof *dynamic_map, compare_floats);
}

static void fill_tables(void) {
  fill_dynamic_map();
  size_t code = 0;
  for (size_t i = 0; i < GRID_SIZE; i++) {
    float value = -1.0f + (float)(2 * i) / (GRID_SIZE - 1);
    while (code + 1 < MAP_SIZE && 0.5f * (dynamic_map[code] + dynamic_map[code + 1]) < value) {
      code++;
    }
    nearest_code[i] = (uint8_t)code;
  }
}

/* x is 0 times infinity, not a number, where the block's absmax has no finite reciprocal: code 0. */
static uint8_t encode(float x) {
  if (x != x) return 0;
  x = CK_MIN(CK_MAX(x, -1.0f), 1.0f);
  /* Exact in double, then rounded once to float. */
  float grid = (float)((double)((x + 1) * 0.5f) * (GRID_SIZE - 1) + 0.5);
  return nearest_code[(size_t)grid];
}

void ck_nf4_quantize_absmax(const float *absmax, uint8_t *absmax_codes, float *absmax2, float *map,
                            float *offset, size_t blocks) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, fill_tables);
  memcpy(map, dynamic_map, sizeof dynamic_map);
  float mean = sum_as_pytorch(absmax, blocks) / (float)blocks;
  *offset = mean;
  for (size_t first = 0; first < blocks; first += CK_NF4_NESTED_BLOCK) {
    size_t count = CK_MIN(blocks - first, CK_NF4_NESTED_BLOCK);
    float largest = 0;
    for (size_t i = first; i < first + count; i++) {
      float magnitude = ck_float_from_bits(ck_bits_of_float(absmax[i] - mean) & 0x7fffffff);
      largest = CK_MAX(largest, magnitude);
    }
    absmax2[first / CK_NF4_NESTED_BLOCK] = largest;
    float reciprocal = 1 / largest;
    for (size_t i = first; i < first + count; i++) {
      absmax_codes[i] = largest == 0 ? 0 : encode((absmax[i] - mean) * reciprocal);
    }
  }
}
