/* The shapes that attention is tested on in both types. */
#pragma once

#include "harness.h"

typedef struct {
  size_t segments;
  int32_t starts[7];
  size_t H, G, E;
  float scale; /* 0: 1 / sqrt(E) */
  float cap;
  size_t window;
} attention_case;

extern const attention_case attention_cases[];
extern const size_t attention_case_count;

/* Begins the case and returns its shape. */
ck_attention begin_attention(const attention_case *c, const char *name);

/* Keys [T, G·E]; those of the second block of 512 are larger, so that its scores take over what was
 * summed before. */
float *random_keys(const ck_attention *shape);
