#include "CPeaks.h"

#include <stdint.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

enum { CHAINS = 16, STEPS = 1 << 21, REPEATS = 15 };

/* Best of some repetitions of `body`, which runs STEPS times over CHAINS registers. */
#define BEST_RATE(flops, body)                                        \
  double best = 0;                                                    \
  for (int repeat = 0; repeat < REPEATS; repeat++) {                  \
    double start = seconds();                                         \
    for (long step = 0; step < STEPS; step++) {                       \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < CHAINS; i++) { body; } \
    }                                                                 \
    double rate = (double)(flops)*CHAINS * STEPS / (seconds() - start) * 1e-9; \
    best = rate > best ? rate : best;                                 \
  }                                                                   \
  return best;

#if defined(__x86_64__)

__attribute__((target("arch=x86-64-v4"))) static double fma_512(void) {
  __m512 sums[CHAINS], x = _mm512_set1_ps(1e-9f), y = _mm512_set1_ps(0.5f);
  for (int i = 0; i < CHAINS; i++) sums[i] = x;
  BEST_RATE(32, sums[i] = _mm512_fmadd_ps(x, y, sums[i]); __asm__("" : "+v"(sums[i])))
}

__attribute__((target("arch=x86-64-v3"))) static double fma_256(void) {
  __m256 sums[CHAINS], x = _mm256_set1_ps(1e-9f), y = _mm256_set1_ps(0.5f);
  for (int i = 0; i < CHAINS; i++) sums[i] = x;
  BEST_RATE(16, sums[i] = _mm256_fmadd_ps(x, y, sums[i]); __asm__("" : "+x"(sums[i])))
}

__attribute__((target("arch=x86-64-v4,avx512bf16"))) static double bf16_512(void) {
  __m512 sums[CHAINS];
  __m512bh x = (__m512bh)_mm512_set1_epi32(0x3c003c00);
  for (int i = 0; i < CHAINS; i++) sums[i] = _mm512_setzero_ps();
  BEST_RATE(64, sums[i] = _mm512_dpbf16_ps(sums[i], x, x); __asm__("" : "+v"(sums[i])))
}

double cp_fma_peak(void) {
  if (__builtin_cpu_supports("x86-64-v4")) return fma_512();
  return __builtin_cpu_supports("x86-64-v3") ? fma_256() : 0;
}

double cp_bf16_peak(void) { return __builtin_cpu_supports("avx512bf16") ? bf16_512() : 0; }

__attribute__((target("arch=x86-64-v4"))) static unsigned long read_512(const char *p, size_t n) {
  __m512i sums[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                     _mm512_setzero_si512()};
  /* The hardware stops fetching ahead where a page ends. */
  const size_t ahead = 4096;
  for (size_t i = 0; i + 256 <= n; i += 256) {
    for (int j = 0; j < 4; j++) {
      _mm_prefetch(p + i + ahead + 64 * (size_t)j, _MM_HINT_T0);
      sums[j] = _mm512_xor_si512(sums[j], _mm512_loadu_si512(p + i + 64 * j));
    }
  }
  __m512i sum = _mm512_xor_si512(_mm512_xor_si512(sums[0], sums[1]),
                                 _mm512_xor_si512(sums[2], sums[3]));
  return (unsigned long)_mm512_reduce_or_epi64(sum);
}

#else

double cp_fma_peak(void) { return 0; }
double cp_bf16_peak(void) { return 0; }

#endif

unsigned long cp_read(const void *memory, size_t bytes) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("x86-64-v4")) return read_512(memory, bytes);
#endif
  const char *p = memory;
  uint64_t sums[8] = {0};
  for (size_t i = 0; i + 64 <= bytes; i += 64) {
    for (size_t j = 0; j < 8; j++) {
      uint64_t word;
      memcpy(&word, p + i + 8 * j, sizeof word);
      sums[j] ^= word;
    }
  }
  unsigned long sum = 0;
  for (size_t j = 0; j < 8; j++) sum |= sums[j];
  return sum;
}
