/* Attention, forward and backward, and one token at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- attention.c, attention_backward.c -------------------------------------------------------*/

/* Bytes of scratch for the forward pass with `workers` slots. */
size_t ck_attention_forward_scratch(size_t T, size_t S, size_t H, size_t G, size_t E,
                                    size_t workers);

/* Causal attention inside each segment [starts[s], starts[s + 1]) of the tokens:
 *   out[t, h] = sum_j softmax_j(q[t, h] · k[j, g] / sqrt(E)) v[j, g],  j = segment start ... t
 * q, out [T, H·E]; k, v [T, G·E]; head h reads g = h / (H / G); log_sum_exp [T, H]. */
void ck_attention_forward(const float *q, const float *k, const float *v, const int32_t *starts,
                          float *out, float *log_sum_exp, size_t T, size_t S, size_t H, size_t G,
                          size_t E, void *scratch, size_t workers);

size_t ck_attention_backward_scratch(size_t T, size_t S, size_t H, size_t G, size_t E,
                                     size_t workers);

/* Gradients of the above, all three written. */
void ck_attention_backward(const float *dout, const float *q, const float *k, const float *v,
                           const float *out, const float *log_sum_exp, const int32_t *starts,
                           float *dq, float *dk, float *dv, size_t T, size_t S, size_t H, size_t G,
                           size_t E, void *scratch, size_t workers);

size_t ck_attention_prefill_scratch(size_t T, size_t past, size_t H, size_t G, size_t E,
                                    size_t workers);

/* T new tokens q[T, H·E] after `past` older ones: token t sees keys 0 ... past + t of
 * keys[past + T, G·E]. */
void ck_attention_prefill(const float *q, const float *keys, const float *values, float *out,
                          size_t T, size_t past, size_t H, size_t G, size_t E, void *scratch,
                          size_t workers);

/* ---- attention_decode.c ----------------------------------------------------------------------*/

size_t ck_attention_decode_scratch(size_t past, size_t H, size_t G, size_t E);

/* The same for one new token, as generation has it for all but the prompt. */
void ck_attention_decode(const float *q, const float *keys, const float *values, float *out,
                         size_t past, size_t H, size_t G, size_t E, void *scratch);

/* ---- bf16_attention.c, bf16_attention_backward.c: the same in bfloat16 -------------------------*/

/* log_sum_exp stays float32; E is even. */
size_t ck_bf16_attention_forward_scratch(size_t T, size_t S, size_t H, size_t G, size_t E,
                                         size_t workers);
void ck_bf16_attention_forward(const uint16_t *q, const uint16_t *k, const uint16_t *v,
                               const int32_t *starts, uint16_t *out, float *log_sum_exp, size_t T,
                               size_t S, size_t H, size_t G, size_t E, void *scratch,
                               size_t workers);
size_t ck_bf16_attention_backward_scratch(size_t T, size_t S, size_t H, size_t G, size_t E,
                                          size_t workers);
void ck_bf16_attention_backward(const uint16_t *dout, const uint16_t *q, const uint16_t *k,
                                const uint16_t *v, const uint16_t *out, const float *log_sum_exp,
                                const int32_t *starts, uint16_t *dq, uint16_t *dk, uint16_t *dv,
                                size_t T, size_t S, size_t H, size_t G, size_t E, void *scratch,
                                size_t workers);
