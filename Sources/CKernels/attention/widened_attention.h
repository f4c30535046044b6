/* Attention of bfloat16 on processors that do not multiply pairs of it: through float32. */
#pragma once

#include "CKernels.h"

size_t ck_widened_attention_forward_scratch(const ck_attention *shape, size_t workers);
void ck_widened_attention_forward(const ck_bf16_attention_pass *pass, void *scratch,
                                  size_t workers);

size_t ck_widened_attention_backward_scratch(const ck_attention *shape, size_t workers);
void ck_widened_attention_backward(const ck_bf16_attention_gradient *gradient, void *scratch,
                                   size_t workers);
