#include "harness.h"

#include <math.h>
#include <string.h>

/* The optimizer. */

enum { STEPS = 4 };

typedef struct {
  size_t count;
  double decay;
  const float *start, *gradients;
  float *parameter, *m, *v;
} adamw_case;

static void run_adamw(void *context) {
  adamw_case *p = context;
  memcpy(p->parameter, p->start, p->count * sizeof(float));
  memset(p->m, 0, p->count * sizeof(float));
  memset(p->v, 0, p->count * sizeof(float));
  for (size_t step = 1; step <= STEPS; step++) {
    ck_adamw options = {.learning_rate = 3e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8,
                        .weight_decay = p->decay, .gradient_scale = 0.5, .step = step};
    ck_adamw_step(p->parameter, p->gradients + (step - 1) * p->count, p->m, p->v, &options,
                  p->count);
  }
}

static void test_formula(size_t count, double decay) {
  begin("AdamW: %zu parameters, decay %g", count, decay);
  adamw_case p = {count, decay, random_floats(count, -1, 1),
                  random_floats(STEPS * count, -1, 1), result_floats(count), result_floats(count),
                  result_floats(count)};
  on_all_threads(run_adamw, &p);
  double *parameter = doubles(count), *m = doubles(count), *v = doubles(count);
  for (size_t i = 0; i < count; i++) {
    double x = p.start[i], a = 0, b = 0;
    for (int step = 1; step <= STEPS; step++) {
      double g = p.gradients[(size_t)(step - 1) * count + i] * 0.5;
      a = 0.9 * a + 0.1 * g;
      b = 0.999 * b + 0.001 * g * g;
      double first = a / (1 - pow(0.9, step)), second = b / (1 - pow(0.999, step));
      x -= 3e-3 * (decay * x + first / (sqrt(second) + 1e-8));
    }
    parameter[i] = x, m[i] = a, v[i] = b;
  }
  EXPECT_CLOSE(p.parameter, parameter, count, 1e-5, 1e-6);
  EXPECT_CLOSE(p.m, m, count, 1e-5, 1e-6);
  EXPECT_CLOSE(p.v, v, count, 1e-5, 1e-9);
}

/* Three steps of torch.optim.AdamW (lr 3e-3, weight_decay 0.1) on gradients times 0.7, PyTorch 2.15
 * on a CPU with fused multiply-add: the same bits, on every processor. */
static void test_bits_of_pytorch(void) {
  begin("AdamW: the bits of PyTorch");
  enum { N = 6 };
  const uint32_t start[N] = {0xbe5af203, 0xbfb06114, 0xbd5fb700,
                             0x3ee73101, 0x3f492c2e, 0xbf8b51ed};
  const uint32_t gradients[3][N] = {
      {0x3c703843, 0xbdcda160, 0xbda16acf, 0xbda55cf9, 0xbcf23ae2, 0xbc6f8115},
      {0xbcd3f9b8, 0xbd417d39, 0x3dd838c5, 0x3d68ca23, 0x3dc5e5c3, 0x3d45be7f},
      {0x3d0df86f, 0xbe09bf02, 0x3cca6ddb, 0xbd9df625, 0xbcf2827b, 0x3a9cfe2b}};
  const uint32_t parameter[N] = {0xbe5dd7e0, 0xbfaf1e68, 0xbd58e96a,
                                 0x3ee96af8, 0x3f49351f, 0xbf8b2b5c};
  const uint32_t first[N] = {0x3ad54e63, 0xbc942789, 0x3b8031a9,
                             0xbbd19bc0, 0x3b1947cb, 0x3b168054};
  const uint32_t second[N] = {0x35891c48, 0x3779cb08, 0x37138749,
                              0x3700ebf2, 0x36b61f5e, 0x35a73fdd};
  float x[N], m[N] = {0}, v[N] = {0}, gradient[N];
  memcpy(x, start, sizeof x);
  for (size_t step = 1; step <= 3; step++) {
    ck_adamw options = {.learning_rate = 3e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8,
                        .weight_decay = 0.1, .gradient_scale = 0.7, .step = step};
    memcpy(gradient, gradients[step - 1], sizeof gradient);
    ck_adamw_step(x, gradient, m, v, &options, N);
  }
  EXPECT_SAME(x, parameter, sizeof x);
  EXPECT_SAME(m, first, sizeof m);
  EXPECT_SAME(v, second, sizeof v);
}

void test_adamw(void) {
  const size_t ragged[] = {1, 7, 64, 577};
  for (size_t i = 0; i < COUNT(ragged); i++) test_formula(ragged[i], 0.1);
  test_formula(40000, 0);
  test_bits_of_pytorch();
}
