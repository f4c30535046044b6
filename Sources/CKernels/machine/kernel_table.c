#include "machine/kernel_table.h"

#include "attention/attention_weights.h"
#include "loss/panel_exponentials.h"
#include "products/float_tile.h"
#include "products/matvec.h"
#include "products/tiles.h"
#include "quantized/nf4.h"

#include <stdlib.h>
#include <string.h>

/* ---- Which function at which level -------------------------------------------------------------
 *
 * Each level takes over what it does better than those before it. The portable functions are
 * themselves compiled for several levels (CK_KERNEL). */

static const ck_kernel_table plain_kernels = {
    .tile = ck_tile_plain,
    .narrow_tile = ck_narrow_tile_plain,
    /* Measured on Zen 5. */
    .parts = {.most_whole = 2048, .pairs = 1024, .panels = 4, .rows = 64},
    .narrow_rows = ck_narrow_rows_plain,
    .float_tile = ck_float_tile_plain,
    .float_rows = CK_FLOAT_ROWS,
    .float_columns = CK_FLOAT_COLUMNS,
    .order_token = ck_order_token_plain,
    .multiply_token = ck_multiply_token_plain,
    .nf4_quantize = ck_nf4_quantize_plain,
    .nf4_to_bf16 = ck_nf4_to_bf16_plain,
    .nf4_panel_of_rows = ck_nf4_panel_of_rows_plain,
    .attention_weights = ck_attention_weights_plain,
    .finish_pair = ck_finish_pair_plain,
    .panel_exponentials = ck_panel_exponentials_plain,
};

/* 32 rows of a part stay in the first-level cache, 36 of 48 KB; and as panels are multiplied about
 * five times as fast, they must meet more rows to be worth reading. */
static const ck_part_sizes block_parts = {.most_whole = 320, .pairs = CK_MOST_BLOCK_PAIRS,
                                          .panels = CK_MOST_PART_PANELS,
                                          .rows = CK_MOST_PART_ROWS};

static void take_emulated_amx(ck_kernel_table *table) {
  table->block = ck_block_amx_emulated;
  table->block_rows = CK_AMX_ROWS;
  table->parts = block_parts;
  table->pairs = true;
}

#if defined(__x86_64__)
static void take_avx2(ck_kernel_table *table) {
  table->float_tile = ck_float_tile_avx2;
  table->order_token = ck_order_token_avx2;
  table->multiply_token = ck_multiply_token_avx2;
}

static void take_avx512(ck_kernel_table *table) {
  table->tile = ck_tile_avx512;
  table->narrow_tile = ck_narrow_tile_avx512;
  table->pairs = true;
  table->float_tile = ck_float_tile_avx512;
  table->float_rows = CK_MOST_FLOAT_ROWS;
  table->float_columns = CK_MOST_FLOAT_COLUMNS;
  table->nf4_quantize = ck_nf4_quantize_avx512;
  table->nf4_to_bf16 = ck_nf4_to_bf16_avx512;
}

static void take_avx512_bf16(ck_kernel_table *table) {
  table->tile = ck_tile_avx512_bf16;
  table->narrow_tile = ck_narrow_tile_avx512_bf16;
  table->narrow_rows = ck_narrow_rows_avx512_bf16;
  table->order_token = ck_order_token_avx512_bf16;
  table->multiply_token = ck_multiply_token_avx512_bf16;
  table->nf4_to_bf16 = ck_nf4_to_bf16_avx512_bf16;
  table->nf4_panel_of_rows = ck_nf4_panel_of_rows_avx512_bf16;
  table->attention_weights = ck_attention_weights_avx512_bf16;
  table->finish_pair = ck_finish_pair_avx512_bf16;
  table->panel_exponentials = ck_panel_exponentials_avx512_bf16;
}

static void take_amx(ck_kernel_table *table) {
  /* Processors with AMX multiply pairs at half the speed of float32. */
  table->tile = ck_tile_avx512;
  table->narrow_tile = ck_narrow_tile_avx512;
  table->block = ck_block_amx;
  table->block_rows = CK_AMX_ROWS;
  table->parts = block_parts;
}
#elif defined(__aarch64__)
static void take_neon(ck_kernel_table *table) {
  table->float_tile = ck_float_tile_neon;
  table->order_token = ck_order_token_neon;
  table->multiply_token = ck_multiply_token_neon;
  table->nf4_to_bf16 = ck_nf4_to_bf16_neon;
}

static void take_neon_bf16(ck_kernel_table *table) {
  table->pairs = true;
  table->tile = ck_tile_neon_bf16;
  table->narrow_tile = ck_narrow_tile_neon_bf16;
  table->narrow_rows = ck_narrow_rows_neon_bf16;
  table->multiply_token = ck_multiply_token_neon_bf16;
  table->nf4_to_bf16 = ck_nf4_to_bf16_neon_bf16;
  table->nf4_panel_of_rows = ck_nf4_panel_of_rows_neon_bf16;
}
#endif

/* In rising order. A new level, or another processor's, is one more line. */
static const struct {
  ck_cpu_level level;
  void (*take)(ck_kernel_table *table);
} better_kernels[] = {
#if defined(__x86_64__)
    {CK_LEVEL_AVX2, take_avx2},
    {CK_LEVEL_AVX512, take_avx512},
    {CK_LEVEL_AVX512_BF16, take_avx512_bf16},
    {CK_LEVEL_AMX, take_amx},
#elif defined(__aarch64__)
    {CK_LEVEL_NEON, take_neon},
    {CK_LEVEL_NEON_BF16, take_neon_bf16},
#endif
    {CK_LEVEL_COUNT, NULL},
};

/* ---- The level in use ------------------------------------------------------------------------*/

ck_kernel_table ck_kernels;
ck_cpu_level ck_level = CK_LEVEL_PLAIN;

static const char *const level_names[CK_LEVEL_COUNT] = {
    "plain",
#if defined(__x86_64__)
    "avx2", "avx512", "avx512_bf16", "amx",
#elif defined(__aarch64__)
    "neon", "neon_bf16",
#endif
};

const char *ck_cpu_level_name(ck_cpu_level level) {
  return level < CK_LEVEL_COUNT ? level_names[level] : NULL;
}

const char *ck_kernels_name(void) {
  return ck_kernels.block == ck_block_amx_emulated ? "amx_emulated" : level_names[ck_level];
}

static void fill_table(ck_cpu_level level) {
  ck_level = level;
  ck_kernels = plain_kernels;
  for (size_t i = 0; better_kernels[i].level <= level; i++) better_kernels[i].take(&ck_kernels);
}

/* Not above what the processor and its system can run. */
static void use_level(ck_cpu_level level) {
  ck_cpu_level best = ck_best_cpu_level();
  if (level > best) level = best;
#if defined(__x86_64__)
  if (level == CK_LEVEL_AMX && !ck_amx_works()) level = CK_LEVEL_AVX512_BF16;
#endif
  fill_table(level);
}

/* The highest level, unless the environment variable FINETUNE_CPU asks for a lower one.
 * amx_emulated imitates the matrix tiles in memory, for tests: right, and very slow. */
__attribute__((constructor)) static void choose_level(void) {
  use_level(ck_best_cpu_level());
  const char *asked = getenv("FINETUNE_CPU");
  if (!asked) return;
  if (strcmp(asked, "amx_emulated") == 0) take_emulated_amx(&ck_kernels);
  for (ck_cpu_level level = CK_LEVEL_PLAIN; level < CK_LEVEL_COUNT; level++) {
    if (strcmp(asked, level_names[level]) == 0) use_level(level);
  }
}
