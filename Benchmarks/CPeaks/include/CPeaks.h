/* What this processor can do at most, measured: the yardstick of every other figure. One thread. */
#pragma once

#include <stddef.h>

/* GFLOP/s of independent float32 multiply-adds in the widest registers there are. */
double cp_fma_peak(void);

/* GFLOP/s of products of bfloat16 pairs; 0 where the processor has none. */
double cp_bf16_peak(void);

/* Reads `bytes` once; returns a number that depends on them. */
unsigned long cp_read(const void *memory, size_t bytes);
