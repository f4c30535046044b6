/* Single-precision products on the calling thread. */
#pragma once

#include "machine/vector.h"

#if defined(__x86_64__)
/* As ck_matmul_piece, for M, N, K > 0; only where AVX-512 is in use. */
void ck_matmul_piece_avx512(size_t M, size_t N, size_t K, float alpha, ck_matrix a, ck_matrix b,
                            float *c, size_t c_stride, bool accumulate);
#endif
