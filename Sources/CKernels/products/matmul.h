/* Float32 products on the calling thread, for the table of kernels: for M, N, K > 0. */
#pragma once

#include "machine/kernel_table.h"

void ck_multiply_floats_openblas(const ck_float_product *p);
void ck_multiply_floats_avx512(const ck_float_product *p);

/* Where M is 1, whatever the processor. */
void ck_multiply_row_openblas(const ck_float_product *p);
