/* A block of 32 rows by 32 columns in four tile registers of Advanced Matrix Extensions, 16 pairs a
 * step.
 *
 * The panel is read past the first-level cache (`STREAM`), so that the 32 rows stay in it. Fewer
 * rows go to the vector kernel.
 *
 * The steps are written once, over a few operations, and exist twice: with the tile instructions
 * (tiles_amx.c), and with tiles in plain memory (tiles_amx_emulated.c), so that everything but the
 * instructions themselves is tested on any processor (FINETUNE_CPU=amx_emulated). */
#pragma once

#include "products/tiles.h"

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

#define CK_DEFINE_AMX_BLOCK(name, target, ZERO, LOAD, STREAM, MULTIPLY, STORE, FILL)              \
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
