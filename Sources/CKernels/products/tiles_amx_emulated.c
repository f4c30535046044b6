#include "products/amx_block.h"

/* The tile registers of AMX in plain memory, for tests. */

static _Thread_local uint32_t tiles[8][16][16]; /* 16 rows of 64 bytes */

static void emulated_zero(int t) { memset(tiles[t], 0, sizeof tiles[t]); }

static void emulated_load(int t, const void *base, size_t stride) {
  for (size_t r = 0; r < 16; r++) memcpy(tiles[t][r], (const char *)base + r * stride, 64);
}

static void emulated_store(int t, void *base, size_t stride) {
  for (size_t r = 0; r < 16; r++) memcpy((char *)base + r * stride, tiles[t][r], 64);
}

/* TDPBF16PS: c[m][n] += a[m][2k] b[k][2n] + a[m][2k + 1] b[k][2n + 1] */
static void emulated_multiply(int c, int a, int b) {
  for (size_t m = 0; m < 16; m++) {
    for (size_t k = 0; k < 16; k++) {
      uint32_t left = tiles[a][m][k];
      for (size_t n = 0; n < 16; n++) {
        uint32_t right = tiles[b][k][n];
        float sum = ck_float_from_bits(tiles[c][m][n]);
        sum += ck_float_from_bits(left << 16) * ck_float_from_bits(right << 16);
        sum += ck_float_from_bits(left & 0xffff0000) * ck_float_from_bits(right & 0xffff0000);
        tiles[c][m][n] = ck_bits_of_float(sum);
      }
    }
  }
}

static void emulated_fill(const ck_tile_product *p, size_t first, short_step *step) {
  size_t pairs = p->pairs - first;
  memset(step, 0, sizeof *step);
  for (size_t r = 0; r < ROWS; r++) {
    memcpy(step->left[r], p->left + r * p->row + 2 * first, pairs * sizeof(uint32_t));
  }
  for (size_t k = 0; k < pairs; k++) {
    memcpy(step->panel[k], p->panel + (first + k) * CK_PANEL_COLUMNS, sizeof step->panel[k]);
  }
}

CK_DEFINE_AMX_BLOCK(multiply_block, , emulated_zero, emulated_load, emulated_load,
                    emulated_multiply, emulated_store, emulated_fill)

void ck_block_amx_emulated(const ck_tile_product *products, size_t count, float *c, size_t stride,
                           bool accumulate) {
  multiply_block(products, count, c, stride, accumulate);
}
