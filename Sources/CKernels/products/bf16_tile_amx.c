#include "products/bf16.h"

#if defined(__x86_64__)
#include <immintrin.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* Advanced Matrix Extensions: 32 rows by 32 columns in four tile registers, 16 pairs a step.
 *
 * The panel is read past the first-level cache (`STREAM`), so that the 32 rows stay in it. Fewer
 * rows go to the vector kernel.
 *
 * The steps are written once, over a few operations, and exist twice: with the tile instructions,
 * and with tiles in plain memory, so that everything but the instructions themselves is tested on
 * any processor (FINETUNE_CPU=amx_emulated). */

enum {
  STEP = 16,
  HALF = 16,
  ROWS = CK_AMX_ROWS,
  PANEL_BYTES = CK_PANEL_COLUMNS * sizeof(uint32_t), /* of a pair */
};

/* Operands of a step that the pairs do not fill, with zeros behind them. */
typedef struct {
  _Alignas(64) uint32_t left[ROWS][STEP], panel[STEP][CK_PANEL_COLUMNS];
} short_step;

#define DEFINE_BLOCK(name, target, ZERO, LOAD, STREAM, MULTIPLY, STORE, FILL)                     \
  target static void name(const ck_tile_product *products, size_t count, float *c, size_t stride, \
                          bool accumulate) {                                                      \
    size_t c_bytes = stride * sizeof *c;                                                          \
    float *lower = c + HALF * stride;                                                             \
    short_step last;                                                                              \
    if (accumulate) {                                                                             \
      LOAD(0, c, c_bytes);                                                                        \
      LOAD(1, c + HALF, c_bytes);                                                                 \
      LOAD(2, lower, c_bytes);                                                                    \
      LOAD(3, lower + HALF, c_bytes);                                                             \
    } else {                                                                                      \
      ZERO(0);                                                                                    \
      ZERO(1);                                                                                    \
      ZERO(2);                                                                                    \
      ZERO(3);                                                                                    \
    }                                                                                             \
    for (size_t i = 0; i < count; i++) {                                                          \
      const ck_tile_product *p = products + i;                                                    \
      for (size_t k = 0; k < p->pairs; k += STEP) {                                               \
        const void *upper = p->left + 2 * k, *rest = p->left + 2 * k + HALF * p->row;             \
        const uint32_t *panel = p->panel + k * CK_PANEL_COLUMNS;                                  \
        size_t row_bytes = p->row * sizeof *p->left;                                              \
        if (p->pairs - k < STEP) {                                                                \
          FILL(p, k, &last);                                                                      \
          upper = last.left, rest = last.left + HALF, panel = last.panel[0];                      \
          row_bytes = sizeof *last.left;                                                          \
        }                                                                                         \
        STREAM(6, panel, PANEL_BYTES);                                                            \
        LOAD(4, upper, row_bytes);                                                                \
        MULTIPLY(0, 4, 6);                                                                        \
        STREAM(7, panel + HALF, PANEL_BYTES);                                                     \
        MULTIPLY(1, 4, 7);                                                                        \
        LOAD(5, rest, row_bytes);                                                                 \
        MULTIPLY(2, 5, 6);                                                                        \
        MULTIPLY(3, 5, 7);                                                                        \
      }                                                                                           \
    }                                                                                             \
    STORE(0, c, c_bytes);                                                                         \
    STORE(1, c + HALF, c_bytes);                                                                  \
    STORE(2, lower, c_bytes);                                                                     \
    STORE(3, lower + HALF, c_bytes);                                                              \
  }

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

DEFINE_BLOCK(amx_block, __attribute__((target("amx-tile,amx-bf16"))), _tile_zero, _tile_loadd,
             _tile_stream_loadd, _tile_dpbf16ps, _tile_stored, fill_with_masks)

/* ---- The same in memory ----------------------------------------------------------------------*/

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

DEFINE_BLOCK(emulated_block, , emulated_zero, emulated_load, emulated_load, emulated_multiply,
             emulated_store, emulated_fill)

/* ---- Either ----------------------------------------------------------------------------------*/

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

void ck_bf16_tile_amx(const ck_tile_product *products, size_t count, float *c, size_t stride,
                      bool accumulate) {
  if (ck_amx == CK_AMX_EMULATED) {
    emulated_block(products, count, c, stride, accumulate);
  } else {
    configure_thread();
    amx_block(products, count, c, stride, accumulate);
  }
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
    for (int k = 0; k < 2 * PAIRS; k++) left[i][k] = ck_bfloat16_from_float((float)((i + 3 * k) % 7 - 3));
  }
  for (int k = 0; k < PAIRS; k++) {
    for (int n = 0; n < CK_PANEL_COLUMNS; n++) {
      uint32_t even = ck_bfloat16_from_float((float)((2 * k + n) % 5 - 2));
      uint32_t odd = ck_bfloat16_from_float((float)((2 * k + 1 + n) % 5 - 2));
      panel[k][n] = odd << 16 | even;
    }
  }
  ck_tile_product product = {left[0], 2 * PAIRS, panel[0], PAIRS};
  ck_bf16_tile_amx(&product, 1, c[0], CK_PANEL_COLUMNS, false);
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

#else

bool ck_amx_works(void) { return false; }

void ck_bf16_tile_amx(const ck_tile_product *products, size_t count, float *c, size_t stride,
                      bool accumulate) {
  (void)products, (void)count, (void)c, (void)stride, (void)accumulate;
}

#endif
