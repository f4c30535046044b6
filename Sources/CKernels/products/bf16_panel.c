#include "products/bf16.h"

#include "numbers/transpose.h"

CK_SHARED_KERNEL(void, ck_bf16_widen, (const uint16_t *restrict x, float *restrict y, size_t count),
                 (x, y, count)) {
  for (size_t i = 0; i < count; i++) y[i] = ck_float_from_bf16(x[i]);
}

CK_SHARED_KERNEL(void, ck_bf16_narrow,
                 (const float *restrict x, uint16_t *restrict y, size_t count),
                 (x, y, count)) {
  for (size_t i = 0; i < count; i++) y[i] = ck_bfloat16_from_float(x[i]);
}

CK_SHARED_KERNEL(float, ck_bf16_dot,
                 (const uint16_t *restrict x, const uint16_t *restrict y, size_t count),
                 (x, y, count)) {
  CK_SUM_IN_LANES
  float sum = 0;
  for (size_t i = 0; i < count; i++) sum += ck_float_from_bf16(x[i]) * ck_float_from_bf16(y[i]);
  return sum;
}

/* ---- Rows: two of them are interleaved -------------------------------------------------------*/

CK_INLINE uint32_t pair_of(uint16_t even, uint16_t odd) { return (uint32_t)odd << 16 | even; }

typedef uint16_t elements16 __attribute__((vector_size(32), aligned(1)));
typedef uint32_t words16 __attribute__((vector_size(64), aligned(1)));

/* Written with vectors: of a plain loop of 32 steps a compiler for NEON makes no vectors at all. */
CK_KERNEL(void, interleave,
          (const uint16_t *restrict x, size_t stride, size_t pairs, uint32_t *restrict panel),
          (x, stride, pairs, panel)) {
  enum { LANES = 16 };
  for (size_t p = 0; p < pairs; p++) {
    const uint16_t *even = x + 2 * p * stride, *odd = even + stride;
    for (size_t n = 0; n < CK_PANEL_COLUMNS; n += LANES) {
      elements16 low, high;
      memcpy(&low, even + n, sizeof low);
      memcpy(&high, odd + n, sizeof high);
      words16 both = __builtin_convertvector(low, words16) |
                     __builtin_convertvector(high, words16) << 16;
      memcpy(panel + p * CK_PANEL_COLUMNS + n, &both, sizeof both);
    }
  }
}

void ck_panel_of_rows(const uint16_t *x, size_t stride, size_t columns, size_t K,
                      uint32_t *panel) {
  size_t whole = columns == CK_PANEL_COLUMNS ? K / 2 : 0;
  interleave(x, stride, whole, panel);
  for (size_t p = whole; p < ck_panel_pairs(K); p++) {
    const uint16_t *even = x + 2 * p * stride, *odd = 2 * p + 1 < K ? even + stride : NULL;
    for (size_t n = 0; n < CK_PANEL_COLUMNS; n++) {
      panel[p * CK_PANEL_COLUMNS + n] = n < columns ? pair_of(even[n], odd ? odd[n] : 0) : 0;
    }
  }
}

/* ---- Transposing words -----------------------------------------------------------------------*/

enum { SQUARE = 16 };

CK_INLINE void transpose_registers(words16 rows[SQUARE]) {
#pragma clang loop unroll(full)
  CK_EXCHANGE(words16, 16, 8)
#pragma clang loop unroll(full)
  CK_EXCHANGE(words16, 16, 4)
#pragma clang loop unroll(full)
  CK_EXCHANGE(words16, 16, 2)
#pragma clang loop unroll(full)
  CK_EXCHANGE(words16, 16, 1)
}

CK_KERNEL(void, transpose_square,
          (const void *x, size_t bytes, void *out, size_t out_bytes), (x, bytes, out, out_bytes)) {
  words16 rows[SQUARE];
  for (size_t i = 0; i < SQUARE; i++) {
    memcpy(&rows[i], (const char *)x + i * bytes, sizeof rows[i]);
  }
  transpose_registers(rows);
  for (size_t i = 0; i < SQUARE; i++) memcpy((char *)out + i * out_bytes, &rows[i], sizeof rows[i]);
}

