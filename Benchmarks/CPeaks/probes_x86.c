#include "probes.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

/* ---- Multiply-adds -----------------------------------------------------------------------------
 *
 * Two begin in each cycle and take four or five. Of the 16 registers without AVX-512 two hold operands. */

enum { CHAINS_256 = 12, CHAINS_512 = 24 };

__attribute__((target("arch=x86-64-v3"))) static void fma_256(void) {
  __m256 x = _mm256_set1_ps(1e-9f), y = _mm256_set1_ps(0.5f);
  CP_CHAINS(__m256, CHAINS_256, "+x", sums[i] = _mm256_fmadd_ps(x, y, sums[i]))
}

__attribute__((target("arch=x86-64-v4"))) static void fma_512(void) {
  __m512 x = _mm512_set1_ps(1e-9f), y = _mm512_set1_ps(0.5f);
  CP_CHAINS(__m512, CHAINS_512, "+v", sums[i] = _mm512_fmadd_ps(x, y, sums[i]))
}

__attribute__((target("arch=x86-64-v4,avx512bf16"))) static void bf16_512(void) {
  __m512bh x = (__m512bh)_mm512_set1_epi32(0x3c003c00);
  CP_CHAINS(__m512, CHAINS_512, "+v", sums[i] = _mm512_dpbf16_ps(sums[i], x, x))
}

/* ---- Matrix tiles ------------------------------------------------------------------------------
 *
 * A product of 16 × 32 with 32 × 16 begins every 16 cycles and takes 52: four sums are enough, and
 * eight tiles hold no more with their operands. */

enum { AMX_STEPS = 1 << 16, AMX_CHAINS = 4 };

/* Intel 64 and IA-32 Architectures Software Developer's Manual, LDTILECFG. */
typedef struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} tile_configuration;

__attribute__((target("amx-tile,amx-bf16"))) static void bf16_tiles(void) {
  tile_configuration configuration = {.palette = 1};
  for (int t = 0; t < 8; t++) {
    configuration.row_bytes[t] = 64;
    configuration.rows[t] = 16;
  }
  _tile_loadconfig(&configuration); /* sets every tile to zero */
  for (long turn = 0; turn < AMX_STEPS; turn++) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
}

/* ---- Which of them -----------------------------------------------------------------------------*/

static int is_level(const char *level, const char *name) { return strcmp(level, name) == 0; }

cp_probe cp_fma_probe(const char *level) {
  int narrow = is_level(level, "plain") || is_level(level, "avx2");
  if (!narrow && __builtin_cpu_supports("x86-64-v4")) {
    return (cp_probe){fma_512, 32.0 * CHAINS_512 * CP_STEPS};
  }
  if (!__builtin_cpu_supports("x86-64-v3")) return (cp_probe){0};
  return (cp_probe){fma_256, 16.0 * CHAINS_256 * CP_STEPS};
}

cp_probe cp_bf16_probe(const char *level) {
  /* The kernels have asked the system for the tiles, or the level would not be this one. */
  if (is_level(level, "amx")) {
    return (cp_probe){bf16_tiles, 2.0 * 16 * 16 * 32 * AMX_CHAINS * AMX_STEPS};
  }
  if (is_level(level, "avx512_bf16") && __builtin_cpu_supports("avx512bf16")) {
    return (cp_probe){bf16_512, 64.0 * CHAINS_512 * CP_STEPS};
  }
  return (cp_probe){0};
}

/* ---- Memory ------------------------------------------------------------------------------------
 *
 * The hardware stops fetching ahead where a page ends. */

enum { AHEAD = 4096 };

#define READ_LINES(vector, width, zero, load, xor)                          \
  vector sums[4] = {zero, zero, zero, zero};                                         \
  for (size_t at = 0; at < bytes; at += 4 * (width)) {                               \
    _Pragma("clang loop unroll(full)") for (size_t j = 0; j < 4; j++) {              \
      if (j * (width) % 64 == 0) _mm_prefetch(p + at + AHEAD + j * (width), _MM_HINT_T0); \
      sums[j] = xor(sums[j], load((const vector *)(p + at + j * (width))));          \
    }                                                                                \
  }                                                                                  \
  vector sum = xor(xor(sums[0], sums[1]), xor(sums[2], sums[3]));                    \
  unsigned long words[(width) / 8];                                                  \
  memcpy(words, &sum, sizeof words);                                                 \
  return words[0];

static unsigned long read_128(const char *p, size_t bytes) {
  READ_LINES(__m128i, 16, _mm_setzero_si128(), _mm_loadu_si128, _mm_xor_si128)
}

__attribute__((target("arch=x86-64-v3"))) static unsigned long read_256(const char *p,
                                                                        size_t bytes) {
  READ_LINES(__m256i, 32, _mm256_setzero_si256(), _mm256_loadu_si256, _mm256_xor_si256)
}

__attribute__((target("arch=x86-64-v4"))) static unsigned long read_512(const char *p,
                                                                        size_t bytes) {
  READ_LINES(__m512i, 64, _mm512_setzero_si512(), _mm512_loadu_si512, _mm512_xor_si512)
}

unsigned long cp_read(const char *memory, size_t bytes) {
  if (__builtin_cpu_supports("x86-64-v4")) return read_512(memory, bytes);
  return __builtin_cpu_supports("x86-64-v3") ? read_256(memory, bytes) : read_128(memory, bytes);
}
#endif
