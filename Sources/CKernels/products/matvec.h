/* One token times a weight, for the table of kernels. */
#pragma once

#include "products/bf16.h"

/* out[N] = W x */
struct ck_matvec {
  const uint16_t *x; /* [K], in the order that ck_kernels.order_token gave it */
  const ck_operand *weight;
  size_t N, K;
  float *out;
};

const uint16_t *ck_order_token_plain(const ck_matvec *p, void *scratch);
const uint16_t *ck_order_token_avx2(const ck_matvec *p, void *scratch);
const uint16_t *ck_order_token_avx512_bf16(const ck_matvec *p, void *scratch);
const uint16_t *ck_order_token_neon(const ck_matvec *p, void *scratch);

/* Whether the two of AVX2 take a weight in groups. */
bool ck_grouped_rows_are_fast_avx2(const ck_matvec *p);

void ck_multiply_token_plain(const ck_matvec *p, ck_range rows);
void ck_multiply_token_avx2(const ck_matvec *p, ck_range rows);
void ck_multiply_token_avx512_bf16(const ck_matvec *p, ck_range rows);
void ck_multiply_token_neon(const ck_matvec *p, ck_range rows);
void ck_multiply_token_neon_bf16(const ck_matvec *p, ck_range rows);
