#include "probes.h"

#if !defined(__x86_64__) && !defined(__aarch64__)

cp_probe cp_fma_probe(const char *level) {
  (void)level;
  return (cp_probe){0};
}

cp_probe cp_bf16_probe(const char *level) {
  (void)level;
  return (cp_probe){0};
}

unsigned long cp_read(const char *memory, size_t bytes) {
  const unsigned long *words = (const unsigned long *)memory;
  unsigned long sum = 0;
  for (size_t i = 0; i < bytes / sizeof sum; i++) sum ^= words[i];
  return sum;
}
#endif
