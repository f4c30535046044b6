/* The thread pool, and what the kernels know of the processor. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- parallel.c: the thread pool -------------------------------------------------------------*/

/* Processors this process may run on: its affinity mask, cut down by a control-group CPU limit. */
size_t ck_available_processors(void);

/* Threads that kernels share, the calling one included; 1 until set. */
size_t ck_threads(void);
void ck_set_threads(size_t count);

/* `worker` is below the `workers` given to ck_parallel_for and unique among running tasks. */
typedef void (*ck_task)(void *context, size_t task, size_t worker);

/* Runs tasks 0 ..< count, in any order, on at most `workers` threads; returns when all are done.
 * Called from inside a task, or while another thread uses the pool, it runs them one by one. */
void ck_parallel_for(size_t count, size_t workers, ck_task task, void *context);

/* ---- machine.c, kernel_table.c ---------------------------------------------------------------*/

/* Instruction sets that kernels are written for, each with all before it. Every kind of processor
 * has a ladder of its own; one that is not named here has its lowest step. */
typedef enum {
  CK_LEVEL_PLAIN,
#if defined(__x86_64__)
  CK_LEVEL_AVX2,        /* and FMA, F16C, BMI: x86-64-v3 */
  CK_LEVEL_AVX512,      /* F, BW, CD, DQ, VL: x86-64-v4 */
  CK_LEVEL_AVX512_BF16, /* products of bfloat16 pairs */
  CK_LEVEL_AMX,         /* products of bfloat16 matrices */
#elif defined(__aarch64__)
  CK_LEVEL_NEON,      /* every 64-bit ARM processor: what is written by hand for it */
  CK_LEVEL_NEON_BF16, /* products of bfloat16 pairs: FEAT_BF16 */
#endif
  CK_LEVEL_COUNT,
} ck_cpu_level;

/* The highest level that this processor and its system can run. */
ck_cpu_level ck_best_cpu_level(void);

/* "plain", "avx2" ... ; NULL where there is no such level. */
const char *ck_cpu_level_name(ck_cpu_level level);

/* Writes what the kernels found in this processor and its libraries, one item a line. */
void ck_cpu_features(char *text, size_t capacity);
