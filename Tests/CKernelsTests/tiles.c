#include "reference.h"

#include "products/float_tile.h"
#include "products/tiles.h"

#include <math.h>
#include <string.h>

/* The tiles of the level in use, directly: every number of rows, several products at once, writing
 * and accumulating. */

enum { MOST_PRODUCTS = 3, GAP = 3 /* floats between rows of c */ };

/* Pairs of each product: less than a vector, whole vectors, and more. */
static const size_t pairs_of[MOST_PRODUCTS] = {5, 16, 1};

typedef struct {
  ck_tile_product products[MOST_PRODUCTS];
  const float *left[MOST_PRODUCTS], *right[MOST_PRODUCTS]; /* [rows, 2 pairs], [2 pairs, 32] */
} tile_case;

static tile_case make_products(size_t rows) {
  tile_case t;
  for (size_t i = 0; i < MOST_PRODUCTS; i++) {
    size_t K = 2 * pairs_of[i], row = K + i;
    const uint16_t *left = random_bf16(rows * K, -1, 1);
    const uint16_t *right = random_bf16(K * CK_PANEL_COLUMNS, -1, 1);
    uint16_t *spread = halves((rows - 1) * row + K);
    for (size_t r = 0; r < rows; r++) memcpy(spread + r * row, left + r * K, K * sizeof *left);
    uint32_t *panel = scratch(ck_panel_words(K) * sizeof *panel);
    ck_panel_of_rows(right, CK_PANEL_COLUMNS, CK_PANEL_COLUMNS, K, panel);
    t.products[i] = (ck_tile_product){spread, row, panel, pairs_of[i]};
    t.left[i] = widened(left, rows * K);
    t.right[i] = widened(right, K * CK_PANEL_COLUMNS);
  }
  return t;
}

/* Compares c [rows, columns], rows `stride` apart, with the sum of the products. */
static void check_tile(const tile_case *t, size_t count, size_t rows, size_t columns,
                       const float *c, size_t stride, double before) {
  double *expected = doubles(rows * columns);
  float *actual = floats(rows * columns);
  for (size_t i = 0; i < rows * columns; i++) {
    expected[i] = before;
    actual[i] = c[i / columns * stride + i % columns];
  }
  for (size_t p = 0; p < count; p++) {
    const double *product = reference_product(t->left[p], t->right[p], rows, CK_PANEL_COLUMNS,
                                              2 * pairs_of[p], false, false);
    for (size_t i = 0; i < rows * columns; i++) {
      expected[i] += product[i / columns * CK_PANEL_COLUMNS + i % columns];
    }
  }
  EXPECT_CLOSE(actual, expected, rows * columns, 1e-6, 2e-6);
}

static void test_pair_tile(size_t rows, size_t count, bool accumulate) {
  begin("pair tile: %zu rows, %zu products, accumulate %d", rows, count, accumulate);
  tile_case t = make_products(rows);
  size_t stride = CK_PANEL_COLUMNS + GAP;
  float *c = filled(rows * stride, 0.75f);
  ck_kernels.tile(t.products, count, rows, c, stride, accumulate);
  check_tile(&t, count, rows, CK_PANEL_COLUMNS, c, stride, accumulate ? 0.75 : 0);
  for (size_t r = 0; r < rows; r++) {
    for (size_t i = CK_PANEL_COLUMNS; i < stride; i++) {
      EXPECT(c[r * stride + i] == 0.75f, "written past row %zu", r);
    }
  }
}

static void test_narrow_tile(size_t count, bool accumulate) {
  begin("narrow tile: %zu products, accumulate %d", count, accumulate);
  tile_case t = make_products(CK_NARROW_ROWS);
  float *c = filled(CK_NARROW_ROWS * CK_PANEL_COLUMNS, 0.75f);
  ck_kernels.narrow_tile(t.products, count, c, CK_PANEL_COLUMNS, accumulate);
  check_tile(&t, count, CK_NARROW_ROWS, CK_NARROW_COLUMNS, c, CK_PANEL_COLUMNS,
             accumulate ? 0.75 : 0);
}

