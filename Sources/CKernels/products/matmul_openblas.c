#include "products/matmul.h"

#include <cblas.h>
#include <pthread.h>

/* Float32 products through OpenBLAS, on the calling thread. */

static void use_one_openblas_thread(void) { openblas_set_num_threads(1); }

static void prepare_openblas(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, use_one_openblas_thread);
}

void ck_multiply_floats_openblas(const ck_float_product *p) {
  prepare_openblas();
  cblas_sgemm(CblasRowMajor, p->a.transposed ? CblasTrans : CblasNoTrans,
              p->b.transposed ? CblasTrans : CblasNoTrans, (int)p->M, (int)p->N, (int)p->K,
              p->alpha, p->a.data, (int)p->a.stride, p->b.data, (int)p->b.stride,
              p->accumulate ? 1 : 0, p->c, (int)p->c_stride);
}

void ck_multiply_row_openblas(const ck_float_product *p) {
  prepare_openblas();
  int x_stride = p->a.transposed ? (int)p->a.stride : 1;
  float beta = p->accumulate ? 1 : 0;
  if (p->b.transposed) {
    cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)p->N, (int)p->K, p->alpha, p->b.data,
                (int)p->b.stride, p->a.data, x_stride, beta, p->c, 1);
  } else {
    cblas_sgemv(CblasRowMajor, CblasTrans, (int)p->K, (int)p->N, p->alpha, p->b.data,
                (int)p->b.stride, p->a.data, x_stride, beta, p->c, 1);
  }
}
