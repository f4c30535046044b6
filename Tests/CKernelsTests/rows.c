#include "reference.h"

#include <math.h>
#include <string.h>

/* Norms, rotations, embeddings and elementwise kernels. */

static const double half_unit = 1.0 / 256; /* of the last of bfloat16's 8 bits, relatively */

/* ---- RMSNorm ---------------------------------------------------------------------------------*/

typedef struct {
  size_t T, D;
  const float *x, *weight, *dout, *residual, *before;
  const uint16_t *bf16_x, *bf16_dout;
  float *out, *with_residual, *in_place, *inverse_rms, *dx, *written, *bf16_dx;
  uint16_t *bf16_out, *bf16_in_place, *bf16_written;
} norm_case;

static void run_norm(void *context) {
  norm_case *p = context;
  size_t T = p->T, D = p->D, size = T * D * sizeof(float);
  ck_rmsnorm norm = {.x = {.float32 = p->x}, .weight = p->weight, .epsilon = 1e-5f,
                     .out = {.float32 = p->out}, .inverse_rms = p->inverse_rms, .T = T, .D = D};
  ck_rmsnorm other = norm;
  other.residual = p->residual;
  other.out.float32 = p->with_residual;
  ck_rmsnorm_forward(other);
  other = norm;
  other.out = (ck_output){.bfloat16 = p->bf16_out};
  ck_rmsnorm_forward(other);
  memcpy(p->in_place, p->x, size);
  other.x.float32 = other.out.float32 = p->in_place;
  other.out.bfloat16 = NULL;
  ck_rmsnorm_forward(other);
  memcpy(p->bf16_in_place, p->bf16_x, size / 2);
  other.x = (ck_input){.bfloat16 = p->bf16_in_place};
  other.out = (ck_output){.bfloat16 = p->bf16_in_place};
  ck_rmsnorm_forward(other);
  ck_rmsnorm_gradient back = {.dout = {.bfloat16 = p->bf16_written},
                              .x = {.bfloat16 = p->bf16_x},
                              .weight = p->weight, .inverse_rms = p->inverse_rms,
                              .dx = {.bfloat16 = p->bf16_written}, .T = T, .D = D};
  memcpy(p->bf16_written, p->bf16_dout, size / 2);
  ck_rmsnorm_backward(back);

  ck_rmsnorm_forward(norm);
  memcpy(p->written, p->dout, size);
  back.x = (ck_input){.float32 = p->x};
  back.dout = (ck_input){.float32 = p->written};
  back.dx = (ck_output){.float32 = p->written};
  ck_rmsnorm_backward(back);
  memcpy(p->dx, p->before, size);
  back.accumulate = true;
  back.dout.float32 = p->dout;
  back.dx.float32 = p->dx;
  ck_rmsnorm_backward(back);
  memcpy(p->bf16_dx, p->before, size);
  back.dout = (ck_input){.bfloat16 = p->bf16_dout};
  back.dx.float32 = p->bf16_dx;
  ck_rmsnorm_backward(back);
}

static double *sum_of(const float *x, const double *y, size_t count) {
  double *sum = doubles(count);
  for (size_t i = 0; i < count; i++) sum[i] = x[i] + y[i];
  return sum;
}

