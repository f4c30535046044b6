#include "products/bf16.h"
#include "machine/vector.h"
#include "numbers/exp.h"
#include "numbers/tanh.h"

/* Gated linear units (Shazeer 2020, arXiv:2002.05202). Outputs may be inputs: every element is read
 * before it is written, which is what `assume_safety` tells the compiler. */

/* ---- Activations -----------------------------------------------------------------------------*/

typedef struct {
  float value, slope;
} activated;

CK_INLINE float sigmoid(float x) { return 1 / (1 + ck_exp(-x)); }

CK_INLINE float silu(float x) { return x * sigmoid(x); }

CK_INLINE activated silu_with_slope(float x) {
  float s = sigmoid(x);
  return (activated){x * s, s * (1 + x * (1 - s))};
}

/* GELU with tanh for erf (Hendrycks & Gimpel 2016, arXiv:1606.08415), PyTorch's "tanh". */
CK_INLINE float gelu_angle(float x) { return 0.7978845608f * (x + 0.044715f * x * x * x); }

CK_INLINE float gelu_tanh(float x) { return 0.5f * x * (1 + ck_tanh(gelu_angle(x))); }

CK_INLINE activated gelu_tanh_with_slope(float x) {
  float t = ck_tanh(gelu_angle(x)), tanh_slope = 1 - t * t;
  float angle_slope = 0.7978845608f * (1 + 3 * 0.044715f * x * x);
  float bend = 0.5f * x * tanh_slope * angle_slope;
  /* Far out the angle's slope overflows where tanh is flat. */
  return (activated){0.5f * x * (1 + t), 0.5f * (1 + t) + (tanh_slope == 0 ? 0 : bend)};
}

/* ---- Rows ------------------------------------------------------------------------------------*/

/* The four kernels of one activation: forward and backward in float32, then in bfloat16. */
#define GATED_KERNELS(name)                                                                     \
  CK_KERNEL(void, name##_forward, (const float *gate, const float *up, float *out, size_t count), \
            (gate, up, out, count)) {                                                           \
    _Pragma("clang loop vectorize(assume_safety)")                                              \
    for (size_t i = 0; i < count; i++) out[i] = name(gate[i]) * up[i];                          \
  }                                                                                             \
  CK_KERNEL(void, name##_backward,                                                              \
            (const float *dout, const float *gate, const float *up, float *dgate, float *dup,   \
             size_t count),                                                                     \
            (dout, gate, up, dgate, dup, count)) {                                              \
    _Pragma("clang loop vectorize(assume_safety)")                                              \
    for (size_t i = 0; i < count; i++) {                                                        \
      float d = dout[i], u = up[i];                                                             \
      activated a = name##_with_slope(gate[i]);                                                 \
      dup[i] = d * a.value;                                                                     \
      dgate[i] = d * u * a.slope;                                                               \
    }                                                                                           \
  }                                                                                             \
  CK_KERNEL(void, name##_bf16_forward,                                                          \
            (const uint16_t *gate, const uint16_t *up, uint16_t *out, size_t count),            \
            (gate, up, out, count)) {                                                           \
    _Pragma("clang loop vectorize(assume_safety)")                                              \
    for (size_t i = 0; i < count; i++) {                                                        \
      float g = ck_float_from_bf16(gate[i]), u = ck_float_from_bf16(up[i]);                     \
      out[i] = ck_bfloat16_from_float(name(g) * u);                                             \
    }                                                                                           \
  }                                                                                             \
  CK_KERNEL(void, name##_bf16_backward,                                                         \
            (const uint16_t *dout, const uint16_t *gate, const uint16_t *up, uint16_t *dgate,   \
             uint16_t *dup, size_t count),                                                      \
            (dout, gate, up, dgate, dup, count)) {                                              \
    _Pragma("clang loop vectorize(assume_safety)")                                              \
    for (size_t i = 0; i < count; i++) {                                                        \
      float d = ck_float_from_bf16(dout[i]), u = ck_float_from_bf16(up[i]);                     \
      activated a = name##_with_slope(ck_float_from_bf16(gate[i]));                             \
      dup[i] = ck_bfloat16_from_float(d * a.value);                                             \
      dgate[i] = ck_bfloat16_from_float(d * u * a.slope);                                       \
    }                                                                                           \
  }

GATED_KERNELS(silu)
GATED_KERNELS(gelu_tanh)

typedef struct {
  void (*forward)(const float *gate, const float *up, float *out, size_t count);
  void (*backward)(const float *dout, const float *gate, const float *up, float *dgate, float *dup,
                   size_t count);
  void (*bf16_forward)(const uint16_t *gate, const uint16_t *up, uint16_t *out, size_t count);
  void (*bf16_backward)(const uint16_t *dout, const uint16_t *gate, const uint16_t *up,
                        uint16_t *dgate, uint16_t *dup, size_t count);
} gated_rows;

/* In the order of ck_activation. */
static const gated_rows rows_of[] = {
    {silu_forward, silu_backward, silu_bf16_forward, silu_bf16_backward},
    {gelu_tanh_forward, gelu_tanh_backward, gelu_tanh_bf16_forward, gelu_tanh_bf16_backward},
};

/* ---- The whole -------------------------------------------------------------------------------*/

static void forward_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const ck_gated *p = context;
  const gated_rows *rows = &rows_of[p->activation];
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  size_t i = r.first;
  if (p->gate.bfloat16) {
    rows->bf16_forward(p->gate.bfloat16 + i, p->up.bfloat16 + i, p->out.bfloat16 + i, r.count);
  } else {
    rows->forward(p->gate.float32 + i, p->up.float32 + i, p->out.float32 + i, r.count);
  }
}

static void backward_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const ck_gated_gradient *p = context;
  const gated_rows *rows = &rows_of[p->activation];
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  size_t i = r.first;
  if (p->gate.bfloat16) {
    rows->bf16_backward(p->dout.bfloat16 + i, p->gate.bfloat16 + i, p->up.bfloat16 + i,
                        p->dgate.bfloat16 + i, p->dup.bfloat16 + i, r.count);
  } else {
    rows->backward(p->dout.float32 + i, p->gate.float32 + i, p->up.float32 + i,
                   p->dgate.float32 + i, p->dup.float32 + i, r.count);
  }
}

void ck_gated_forward(ck_gated p) {
  ck_parallel_for(ck_ceil_divide(p.count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, forward_task, &p);
}

void ck_gated_backward(ck_gated_gradient p) {
  ck_parallel_for(ck_ceil_divide(p.count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, backward_task, &p);
}