/* How a sum is cut into parts changes no bit of it. */
static void test_parts(void) {
  begin("parts of a sum");
  enum { PAIRS = 23, ROWS = 7 };
  const uint16_t *left = random_bf16(ROWS * 2 * PAIRS, -1, 1);
  const uint16_t *right = random_bf16(2 * PAIRS * CK_PANEL_COLUMNS, -1, 1);
  uint32_t *panel = scratch(ck_panel_words(2 * PAIRS) * sizeof *panel);
  ck_panel_of_rows(right, CK_PANEL_COLUMNS, CK_PANEL_COLUMNS, 2 * PAIRS, panel);
  ck_tile_product whole = {left, 2 * PAIRS, panel, PAIRS};
  float expected[ROWS][CK_PANEL_COLUMNS], actual[ROWS][CK_PANEL_COLUMNS];
  ck_kernels.tile(&whole, 1, ROWS, expected[0], CK_PANEL_COLUMNS, false);
  for (size_t first = 0; first <= PAIRS; first++) {
    ck_tile_product parts[2] = {whole, whole};
    parts[0].pairs = first;
    parts[1].left += 2 * first;
    parts[1].panel += first * CK_PANEL_COLUMNS;
    parts[1].pairs -= first;
    ck_kernels.tile(parts, 2, ROWS, actual[0], CK_PANEL_COLUMNS, false);
    EXPECT_SAME(actual, expected, sizeof expected);
    ck_kernels.tile(parts, 1, ROWS, actual[0], CK_PANEL_COLUMNS, false);
    ck_kernels.tile(parts + 1, 1, ROWS, actual[0], CK_PANEL_COLUMNS, true);
    EXPECT_SAME(actual, expected, sizeof expected);
  }
}

static void test_float_tile(size_t rows, size_t depth, bool accumulate) {
  begin("float tile: %zu rows, depth %zu, accumulate %d", rows, depth, accumulate);
  size_t tile_rows = ck_kernels.float_rows, columns = ck_kernels.float_columns;
  float *left = random_floats(depth * tile_rows, -1, 1);
  for (size_t i = 0; i < depth * tile_rows; i++) {
    if (i % tile_rows >= rows) left[i] = 0;
  }
  const float *panel = random_floats(depth * columns, -1, 1);
  size_t stride = columns + GAP;
  float *c = filled(rows * stride, 0.75f);
  ck_kernels.float_tile(left, panel, depth, rows, c, stride, accumulate);
  const double *product =
      reference_product(left, panel, tile_rows, columns, depth, true, false);
  double *expected = doubles(rows * columns);
  float *actual = floats(rows * columns);
  for (size_t i = 0; i < rows * columns; i++) {
    size_t r = i / columns, n = i % columns;
    expected[i] = product[i] + (accumulate ? 0.75 : 0);
    actual[i] = c[r * stride + n];
  }
  EXPECT_CLOSE(actual, expected, rows * columns, 1e-6, 1e-6 * sqrt((double)depth));
  for (size_t r = 0; r < rows; r++) {
    for (size_t i = columns; i < stride; i++) {
      EXPECT(c[r * stride + i] == 0.75f, "written past row %zu", r);
    }
  }
}

static void test_float_tiles(void) {
  const size_t depths[] = {1, 2, 3, 4, 5, 63, 64, 577};
  for (size_t rows = 1; rows <= ck_kernels.float_rows; rows++) {
    for (size_t i = 0; i < COUNT(depths); i++) {
      test_float_tile(rows, depths[i], false);
      test_float_tile(rows, depths[i], true);
    }
  }
}

static void test_narrow_rows(size_t rows, size_t columns) {
  begin("rows to bfloat16: %zu rows, %zu columns", rows, columns);
  const float *block = random_floats(rows * CK_PANEL_COLUMNS, -1, 1);
  size_t stride = columns + GAP;
  uint16_t *out = halves(rows * stride), *expected = halves(rows * stride);
  for (size_t i = 0; i < rows * stride; i++) out[i] = expected[i] = 0x1234;
  ck_kernels.narrow_rows(block, out, stride, rows, columns);
  const uint16_t *nearest = narrowed(block, rows * CK_PANEL_COLUMNS);
  for (size_t r = 0; r < rows; r++) {
    memcpy(expected + r * stride, nearest + r * CK_PANEL_COLUMNS, columns * sizeof *out);
  }
  EXPECT_SAME(out, expected, rows * stride * sizeof *out);
}

void test_tiles(void) {
  for (size_t rows = 1; rows <= CK_TILE_ROWS; rows++) {
    for (size_t count = 1; count <= MOST_PRODUCTS; count++) {
      test_pair_tile(rows, count, false);
      test_pair_tile(rows, count, true);
    }
    for (size_t columns = 1; columns <= CK_PANEL_COLUMNS; columns += 31) {
      test_narrow_rows(rows, columns);
    }
    test_narrow_rows(rows, 17);
  }
  for (size_t count = 1; count <= MOST_PRODUCTS; count++) {
    test_narrow_tile(count, false);
    test_narrow_tile(count, true);
  }
  test_parts();
  test_float_tiles();
}
