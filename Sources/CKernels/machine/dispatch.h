/* One kernel, compiled for several levels of the instruction set; which of them runs is decided
 * once, when the program starts. */
#pragma once

#include "CKernels.h"
#include "numbers/bits.h"

/* The level in use: which copy of a portable kernel runs. What is written for one level alone stands in
 * kernel_table.h. */
extern ck_cpu_level ck_level;

/* Its name, as FINETUNE_CPU calls it. */
const char *ck_kernels_name(void);

/* `CK_KERNEL(float, name, (const float *x, size_t count), (x, count)) { ... }` defines a static
 * function whose body is compiled once for each level. CK_SHARED_KERNEL makes it visible to other
 * files, where a header declares it. */
#if defined(__x86_64__)
#define CK_AVX512_BF16 __attribute__((target("arch=x86-64-v4,avx512bf16")))
#define CK_AVX512 __attribute__((target("arch=x86-64-v4")))
#define CK_AVX2 __attribute__((target("arch=x86-64-v3")))
#define CK_LEVELS(linkage, result, name, parameters, arguments)                   \
  CK_INLINE result name##_body parameters;                                        \
  CK_AVX512 static result name##_avx512 parameters { return name##_body arguments; } \
  CK_AVX2 static result name##_avx2 parameters { return name##_body arguments; }  \
  static result name##_plain parameters { return name##_body arguments; }         \
  linkage result name parameters {                                                \
    if (ck_level >= CK_LEVEL_AVX512) return name##_avx512 arguments;              \
    if (ck_level >= CK_LEVEL_AVX2) return name##_avx2 arguments;                  \
    return name##_plain arguments;                                                \
  }                                                                               \
  CK_INLINE result name##_body parameters
#else
/* Every 64-bit ARM processor has NEON, so portable kernels are compiled for it as they are. */
#define CK_NEON_BF16 __attribute__((target("bf16")))
#define CK_LEVELS(linkage, result, name, parameters, arguments) linkage result name parameters
#endif

#define CK_KERNEL(result, name, parameters, arguments) \
  CK_LEVELS(static, result, name, parameters, arguments)
#define CK_SHARED_KERNEL(result, name, parameters, arguments) \
  CK_LEVELS(, result, name, parameters, arguments)
