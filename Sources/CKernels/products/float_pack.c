#include "products/float_pack.h"

#include "products/bf16.h"

/* ---- Squares of 8 rows and 8 columns, transposed in registers --------------------------------*/

enum { SQUARE = 8 };

typedef float floats8 __attribute__((vector_size(32), aligned(4)));
typedef uint32_t words8 __attribute__((vector_size(32), aligned(4)));
typedef uint16_t halves8 __attribute__((vector_size(16), aligned(2)));

#define LOW(d, j) ((j) & (d) ? ((j) ^ (d)) + SQUARE : (j))
#define HIGH(d, j) ((j) & (d) ? (j) + SQUARE : (j) ^ (d))
#define ALL(f, d) f(d, 0), f(d, 1), f(d, 2), f(d, 3), f(d, 4), f(d, 5), f(d, 6), f(d, 7)

/* Exchanges the squares of d rows and columns off the diagonal. */
#define EXCHANGE(d)                                                         \
  for (int i = 0; i < SQUARE; i++) {                                        \
    if (i & d) continue;                                                    \
    floats8 a = rows[i], b = rows[i | d];                                   \
    rows[i] = __builtin_shufflevector(a, b, ALL(LOW, d));                   \
    rows[i | d] = __builtin_shufflevector(a, b, ALL(HIGH, d));              \
  }

CK_INLINE void transpose(floats8 rows[SQUARE]) {
#pragma clang loop unroll(full)
  EXCHANGE(4)
#pragma clang loop unroll(full)
  EXCHANGE(2)
#pragma clang loop unroll(full)
  EXCHANGE(1)
}

CK_INLINE void load_floats(const float *x, float scale, floats8 *values) {
  memcpy(values, x, sizeof *values);
  *values *= scale;
}

CK_INLINE void load_halves(const uint16_t *x, float scale, floats8 *values) {
  halves8 halves;
  memcpy(&halves, x, sizeof halves);
  *values = (floats8)(__builtin_convertvector(halves, words8) << 16) * scale;
}

/* ---- Rows side by side -----------------------------------------------------------------------*/

/* out[k · width + r] for 8 rows at most and whole squares of k; rows that do not exist are zero. All 8
 * elements of a k are written, so where width is 6 the next k covers the last two. */
#define INTERLEAVE(name, type, load)                                                            \
  CK_INLINE void name##_squares(const type *x, size_t stride, size_t rows, size_t depth,        \
                                float scale, float *out, size_t width) {                        \
    for (size_t k = 0; k < depth; k += SQUARE) {                                                \
      floats8 square[SQUARE] = {0};                                                             \
      for (size_t r = 0; r < rows; r++) load(x + r * stride + k, scale, &square[r]);            \
      transpose(square);                                                                        \
      for (size_t i = 0; i < SQUARE; i++) {                                                     \
        memcpy(out + (k + i) * width, &square[i], sizeof square[i]);                            \
      }                                                                                         \
    }                                                                                           \
  }                                                                                             \
  CK_KERNEL(void, name,                                                                         \
            (const type *x, size_t stride, size_t rows, size_t depth, float scale, float *out,  \
             size_t width),                                                                     \
            (x, stride, rows, depth, scale, out, width)) {                                      \
    /* The usual numbers of rows are known to the compiler. */                                  \
    if (rows == SQUARE) {                                                                       \
      name##_squares(x, stride, SQUARE, depth, scale, out, width);                              \
    } else if (rows == CK_FLOAT_ROWS) {                                                         \
      name##_squares(x, stride, CK_FLOAT_ROWS, depth, scale, out, width);                       \
    } else {                                                                                    \
      name##_squares(x, stride, rows, depth, scale, out, width);                                \
    }                                                                                           \
  }

INTERLEAVE(interleave_floats, float, load_floats)
INTERLEAVE(interleave_halves, uint16_t, load_halves)

static float element(const ck_float_rows *x, size_t row, size_t k) {
  size_t at = x->transposed ? k * x->stride + row : row * x->stride + k;
  return x->float32 ? x->float32[at] : ck_float_from_bf16(x->bfloat16[at]);
}

/* Eight rows at most, at out[k · width]. */
static void interleave_some(const ck_float_rows *x, ck_range rows, ck_range k, float scale,
                            float *out, size_t width) {
  size_t whole = k.count / SQUARE * SQUARE, at = rows.first * x->stride + k.first;
  if (x->float32) {
    interleave_floats(x->float32 + at, x->stride, rows.count, whole, scale, out, width);
  } else {
    interleave_halves(x->bfloat16 + at, x->stride, rows.count, whole, scale, out, width);
  }
  size_t written = CK_MIN(width, SQUARE);
  for (size_t i = whole; i < k.count; i++) {
    for (size_t r = 0; r < written; r++) {
      out[i * width + r] =
          r < rows.count ? scale * element(x, rows.first + r, k.first + i) : 0;
    }
  }
}

