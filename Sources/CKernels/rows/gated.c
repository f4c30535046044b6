#include "products/bf16.h"
#include "machine/vector.h"
#include "rows/activations.h"

/* Gated linear units (Shazeer 2020, arXiv:2002.05202). Outputs may be inputs: every element is read
 * before it is written, which is what `assume_safety` tells the compiler. */

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
      ck_activated a = name##_with_slope(gate[i]);                                                 \
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
      ck_activated a = name##_with_slope(ck_float_from_bf16(gate[i]));                             \
      dup[i] = ck_bfloat16_from_float(d * a.value);                                             \
      dgate[i] = ck_bfloat16_from_float(d * u * a.slope);                                       \
    }                                                                                           \
  }

CK_ACTIVATIONS(GATED_KERNELS)

typedef struct {
  void (*forward)(const float *gate, const float *up, float *out, size_t count);
  void (*backward)(const float *dout, const float *gate, const float *up, float *dgate, float *dup,
                   size_t count);
  void (*bf16_forward)(const uint16_t *gate, const uint16_t *up, uint16_t *out, size_t count);
  void (*bf16_backward)(const uint16_t *dout, const uint16_t *gate, const uint16_t *up,
                        uint16_t *dgate, uint16_t *dup, size_t count);
} gated_rows;

#define LIST(name) {name##_forward, name##_backward, name##_bf16_forward, name##_bf16_backward},
static const gated_rows rows_of[] = {CK_ACTIVATIONS(LIST)};

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
