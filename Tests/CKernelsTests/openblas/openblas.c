#include <cblas.h>

#include <stdbool.h>
#include <stddef.h>

void openblas_set_num_threads(int count) { (void)count; }
const char *openblas_get_config(void) { return "OpenBLAS stand-in"; }
const char *openblas_get_corename(void) { return "none"; }

static void multiply(size_t M, size_t N, size_t K, float alpha, const float *a, size_t a_row,
                     size_t a_column, const float *b, size_t b_row, size_t b_column, float beta,
                     float *c, size_t c_row, size_t c_column) {
  for (size_t i = 0; i < M; i++) {
    for (size_t j = 0; j < N; j++) {
      float sum = 0, *out = c + i * c_row + j * c_column;
      for (size_t k = 0; k < K; k++) {
        sum += a[i * a_row + k * a_column] * b[k * b_row + j * b_column];
      }
      *out = alpha * sum + (beta == 0 ? 0 : beta * *out);
    }
  }
}

void cblas_sgemm(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE transpose_a,
                 enum CBLAS_TRANSPOSE transpose_b, int M, int N, int K, float alpha, const float *a,
                 int a_stride, const float *b, int b_stride, float beta, float *c, int c_stride) {
  (void)order;
  bool turn_a = transpose_a == CblasTrans, turn_b = transpose_b == CblasTrans;
  size_t a_step = (size_t)a_stride, b_step = (size_t)b_stride;
  multiply((size_t)M, (size_t)N, (size_t)K, alpha, a, turn_a ? 1 : a_step, turn_a ? a_step : 1, b,
           turn_b ? 1 : b_step, turn_b ? b_step : 1, beta, c, (size_t)c_stride, 1);
}

void cblas_sgemv(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE transpose, int M, int N, float alpha,
                 const float *a, int a_stride, const float *x, int x_step, float beta, float *y,
                 int y_step) {
  (void)order;
  bool turn = transpose == CblasTrans;
  size_t step = (size_t)a_stride;
  multiply((size_t)(turn ? N : M), 1, (size_t)(turn ? M : N), alpha, a, turn ? 1 : step,
           turn ? step : 1, x, (size_t)x_step, 1, beta, y, (size_t)y_step, 1);
}
