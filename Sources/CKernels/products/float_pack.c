#include "products/float_pack.h"

#include "numbers/transpose.h"
#include "products/bf16.h"

/* ---- Squares of 8 rows and 8 columns, transposed in registers --------------------------------*/

enum { SQUARE = 8 };

typedef float floats8 __attribute__((vector_size(32), aligned(4)));
typedef uint32_t words8 __attribute__((vector_size(32), aligned(4)));
typedef uint16_t halves8 __attribute__((vector_size(16), aligned(2)));

CK_INLINE void transpose(floats8 rows[SQUARE]) {
#pragma clang loop unroll(full)
  CK_EXCHANGE(floats8, 8, 4)
#pragma clang loop unroll(full)
  CK_EXCHANGE(floats8, 8, 2)
#pragma clang loop unroll(full)
  CK_EXCHANGE(floats8, 8, 1)
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
      for (size_t r = 0; r < rows; r++) {                                                       \
        load(x + r * stride + k, scale, &square[r]);                                            \
        /* The rows are short for the hardware to see where they go on. */                      \
        __builtin_prefetch(x + (rows + r) * stride + k);                                        \
      }                                                                                         \
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

/* out[k · width + i] = scale · x[k · stride + i] for i < count, zero up to `width`. */
#define COPY(name, type, value_of)                                                              \
  CK_INLINE void name##_counted(const type *restrict x, size_t stride, size_t count,            \
                                size_t depth, float scale, float *restrict out, size_t width) { \
    for (size_t k = 0; k < depth; k++) {                                                        \
      for (size_t i = 0; i < count; i++) out[k * width + i] = scale * value_of(x[k * stride + i]); \
      for (size_t i = count; i < width; i++) out[k * width + i] = 0;                            \
    }                                                                                           \
  }                                                                                             \
  CK_KERNEL(void, name,                                                                         \
            (const type *x, size_t stride, size_t count, size_t depth, float scale, float *out, \
             size_t width),                                                                     \
            (x, stride, count, depth, scale, out, width)) {                                     \
    /* The usual counts are known to the compiler. */                                           \
    if (count == CK_FLOAT_COLUMNS && width == CK_FLOAT_COLUMNS) {                               \
      name##_counted(x, stride, CK_FLOAT_COLUMNS, depth, scale, out, CK_FLOAT_COLUMNS);         \
    } else if (count == CK_FLOAT_ROWS && width == CK_FLOAT_ROWS) {                              \
      name##_counted(x, stride, CK_FLOAT_ROWS, depth, scale, out, CK_FLOAT_ROWS);               \
    } else {                                                                                    \
      name##_counted(x, stride, count, depth, scale, out, width);                               \
    }                                                                                           \
  }

CK_INLINE float itself(float x) { return x; }

COPY(copy_floats, float, itself)
COPY(copy_halves, uint16_t, ck_float_from_bf16)

/* Rows that lie in memory side by side already. */
static void copy_rows(const ck_float_rows *x, ck_range rows, ck_range k, float scale, float *out,
                      size_t width) {
  size_t at = k.first * x->stride + rows.first;
  if (x->float32) {
    copy_floats(x->float32 + at, x->stride, rows.count, k.count, scale, out, width);
  } else {
    copy_halves(x->bfloat16 + at, x->stride, rows.count, k.count, scale, out, width);
  }
}

void ck_interleave_rows(const ck_float_rows *x, ck_range rows, ck_range k, float scale, float *out,
                        size_t width) {
  if (x->transposed) {
    copy_rows(x, rows, k, scale, out, width);
    return;
  }
  for (size_t r = 0; r < width; r += SQUARE) {
    ck_range some = {rows.first + r, r < rows.count ? CK_MIN(SQUARE, rows.count - r) : 0};
    interleave_some(x, some, k, scale, out + r, width);
  }
}

/* ---- Right operands --------------------------------------------------------------------------*/