void ck_transpose_floats(const float *x, size_t stride, float *out, size_t out_stride) {
  transpose_square(x, stride * sizeof *x, out, out_stride * sizeof *out);
}

/* ---- Transposing elements: of two rows each, words are made ----------------------------------*/

CK_KERNEL(void, transpose_rows,
          (const uint16_t *x, size_t stride, uint16_t *out, size_t out_stride),
          (x, stride, out, out_stride)) {
  words16 rows[SQUARE];
  for (size_t i = 0; i < SQUARE; i++) {
    elements16 even, odd;
    memcpy(&even, x + 2 * i * stride, sizeof even);
    memcpy(&odd, x + (2 * i + 1) * stride, sizeof odd);
    rows[i] = __builtin_convertvector(even, words16) | __builtin_convertvector(odd, words16) << 16;
  }
  transpose_registers(rows);
  for (size_t i = 0; i < SQUARE; i++) memcpy(out + i * out_stride, &rows[i], sizeof rows[i]);
}

void ck_bf16_transpose(const uint16_t *x, size_t stride, size_t rows, size_t columns,
                       uint16_t *out, size_t out_stride) {
  for (size_t c = 0; c < columns; c += SQUARE) {
    for (size_t r = 0; r < rows; r += CK_TRANSPOSED_ROWS) {
      ck_range part = {r, CK_MIN(CK_TRANSPOSED_ROWS, rows - r)};
      size_t width = CK_MIN(SQUARE, columns - c);
      const uint16_t *corner = x + r * stride + c;
      uint16_t *result = out + c * out_stride + r;
      if (part.count == CK_TRANSPOSED_ROWS && width == SQUARE) {
        transpose_rows(corner, stride, result, out_stride);
        continue;
      }
      uint16_t padded[CK_TRANSPOSED_ROWS][SQUARE] = {0}, turned[SQUARE][CK_TRANSPOSED_ROWS];
      for (size_t i = 0; i < part.count; i++) {
        memcpy(padded[i], corner + i * stride, width * sizeof *x);
      }
      transpose_rows(padded[0], SQUARE, turned[0], CK_TRANSPOSED_ROWS);
      for (size_t i = 0; i < width; i++) {
        memcpy(result + i * out_stride, turned[i], sizeof turned[i]);
      }
    }
  }
}

/* ---- Columns: pairs lie side by side already -------------------------------------------------*/

static void transpose_part(const uint16_t *x, size_t stride, size_t columns, size_t first_pair,
                           size_t K, uint32_t *panel) {
  for (size_t p = first_pair; p < ck_panel_pairs(K); p++) {
    for (size_t n = 0; n < columns; n++) {
      const uint16_t *column = x + n * stride + 2 * p;
      panel[p * CK_PANEL_COLUMNS + n] = pair_of(column[0], 2 * p + 1 < K ? column[1] : 0);
    }
  }
}

void ck_panel_of_columns(const uint16_t *x, size_t stride, size_t columns, size_t K,
                         uint32_t *panel) {
  if (columns < CK_PANEL_COLUMNS) memset(panel, 0, ck_panel_words(K) * sizeof *panel);
  size_t squares = K / 2 / SQUARE, whole = columns / SQUARE * SQUARE;
  for (size_t s = 0; s < squares; s++) {
    for (size_t n = 0; n < whole; n += SQUARE) {
      transpose_square(x + n * stride + 2 * SQUARE * s, stride * sizeof *x,
                       panel + s * SQUARE * CK_PANEL_COLUMNS + n,
                       CK_PANEL_COLUMNS * sizeof *panel);
    }
  }
  transpose_part(x, stride, whole, squares * SQUARE, K, panel);
  transpose_part(x + whole * stride, stride, columns - whole, 0, K, panel + whole);
}
