/* What this processor can do at most, measured: the yardstick of every other figure.
 *
 * All threads work at once, and the fastest of many short rounds counts. */
#pragma once

#include <stddef.h>

/* GFLOP/s of independent float32 multiply-adds.
 *
 * level: As FINETUNE_CPU names it. On x86-64 "plain" and "avx2" have registers of 256 bits at most, the
 * others those of 512 bits. 0 where the processor has no multiply-add. */
double cp_fma_peak(const char *level, size_t threads);

/* GFLOP/s of products of bfloat16 pairs or matrices; 0 where the level has none. */
double cp_bf16_peak(const char *level, size_t threads);

/* GB/s of memory that the system hands out, in huge pages where it has them, and that is filled once. */
double cp_fresh_memory_rate(size_t threads);

/* GB/s of reading memory, each thread pieces of its own. `bytes` must be far more than the caches hold, and
 * 32 MB a thread or more. */
double cp_read_peak(const void *memory, size_t bytes, size_t threads);