static void test_norm(size_t T, size_t D) {
  begin("norm of %zu rows of %zu", T, D);
  size_t count = T * D;
  norm_case p = {.T = T, .D = D};
  p.bf16_x = random_bf16(count, -3, 3);
  p.bf16_dout = random_bf16(count, -1, 1);
  p.x = widened(p.bf16_x, count);
  p.dout = widened(p.bf16_dout, count);
  p.weight = random_floats(D, -1, 1);
  p.residual = random_floats(count, -1, 1);
  p.before = random_floats(count, -1, 1);
  p.out = result_floats(count);
  p.with_residual = result_floats(count);
  p.in_place = result_floats(count);
  p.inverse_rms = result_floats(T);
  p.dx = result_floats(count);
  p.written = result_floats(count);
  p.bf16_dx = result_floats(count);
  p.bf16_out = result_halves(count);
  p.bf16_in_place = result_halves(count);
  p.bf16_written = result_halves(count);
  on_all_threads(run_norm, &p);
  const double *out = reference_rmsnorm(p.x, p.weight, 1e-5, T, D);
  EXPECT_CLOSE(p.out, out, count, 1e-5, 1e-6);
  EXPECT_CLOSE(p.in_place, out, count, 1e-5, 1e-6);
  /* The two may cancel. */
  EXPECT_CLOSE(p.with_residual, sum_of(p.residual, out, count), count, 1e-5, 3e-6);
  EXPECT_CLOSE(widened(p.bf16_out, count), out, count, half_unit, 1e-5);
  EXPECT_CLOSE(widened(p.bf16_in_place, count), out, count, half_unit, 1e-5);
  const double *dx = reference_rmsnorm_gradient(p.dout, p.x, p.weight, 1e-5, T, D);
  const double *sums = sum_of(p.before, dx, count);
  EXPECT_CLOSE(p.written, dx, count, 1e-5, 3e-6);
  EXPECT_CLOSE(p.dx, sums, count, 1e-5, 3e-6);
  EXPECT_CLOSE(p.bf16_dx, sums, count, 1e-5, 3e-6);
  EXPECT_CLOSE(widened(p.bf16_written, count), dx, count, half_unit, 1e-5);
}

/* ---- Rotations -------------------------------------------------------------------------------*/

enum { POSITIONS = 50 };

typedef struct {
  size_t T, heads, E;
  const float *x, *cos, *sin;
  const uint16_t *bf16_x;
  const int32_t *positions;
  float *turned, *back;
  uint16_t *bf16_turned;
} rope_case;

static void run_rope(void *context) {
  rope_case *p = context;
  size_t size = p->T * p->heads * p->E * sizeof(float);
  ck_rotation rotation = {.x = {.float32 = p->turned}, .positions = p->positions, .cos = p->cos,
                          .sin = p->sin, .T = p->T, .heads = p->heads, .E = p->E,
                          .rotated = p->E};
  memcpy(p->turned, p->x, size);
  ck_rope(rotation);
  memcpy(p->back, p->turned, size);
  rotation.x.float32 = p->back;
  rotation.inverse = true;
  ck_rope(rotation);
  memcpy(p->bf16_turned, p->bf16_x, size / 2);
  rotation.x = (ck_output){.bfloat16 = p->bf16_turned};
  rotation.inverse = false;
  ck_rope(rotation);
}

static void test_rope(size_t T, size_t heads, size_t E) {
  begin("rope of %zu tokens, %zu heads of %zu", T, heads, E);
  size_t count = T * heads * E, half = E / 2;
  const float *angles = random_floats(POSITIONS * half, -3, 3);
  float *cosines = floats(POSITIONS * half), *sines = floats(POSITIONS * half);
  for (size_t i = 0; i < POSITIONS * half; i++) {
    cosines[i] = cosf(angles[i]), sines[i] = sinf(angles[i]);
  }
  const uint16_t *x = random_bf16(count, -1, 1);
  rope_case p = {T, heads, E, widened(x, count), cosines, sines, x, random_integers(T, POSITIONS),
                 result_floats(count), result_floats(count), result_halves(count)};
  on_all_threads(run_rope, &p);
  double *expected = doubles(count), *original = doubles(count);
  for (size_t i = 0; i < count; i++) original[i] = p.x[i];
  for (size_t row = 0; row < T * heads; row++) {
    for (size_t i = 0; i < half; i++) {
      double angle = angles[(size_t)p.positions[row / heads] * half + i];
      double a = original[row * E + i], b = original[row * E + half + i];
      expected[row * E + i] = a * cos(angle) - b * sin(angle);
      expected[row * E + half + i] = b * cos(angle) + a * sin(angle);
    }
  }
  EXPECT_CLOSE(p.turned, expected, count, 1e-5, 1e-6);
  EXPECT_CLOSE(p.back, original, count, 1e-5, 1e-6);
  EXPECT_CLOSE(widened(p.bf16_turned, count), expected, count, half_unit, 1e-6);
}

/* ---- Elements --------------------------------------------------------------------------------*/

typedef struct {
  size_t T, D;
  const int32_t *ids;
  const float *weight;
  const uint16_t *bf16_weight;
  float *out, *bf16_out;
} embedding_case;

static void run_embedding(void *context) {
  embedding_case *p = context;
  ck_embedding(p->ids, p->weight, p->out, p->T, p->D);
  ck_bf16_embedding(p->ids, p->bf16_weight, p->bf16_out, p->T, p->D);
}

