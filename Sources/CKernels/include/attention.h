/* Causal attention: scaled dot products with grouped key/value heads. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The sizes of an attention and how its scores are made. With g = h / (H / G):
 *   s[t, j] = scale · q[t, h] · k[j, g], softly capped: soft_cap · tanh(s / soft_cap)
 *   out[t, h] = sum_j softmax_j(s[t, j]) v[j, g]
 * over the keys j of the token's own segment that are not after it, those of the segment's prefix
 * before them, and, with a window, only the last `window` of all these up to the token itself.
 *
 * A prefix is a segment that its branches share: the segments right after it, which name it in
 * `prefixes`. A prefix has none itself. */
typedef struct {
  size_t T, S;             /* query tokens, segments */
  const int32_t *starts;   /* [S + 1]: where segments begin, 0 ... T */
  const int32_t *prefixes; /* [S]: a segment's prefix, or -1; NULL: no segment has one */
  size_t H, G, E;
  size_t past;    /* keys before the first query; S is 1 then. Query t sees keys up to past + t */
  float scale;    /* 1 / sqrt(E) as a rule */
  float soft_cap; /* 0: none */
  size_t window;  /* 0: none */
} ck_attention;

/* q, out [T, H·E]; k, v [past + T, G·E] */
typedef struct {
  ck_attention shape;
  const float *q, *k, *v;
  float *out;
  float *log_sum_exp; /* [T, H], or NULL */
} ck_attention_pass;

size_t ck_attention_forward_scratch(const ck_attention *shape, size_t workers);
void ck_attention_forward(const ck_attention_pass *pass, void *scratch, size_t workers);

/* The same for one new token after shape.past older ones, as generation has it for all but the
 * prompt. */
size_t ck_attention_decode_scratch(const ck_attention *shape);
void ck_attention_decode(const ck_attention_pass *pass, void *scratch);

/* dq, dk and dv are written. */
typedef struct {
  ck_attention shape;
  const float *dout, *q, *k, *v, *out, *log_sum_exp;
  float *dq, *dk, *dv;
} ck_attention_gradient;

size_t ck_attention_backward_scratch(const ck_attention *shape, size_t workers);
void ck_attention_backward(const ck_attention_gradient *gradient, void *scratch, size_t workers);

/* The same in bfloat16, without a past; log_sum_exp stays float32 and E is even. */
typedef struct {
  ck_attention shape;
  const uint16_t *q, *k, *v;
  uint16_t *out;
  float *log_sum_exp;
} ck_bf16_attention_pass;

size_t ck_bf16_attention_forward_scratch(const ck_attention *shape, size_t workers);
void ck_bf16_attention_forward(const ck_bf16_attention_pass *pass, void *scratch, size_t workers);

typedef struct {
  ck_attention shape;
  const uint16_t *dout, *q, *k, *v, *out;
  const float *log_sum_exp;
  uint16_t *dq, *dk, *dv;
} ck_bf16_attention_gradient;

size_t ck_bf16_attention_backward_scratch(const ck_attention *shape, size_t workers);
void ck_bf16_attention_backward(const ck_bf16_attention_gradient *gradient, void *scratch,
                                size_t workers);