enum {
  SLAB = 256,         /* k that are expanded at a time where elements are not stored one by one */
  PAGES = 32,         /* the same where they are rows */
  MOST_COLUMNS = 128, /* that are laid out at a time */
};

/* Elements of one row that are stored in four bits. */
static void expand(const ck_operand *b, size_t first, size_t count, float *out) {
  if (b->grouped.codes) {
    ck_grouped_decode_range(&b->grouped, first, count, out);
  } else {
    ck_nf4_dequantize_range(&b->nf4, first, count, out);
  }
}

/* Panels of codes whose rows are the columns of B. */
static void expand_columns(const ck_operand *b, ck_range columns, ck_range k, size_t width,
                           float *panel) {
  float rows[CK_MOST_FLOAT_COLUMNS][SLAB];
  ck_float_rows expanded = {.float32 = rows[0], .stride = SLAB};
  for (size_t done = 0; done < k.count; done += SLAB) {
    ck_range part = {0, CK_MIN(SLAB, k.count - done)};
    for (size_t n = 0; n < columns.count; n++) {
      expand(b, (columns.first + n) * b->stride + k.first + done, part.count, rows[n]);
    }
    ck_interleave_rows(&expanded, (ck_range){0, columns.count}, part, 1, panel + done * width,
                       width);
  }
}

/* Panels of columns that lie in memory as rows. */
static void panels_of_columns(const ck_operand *b, ck_range columns, ck_range k, size_t width,
                              float *out, size_t panel_floats) {
  ck_float_rows x = {.float32 = b->float32, .bfloat16 = b->bfloat16, .stride = b->stride};
  for (size_t n = 0; n < columns.count; n += width, out += panel_floats) {
    ck_range some = {columns.first + n, CK_MIN(width, columns.count - n)};
    if (b->float32 || b->bfloat16) {
      ck_interleave_rows(&x, some, k, b->float32 ? b->scale : 1, out, width);
    } else {
      expand_columns(b, some, k, width, out);
    }
  }
}

/* Panels of rows of B. Some rows at a time go to all panels: each row is on a page of its own. */
static void panels_of_rows(const ck_operand *b, ck_range columns, ck_range k, size_t width,
                           float *out, size_t panel_floats) {
  float expanded[PAGES][MOST_COLUMNS];
  ck_float_rows x = {.float32 = b->float32, .bfloat16 = b->bfloat16, .stride = b->stride,
                     .transposed = true};
  bool expands = !b->float32 && !b->bfloat16;
  for (size_t done = 0; done < k.count; done += PAGES, out += PAGES * width) {
    ck_range rows = {k.first + done, CK_MIN(PAGES, k.count - done)}, part = columns;
    if (expands) {
      for (size_t i = 0; i < rows.count; i++) {
        expand(b, (rows.first + i) * b->stride + columns.first, columns.count, expanded[i]);
      }
      x = (ck_float_rows){.float32 = expanded[0], .stride = MOST_COLUMNS, .transposed = true};
      rows.first = part.first = 0;
    }
    float *place = out;
    for (size_t n = 0; n < columns.count; n += width, place += panel_floats) {
      ck_range some = {part.first + n, CK_MIN(width, columns.count - n)};
      copy_rows(&x, some, rows, b->float32 ? b->scale : 1, place, width);
    }
  }
}

void ck_float_panels(const ck_operand *b, ck_range columns, ck_range k, size_t width, float *out,
                     size_t panel_floats) {
  if (b->transposed) {
    panels_of_columns(b, columns, k, width, out, panel_floats);
    return;
  }
  for (size_t n = 0; n < columns.count; n += MOST_COLUMNS) {
    ck_range some = {columns.first + n, CK_MIN(MOST_COLUMNS, columns.count - n)};
    panels_of_rows(b, some, k, width, out + n / width * panel_floats, panel_floats);
  }
}