static void test_embedding(size_t T) {
  begin("embedding of %zu", T);
  enum { V = 50, D = 33 };
  const uint16_t *weight = random_bf16(V * D, -1, 1);
  embedding_case p = {T, D, random_integers(T, V), widened(weight, V * D), weight,
                      result_floats(T * D), result_floats(T * D)};
  on_all_threads(run_embedding, &p);
  for (size_t t = 0; t < T; t++) {
    EXPECT_SAME(p.out + t * D, p.weight + p.ids[t] * D, D * sizeof(float));
  }
  EXPECT_SAME(p.bf16_out, p.out, T * D * sizeof(float));
}

typedef struct {
  size_t count;
  const float *x, *y;
  float *sum, *scaled, *shifted, *capped;
  double *squares;
} element_case;

static void run_elements(void *context) {
  element_case *p = context;
  size_t size = p->count * sizeof(float);
  memcpy(p->sum, p->y, size);
  ck_add(p->x, p->sum, p->count);
  memcpy(p->scaled, p->x, size);
  ck_scale(p->scaled, -0.3f, p->count);
  memcpy(p->shifted, p->x, size);
  ck_add_number(p->shifted, 0.7f, p->count);
  memcpy(p->capped, p->x, size);
  ck_soft_cap(p->capped, 1.5f, p->count);
  *p->squares = ck_sum_of_squares(p->x, p->count);
}

static void test_elements(size_t count) {
  begin("%zu elements", count);
  element_case p = {count, random_floats(count, -9, 9), random_floats(count, -1, 1),
                    result_floats(count), result_floats(count), result_floats(count),
                    result_floats(count), result_doubles(1)};
  on_all_threads(run_elements, &p);
  size_t wrong = 0;
  double squares = 0, *capped = doubles(count);
  for (size_t i = 0; i < count; i++) {
    wrong += p.sum[i] != p.x[i] + p.y[i];
    wrong += p.scaled[i] != p.x[i] * -0.3f;
    wrong += p.shifted[i] != p.x[i] + 0.7f;
    capped[i] = 1.5 * tanh(p.x[i] / 1.5);
    squares += (double)p.x[i] * p.x[i];
  }
  EXPECT(wrong == 0, "%zu sums, products or shifted elements", wrong);
  EXPECT_CLOSE(p.capped, capped, count, 1e-6, 1e-7);
  EXPECT(fabs(*p.squares - squares) <= 1e-10 * squares, "squares %.17g, expected %.17g",
         *p.squares, squares);
}

typedef struct {
  size_t T, N;
  const float *row, *x;
  float *sum;
} row_case;

static void run_add_row(void *context) {
  row_case *p = context;
  memcpy(p->sum, p->x, p->T * p->N * sizeof(float));
  ck_add_row(p->row, p->sum, p->T, p->N);
}

static void test_add_row(size_t T, size_t N) {
  begin("a row of %zu to %zu rows", N, T);
  row_case p = {T, N, random_floats(N, -1, 1), random_floats(T * N, -1, 1), result_floats(T * N)};
  on_all_threads(run_add_row, &p);
  size_t wrong = 0;
  for (size_t i = 0; i < T * N; i++) wrong += p.sum[i] != p.x[i] + p.row[i % N];
  EXPECT(wrong == 0, "%zu of %zu elements", wrong, T * N);
}

/* Squares beyond the range of float32 still have a sum. */
static void test_large_squares(void) {
  begin("large squares");
  const float x[] = {1e30f, 1e30f};
  double sum = ck_sum_of_squares(x, 2);
  EXPECT(fabs(sum - 2e60) < 1e54, "%g", sum);
}

void test_rows(void) {
  const size_t ragged[] = {1, 7, 64, 577};
  for (size_t i = 0; i < COUNT(ragged); i++) {
    test_norm(7, ragged[i]);
    test_norm(ragged[i], 33);
    test_embedding(ragged[i]);
    test_add_row(ragged[i], 65);
    test_elements(ragged[i]);
  }
  test_norm(3, 2050);
  test_norm(70, 577);
  test_rope(1, 1, 2);
  test_rope(7, 3, 64);
  test_rope(300, 5, 14);
  test_elements(0);
  test_elements(100001);
  test_large_squares();
}
