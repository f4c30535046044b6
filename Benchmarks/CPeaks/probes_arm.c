#include "probes.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif

/* Up to four begin in each cycle and take four. Of the 32 registers two hold operands. */
enum { CHAINS = 24 };

static void fma_128(void) {
  float32x4_t x = vdupq_n_f32(1e-9f), y = vdupq_n_f32(0.5f);
  CP_CHAINS(float32x4_t, CHAINS, "+w", sums[i] = vfmaq_f32(sums[i], x, y))
}

/* A product of 2 × 4 with 4 × 2. */
__attribute__((target("arch=armv8.2-a+bf16"))) static void bf16_matrices(void) {
  bfloat16x8_t x = vreinterpretq_bf16_u16(vdupq_n_u16(0x3c00));
  CP_CHAINS(float32x4_t, CHAINS, "+w", sums[i] = vbfmmlaq_f32(sums[i], x, x))
}

static int has_bf16(void) {
#if defined(__linux__)
  enum { BF16 = 1 << 14 }; /* HWCAP2_BF16 */
  return (getauxval(AT_HWCAP2) & BF16) != 0;
#else
  return 0;
#endif
}

cp_probe cp_fma_probe(const char *level) {
  (void)level;
  return (cp_probe){fma_128, 8.0 * CHAINS * CP_STEPS};
}

cp_probe cp_bf16_probe(const char *level) {
  /* "plain", "neon": widened to float32. */
  for (const char *at = level; *at; at++) {
    if (at[0] == 'b' && at[1] == 'f' && has_bf16()) {
      return (cp_probe){bf16_matrices, 32.0 * CHAINS * CP_STEPS};
    }
  }
  return (cp_probe){0};
}

unsigned long cp_read(const char *p, size_t bytes) {
  enum { AHEAD = 1024 };
  uint8x16_t sums[4] = {vdupq_n_u8(0), vdupq_n_u8(0), vdupq_n_u8(0), vdupq_n_u8(0)};
  for (size_t at = 0; at < bytes; at += 64) {
    __builtin_prefetch(p + at + AHEAD);
    for (size_t j = 0; j < 4; j++) {
      sums[j] = veorq_u8(sums[j], vld1q_u8((const uint8_t *)p + at + 16 * j));
    }
  }
  uint8x16_t sum = veorq_u8(veorq_u8(sums[0], sums[1]), veorq_u8(sums[2], sums[3]));
  return (unsigned long)vgetq_lane_u64(vreinterpretq_u64_u8(sum), 0);
}
#endif
