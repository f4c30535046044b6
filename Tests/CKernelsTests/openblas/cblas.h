/* What CKernels uses of OpenBLAS, plain and slow: there is no such library for a processor that is
 * not here. */
#pragma once

enum CBLAS_ORDER { CblasRowMajor = 101 };
enum CBLAS_TRANSPOSE { CblasNoTrans = 111, CblasTrans = 112 };

void openblas_set_num_threads(int count);
const char *openblas_get_config(void);
const char *openblas_get_corename(void);

void cblas_sgemm(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE transpose_a,
                 enum CBLAS_TRANSPOSE transpose_b, int M, int N, int K, float alpha, const float *a,
                 int a_stride, const float *b, int b_stride, float beta, float *c, int c_stride);

void cblas_sgemv(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE transpose, int M, int N, float alpha,
                 const float *a, int a_stride, const float *x, int x_step, float beta, float *y,
                 int y_step);
