/* The loops that one processor family runs as fast as it can. */
#pragma once

#include <stddef.h>

typedef struct {
  void (*run)(void); /* NULL where the processor or the level has no such instruction */
  double flops;      /* of one run */
} cp_probe;

cp_probe cp_fma_probe(const char *level);
cp_probe cp_bf16_probe(const char *level);

/* Reads `bytes`, a multiple of 4096, once; returns a number that depends on them. */
unsigned long cp_read(const char *memory, size_t bytes);

/* A loop over `count` registers of `type` that start at zero: STEPS times `step`, which has to change
 * sums[i]. Each register is a chain of its own. There must be more of them than an instruction takes cycles
 * times the instructions that begin in a cycle, and no more than there are registers: one that
 * is kept in memory costs more than the multiply-add. `constraint` is the register's letter in GCC's syntax
 * and keeps the compiler from merging steps. */
#define CP_CHAINS(type, count, constraint, step)                  \
  type sums[count];                                               \
  for (int i = 0; i < (count); i++) sums[i] = (type){0};          \
  for (long turn = 0; turn < CP_STEPS; turn++) {                  \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < (count); i++) { \
      step;                                                       \
      __asm__ volatile("" : constraint(sums[i]));                 \
    }                                                             \
  }

enum { CP_STEPS = 1 << 19 };
