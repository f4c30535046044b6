#include "products/bf16.h"
#include "rows/activations.h"

/* Activations of feed-forward layers without a gate. Outputs may be inputs: every element is read
 * before it is written, which is what `assume_safety` tells the compiler. */

/* The four kernels of one activation: forward and backward in float32, then in bfloat16. */
#define ACTIVATION_KERNELS(name)                                                                 \
  CK_KERNEL(void, name##_forward, (const float *x, float *out, size_t count), (x, out, count)) { \
    _Pragma("clang loop vectorize(assume_safety)")                                               \
    for (size_t i = 0; i < count; i++) out[i] = name(x[i]);                                      \
  }                                                                                              \
  CK_KERNEL(void, name##_backward,                                                               \
            (const float *dout, const float *x, float *dx, size_t count), (dout, x, dx, count)) { \
    _Pragma("clang loop vectorize(assume_safety)")                                               \
    for (size_t i = 0; i < count; i++) dx[i] = dout[i] * name##_with_slope(x[i]).slope;          \
  }                                                                                              \
  CK_KERNEL(void, name##_bf16_forward, (const uint16_t *x, uint16_t *out, size_t count),         \
            (x, out, count)) {                                                                   \
    _Pragma("clang loop vectorize(assume_safety)")                                               \
    for (size_t i = 0; i < count; i++) {                                                         \
      out[i] = ck_bfloat16_from_float(name(ck_float_from_bf16(x[i])));                           \
    }                                                                                            \
  }                                                                                              \
  CK_KERNEL(void, name##_bf16_backward,                                                          \
            (const uint16_t *dout, const uint16_t *x, uint16_t *dx, size_t count),               \
            (dout, x, dx, count)) {                                                              \
    _Pragma("clang loop vectorize(assume_safety)")                                               \
    for (size_t i = 0; i < count; i++) {                                                         \
      float slope = name##_with_slope(ck_float_from_bf16(x[i])).slope;                           \
      dx[i] = ck_bfloat16_from_float(ck_float_from_bf16(dout[i]) * slope);                       \
    }                                                                                            \
  }

CK_ACTIVATIONS(ACTIVATION_KERNELS)

typedef struct {
  void (*forward)(const float *x, float *out, size_t count);
  void (*backward)(const float *dout, const float *x, float *dx, size_t count);
  void (*bf16_forward)(const uint16_t *x, uint16_t *out, size_t count);
  void (*bf16_backward)(const uint16_t *dout, const uint16_t *x, uint16_t *dx, size_t count);
} activation_rows;

#define LIST(name) {name##_forward, name##_backward, name##_bf16_forward, name##_bf16_backward},
static const activation_rows rows_of[] = {CK_ACTIVATIONS(LIST)};

static void forward_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const ck_activation_pass *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  if (p->x.bfloat16) {
    rows_of[p->activation].bf16_forward(p->x.bfloat16 + r.first, p->out.bfloat16 + r.first,
                                        r.count);
  } else {
    rows_of[p->activation].forward(p->x.float32 + r.first, p->out.float32 + r.first, r.count);
  }
}

static void backward_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const ck_activation_gradient *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  if (p->x.bfloat16) {
    rows_of[p->activation].bf16_backward(p->dout.bfloat16 + r.first, p->x.bfloat16 + r.first,
                                         p->dx.bfloat16 + r.first, r.count);
  } else {
    rows_of[p->activation].backward(p->dout.float32 + r.first, p->x.float32 + r.first,
                                    p->dx.float32 + r.first, r.count);
  }
}

void ck_activation_forward(ck_activation_pass p) {
  ck_parallel_for(ck_ceil_divide(p.count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, forward_task, &p);
}

void ck_activation_backward(ck_activation_gradient p) {
  ck_parallel_for(ck_ceil_divide(p.count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, backward_task, &p);
}
