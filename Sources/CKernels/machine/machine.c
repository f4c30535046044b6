#include "machine/dispatch.h"

#include <stdio.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

typedef struct {
  char *text;
  size_t capacity;
} line_list;

static void append(line_list *lines, const char *prefix, const char *item) {
  size_t length = strlen(lines->text);
  snprintf(lines->text + length, lines->capacity - length, "%s%s%s", length ? "\n" : "", prefix,
           item);
}

#if defined(__x86_64__)

enum { EAX, EBX, ECX, EDX };

typedef struct {
  unsigned leaf, subleaf;
  int reg, bit;
  uint64_t state; /* register sets the system must save for the feature to be usable */
  const char *name;
} cpu_feature;

/* Bits of the XCR0 register. */
#define STATE_AVX 0x6
#define STATE_AVX512 0xe6
#define STATE_AMX 0x60000

/* Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2A, CPUID. */
static const cpu_feature features[] = {
    {1, 0, ECX, 20, 0, "sse4_2"},
    {1, 0, ECX, 28, STATE_AVX, "avx"},
    {7, 0, EBX, 5, STATE_AVX, "avx2"},
    {1, 0, ECX, 12, STATE_AVX, "fma"},
    {1, 0, ECX, 29, STATE_AVX, "f16c"},
    {7, 1, EAX, 4, STATE_AVX, "avx_vnni"},
    {7, 0, EBX, 16, STATE_AVX512, "avx512f"},
    {7, 0, EBX, 17, STATE_AVX512, "avx512dq"},
    {7, 0, EBX, 30, STATE_AVX512, "avx512bw"},
    {7, 0, EBX, 31, STATE_AVX512, "avx512vl"},
    {7, 0, ECX, 1, STATE_AVX512, "avx512_vbmi"},
    {7, 0, ECX, 11, STATE_AVX512, "avx512_vnni"},
    {7, 1, EAX, 5, STATE_AVX512, "avx512_bf16"},
    {7, 0, EDX, 23, STATE_AVX512, "avx512_fp16"},
    {7, 0, EDX, 24, STATE_AMX, "amx_tile"},
    {7, 0, EDX, 22, STATE_AMX, "amx_bf16"},
    {7, 0, EDX, 25, STATE_AMX, "amx_int8"},
};

/* The register sets that the operating system saves; 0 where it does not say. */
static uint64_t saved_states(void) {
  unsigned r[4] = {0};
  if (!__get_cpuid(1, &r[EAX], &r[EBX], &r[ECX], &r[EDX])) return 0;
  if (!(r[ECX] >> 27 & 1)) return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

static bool is_usable(const cpu_feature *f, uint64_t saved) {
  unsigned r[4] = {0};
  if (!__get_cpuid_count(f->leaf, f->subleaf, &r[EAX], &r[EBX], &r[ECX], &r[EDX])) return false;
  return (saved & f->state) == f->state && (r[f->reg] >> f->bit & 1);
}

static void append_processor(line_list *lines) {
  uint64_t saved = saved_states();
  for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
    if (is_usable(&features[i], saved)) append(lines, "", features[i].name);
  }
}

/* Whether `name` is among the features. */
static bool has(const char *name) {
  uint64_t saved = saved_states();
  for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
    const cpu_feature *f = &features[i];
    if (strcmp(f->name, name) == 0) return is_usable(f, saved);
  }
  return false;
}

ck_cpu_level ck_best_cpu_level(void) {
  if (!__builtin_cpu_supports("x86-64-v3")) return CK_LEVEL_PLAIN;
  if (!__builtin_cpu_supports("x86-64-v4")) return CK_LEVEL_AVX2;
  if (!has("avx512_bf16")) return CK_LEVEL_AVX512;
  return has("amx_tile") && has("amx_bf16") ? CK_LEVEL_AMX : CK_LEVEL_AVX512_BF16;
}

#elif defined(__aarch64__)

typedef struct {
  const char *name;
#if defined(__APPLE__)
  const char *key; /* of sysctl */
#else
  unsigned long place, bit; /* in the auxiliary vector: the Linux kernel's asm/hwcap.h */
#endif
} cpu_feature;

#if defined(__APPLE__)
static const cpu_feature features[] = {
    {"neon", "hw.optional.AdvSIMD"},          {"dotprod", "hw.optional.arm.FEAT_DotProd"},
    {"i8mm", "hw.optional.arm.FEAT_I8MM"},    {"bf16", "hw.optional.arm.FEAT_BF16"},
    {"sme", "hw.optional.arm.FEAT_SME"},
};

static bool is_usable(const cpu_feature *f) {
  int value = 0;
  size_t size = sizeof value;
  return sysctlbyname(f->key, &value, &size, NULL, 0) == 0 && value != 0;
}
#else
static const cpu_feature features[] = {
    {"neon", AT_HWCAP, 1},      {"dotprod", AT_HWCAP, 20}, {"sve", AT_HWCAP, 22},
    {"sve2", AT_HWCAP2, 1},     {"i8mm", AT_HWCAP2, 13},   {"bf16", AT_HWCAP2, 14},
    {"sme", AT_HWCAP2, 23},
};

static bool is_usable(const cpu_feature *f) { return getauxval(f->place) >> f->bit & 1; }
#endif

static void append_processor(line_list *lines) {
  for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
    if (is_usable(&features[i])) append(lines, "", features[i].name);
  }
}

static bool has(const char *name) {
  for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
    if (strcmp(features[i].name, name) == 0) return is_usable(&features[i]);
  }
  return false;
}

ck_cpu_level ck_best_cpu_level(void) { return has("bf16") ? CK_LEVEL_NEON_BF16 : CK_LEVEL_NEON; }

#else

static void append_processor(line_list *lines) { (void)lines; }

ck_cpu_level ck_best_cpu_level(void) { return CK_LEVEL_PLAIN; }

#endif

void ck_cpu_features(char *text, size_t capacity) {
  if (capacity == 0) return;
  text[0] = '\0';
  line_list lines = {text, capacity};
  append_processor(&lines);
  append(&lines, "kernels: ", ck_kernels_name());
}
