#include "reference.h"
#include "weights.h"

#include <math.h>

/* One token times a weight, as generation has it. */

typedef struct {
  const uint16_t *x;
  ck_operand weight;
  size_t N, K;
  float *out;
  void *scratch;
} matvec_case;

static void run_matvec(void *context) {
  matvec_case *p = context;
  ck_bf16_matvec(p->x, &p->weight, p->N, p->K, p->out, p->scratch);
}

static void test_size(size_t N, size_t K, weight_storage storage) {
  begin("matrix-vector: N %zu, K %zu, storage %d", N, K, storage);
  stored_weight w = random_weight(N, K, storage);
  matvec_case p = {random_bf16(K, -1, 1), w.operand, N, K, result_floats(N),
                   scratch(ck_bf16_matvec_scratch(K))};
  on_all_threads(run_matvec, &p);
  const double *expected = reference_product(widened(p.x, K), w.values, 1, N, K, false, true);
  /* A level may take NF4 values as they are, where others round them to bfloat16. */
  double unrounded = storage == STORED_BF16 ? 0 : 2e-3;
  EXPECT_CLOSE(p.out, expected, N, 1e-5, (unrounded + 1e-5) * sqrt((double)K));
}

void test_matvec(void) {
  /* Rows of 9 blocks cross the nested blocks of 256 anywhere, 65 are an odd number; rows that end
   * within a block. */
  const size_t sizes[][2] = {{2, 2},   {7, 64},    {70, 576}, {10, 4160}, {33, 70},
                             {9, 130}, {3, 1152},  {5, 8},    {4, 30},    {300, 192},
                             {6, 66},  {2, 20002}, {1, 96}};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    for (weight_storage storage = STORED_BF16; storage <= GROUPED_MIXED; storage++) {
      test_size(sizes[i][0], sizes[i][1], storage);
    }
  }
}