CK_KERNEL(void, scale_floats,
          (const float *restrict x, float scale, float *restrict out, size_t count),
          (x, scale, out, count)) {
  for (size_t i = 0; i < count; i++) out[i] = scale * x[i];
}

CK_KERNEL(void, scale_halves,
          (const uint16_t *restrict x, float scale, float *restrict out, size_t count),
          (x, scale, out, count)) {
  for (size_t i = 0; i < count; i++) out[i] = scale * ck_float_from_bf16(x[i]);
}

/* out[count] = scale · x, then zeros up to `width`. */
static void copy_row(const ck_float_rows *x, size_t at, size_t count, float scale, float *out,
                     size_t width) {
  if (x->float32) {
    scale_floats(x->float32 + at, scale, out, count);
  } else {
    scale_halves(x->bfloat16 + at, scale, out, count);
  }
  for (size_t i = count; i < width; i++) out[i] = 0;
}

void ck_interleave_rows(const ck_float_rows *x, ck_range rows, ck_range k, float scale, float *out,
                        size_t width) {
  if (x->transposed) {
    for (size_t i = 0; i < k.count; i++) {
      copy_row(x, (k.first + i) * x->stride + rows.first, rows.count, scale, out + i * width,
               width);
    }
    return;
  }
  for (size_t r = 0; r < width; r += SQUARE) {
    ck_range some = {rows.first + r, r < rows.count ? CK_MIN(SQUARE, rows.count - r) : 0};
    interleave_some(x, some, k, scale, out + r, width);
  }
}

/* ---- Right operands --------------------------------------------------------------------------*/

enum {
  SLAB = 256,        /* k that are expanded at a time where elements are not stored one by one */
  MOST_COLUMNS = 128 /* that are expanded at a time */
};

/* Panels of NF4 codes whose rows are the columns of B. */
static void expand_columns(const ck_operand *b, ck_range columns, ck_range k, size_t width,
                           float *panel) {
  float rows[CK_MOST_FLOAT_COLUMNS][SLAB];
  ck_float_rows expanded = {.float32 = rows[0], .stride = SLAB};
  for (size_t done = 0; done < k.count; done += SLAB) {
    ck_range part = {0, CK_MIN(SLAB, k.count - done)};
    for (size_t n = 0; n < columns.count; n++) {
      ck_nf4_dequantize_range(&b->nf4, (columns.first + n) * b->stride + k.first + done,
                              part.count, rows[n]);
    }
    ck_interleave_rows(&expanded, (ck_range){0, columns.count}, part, 1, panel + done * width,
                       width);
  }
}

/* Panels of NF4 codes whose rows are rows of B: all columns of a row at once. */
static void expand_rows(const ck_operand *b, ck_range columns, ck_range k, size_t width,
                        float *out, size_t panel_floats) {
  float row[MOST_COLUMNS];
  for (size_t i = 0; i < k.count; i++) {
    ck_nf4_dequantize_range(&b->nf4, (k.first + i) * b->stride + columns.first, columns.count, row);
    float *place = out + i * width;
    for (size_t n = 0; n < columns.count; n += width, place += panel_floats) {
      size_t count = CK_MIN(width, columns.count - n);
      memcpy(place, row + n, count * sizeof *row);
      if (count < width) memset(place + count, 0, (width - count) * sizeof *place);
    }
  }
}

void ck_float_panels(const ck_operand *b, ck_range columns, ck_range k, size_t width, float *out,
                     size_t panel_floats) {
  bool expands = !b->float32 && !b->bfloat16;
  if (expands && !b->transposed) {
    for (size_t n = 0; n < columns.count; n += MOST_COLUMNS) {
      ck_range some = {columns.first + n, CK_MIN(MOST_COLUMNS, columns.count - n)};
      expand_rows(b, some, k, width, out + n / width * panel_floats, panel_floats);
    }
    return;
  }
  /* A column of B is a row of these. */
  ck_float_rows x = {b->float32, b->bfloat16, b->stride, !b->transposed};
  for (size_t n = 0; n < columns.count; n += width, out += panel_floats) {
    ck_range some = {columns.first + n, CK_MIN(width, columns.count - n)};
    if (expands) {
      expand_columns(b, some, k, width, out);
    } else {
      ck_interleave_rows(&x, some, k, b->float32 ? b->scale : 1, out, width);
    }
  }
}
