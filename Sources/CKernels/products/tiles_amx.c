#include "products/amx_block.h"

#if defined(__x86_64__)
#include <immintrin.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* Blocks with the tile registers themselves. */

/* The adapters' few columns end every product in such a step, so it counts. */
CK_AVX512 static void fill_with_masks(const ck_tile_product *p, size_t first, short_step *step) {
  __mmask16 present = (__mmask16)((1u << (p->pairs - first)) - 1);
  for (size_t r = 0; r < ROWS; r++) {
    const uint16_t *row = p->left + r * p->row + 2 * first;
    _mm512_store_si512(step->left[r], _mm512_maskz_loadu_epi32(present, row));
  }
  for (size_t k = 0; k < STEP; k++) {
    __mmask16 columns = present >> k & 1 ? 0xffff : 0;
    const uint32_t *row = p->panel + (first + k) * CK_PANEL_COLUMNS;
    _mm512_store_si512(step->panel[k], _mm512_maskz_loadu_epi32(columns, row));
    _mm512_store_si512(step->panel[k] + HALF, _mm512_maskz_loadu_epi32(columns, row + HALF));
  }
}

CK_DEFINE_AMX_BLOCK(multiply_block, __attribute__((target("amx-tile,amx-bf16"))), _tile_zero,
                    _tile_loadd, _tile_stream_loadd, _tile_dpbf16ps, _tile_stored, fill_with_masks)

/* Intel 64 and IA-32 Architectures Software Developer's Manual, LDTILECFG. */
typedef struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} tile_configuration;

/* Eight tiles of 16 rows of 64 bytes, in every thread that multiplies. */
__attribute__((target("amx-tile"))) static void configure_thread(void) {
  static _Thread_local bool configured;
  if (configured) return;
  tile_configuration configuration = {.palette = 1};
  for (int t = 0; t < 8; t++) {
    configuration.row_bytes[t] = 64;
    configuration.rows[t] = 16;
  }
  _tile_loadconfig(&configuration);
  configured = true;
}

void ck_block_amx(const ck_tile_product *products, size_t count, float *c, size_t stride,
                  bool accumulate) {
  configure_thread();
  multiply_block(products, count, c, stride, accumulate);
}

/* ---- May it be used? -------------------------------------------------------------------------*/

/* Linux grants the tile registers to a process that asks. */
static bool ask_permission(void) {
#if defined(__linux__)
  enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
  return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
  return false;
#endif
}

/* Small integers, whose products and sums are exact in any order. */
static bool gives_right_results(void) {
  enum { PAIRS = 2 * STEP + 3 };
  static uint16_t left[ROWS][2 * PAIRS];
  static uint32_t panel[PAIRS][CK_PANEL_COLUMNS];
  static float c[ROWS][CK_PANEL_COLUMNS];
  for (int i = 0; i < ROWS; i++) {
    for (int k = 0; k < 2 * PAIRS; k++) {
      left[i][k] = ck_bfloat16_from_float((float)((i + 3 * k) % 7 - 3));
    }
  }
  for (int k = 0; k < PAIRS; k++) {
    for (int n = 0; n < CK_PANEL_COLUMNS; n++) {
      uint32_t even = ck_bfloat16_from_float((float)((2 * k + n) % 5 - 2));
      uint32_t odd = ck_bfloat16_from_float((float)((2 * k + 1 + n) % 5 - 2));
      panel[k][n] = odd << 16 | even;
    }
  }
  ck_tile_product product = {left[0], 2 * PAIRS, panel[0], PAIRS};
  ck_block_amx(&product, 1, c[0], CK_PANEL_COLUMNS, false);
  for (int i = 0; i < ROWS; i++) {
    for (int n = 0; n < CK_PANEL_COLUMNS; n++) {
      int sum = 0;
      for (int k = 0; k < 2 * PAIRS; k++) sum += ((i + 3 * k) % 7 - 3) * ((k + n) % 5 - 2);
      if (c[i][n] != (float)sum) return false;
    }
  }
  return true;
}

bool ck_amx_works(void) { return ask_permission() && gives_right_results(); }
#endif
