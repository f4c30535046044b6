#include "reference.h"

#include <math.h>
#include <string.h>

/* Attention of new tokens after older ones, one at a time and several. */

typedef struct {
  ck_attention_pass pass, forward;
  void *scratch, *forward_scratch;
} decode_case;

static void run_decode(void *context) {
  decode_case *p = context;
  ck_attention_decode(&p->pass, p->scratch);
}

static void run_forward(void *context) {
  decode_case *p = context;
  ck_attention_forward(&p->forward, p->forward_scratch, WORKERS);
}

static void test_tokens(size_t past, size_t T, size_t H, size_t G, size_t E, float cap,
                        size_t window, float size, double tolerance) {
  begin("decode: %zu after %zu, %zu heads, %zu kv heads, %zu wide, cap %g, window %zu, size %g", T,
        past, H, G, E, cap, window, size);
  const int32_t starts[] = {0, (int32_t)T};
  ck_attention shape = {.T = T, .S = 1, .starts = starts, .H = H, .G = G, .E = E, .past = past,
                        .scale = 1 / sqrtf((float)E), .soft_cap = cap, .window = window};
  size_t queries = T * H * E, keys = (past + T) * G * E;
  decode_case p = {.pass = {shape, random_floats(queries, -2 * size, 2 * size),
                            random_floats(keys, -2, 2), random_floats(keys, -1, 1),
                            result_floats(queries), NULL}};
  p.forward = p.pass;
  p.forward.log_sum_exp = result_floats(T * H);
  p.forward_scratch = scratch(ck_attention_forward_scratch(&shape, WORKERS));
  const double *expected =
      reference_attention(&shape, p.pass.q, p.pass.k, p.pass.v, NULL).out;
  on_all_threads(run_forward, &p);
  EXPECT_CLOSE(p.pass.out, expected, queries, tolerance, tolerance);
  if (T != 1) return;
  memset(p.pass.out, 0, queries * sizeof(float));
  p.scratch = scratch(ck_attention_decode_scratch(&shape));
  on_all_threads(run_decode, &p);
  EXPECT_CLOSE(p.pass.out, expected, queries, tolerance, tolerance);
}

void test_decode(void) {
  const size_t tokens[][2] = {{0, 1},   {100, 1}, {6, 1},   {127, 1},
                              {128, 1}, {299, 1}, {300, 3}, {37, 65}};
  const size_t heads[][3] = {{4, 2, 6}, {9, 3, 64}, {2, 2, 128}, {3, 1, 70}};
  const struct {
    float cap;
    size_t window;
  } limits[] = {{0, 0}, {2, 0}, {0, 33}, {3, 1}};
  for (size_t i = 0; i < COUNT(tokens); i++) {
    for (size_t j = 0; j < COUNT(heads); j++) {
      size_t limit = (i + j) % COUNT(limits);
      test_tokens(tokens[i][0], tokens[i][1], heads[j][0], heads[j][1], heads[j][2],
                  limits[limit].cap, limits[limit].window, 1, 1e-5);
    }
  }
  /* Large scores must not overflow. */
  test_tokens(200, 1, 2, 1, 4, 0, 0, 1000, 1e-3);
}
