#include "bf16.h"
#include "exp.h"
#include "vector.h"

/* Gated linear unit with SiLU (Shazeer 2020, arXiv:2002.05202). Outputs may be inputs: every
 * element is read before it is written, which is what `assume_safety` tells the compiler. */

CK_INLINE float sigmoid(float x) { return 1 / (1 + ck_exp(-x)); }

CK_KERNEL(void, forward, (const float *gate, const float *up, float *out, size_t count),
          (gate, up, out, count)) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; i++) out[i] = gate[i] * sigmoid(gate[i]) * up[i];
}

CK_KERNEL(void, backward,
          (const float *dout, const float *gate, const float *up, float *dgate, float *dup, size_t
           count),
          (dout, gate, up, dgate, dup, count)) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; i++) {
    float d = dout[i], g = gate[i], u = up[i];
    float s = sigmoid(g);
    dup[i] = d * (g * s);
    dgate[i] = d * u * (s * (1 + g * (1 - s)));
  }
}

typedef struct {
  const float *dout, *gate, *up;
  float *out, *dgate, *dup;
  size_t count;
} swiglu;

static void forward_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const swiglu *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  forward(p->gate + r.first, p->up + r.first, p->out + r.first, r.count);
}

static void backward_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const swiglu *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  backward(p->dout + r.first, p->gate + r.first, p->up + r.first, p->dgate + r.first,
           p->dup + r.first, r.count);
}

void ck_swiglu_forward(const float *gate, const float *up, float *out, size_t count) {
  swiglu p = {.gate = gate, .up = up, .out = out, .count = count};
  ck_parallel_for(ck_ceil_divide(count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, forward_task, &p);
}

void ck_swiglu_backward(const float *dout, const float *gate, const float *up, float *dgate,
                        float *dup, size_t count) {
  swiglu p = {.dout = dout, .gate = gate, .up = up, .dgate = dgate, .dup = dup, .count = count};
  ck_parallel_for(ck_ceil_divide(count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, backward_task, &p);
}

/* ---- bfloat16 --------------------------------------------------------------------------------*/

CK_KERNEL(void, bf16_forward,
          (const uint16_t *gate, const uint16_t *up, uint16_t *out, size_t count),
          (gate, up, out, count)) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; i++) {
    float g = ck_float_from_bf16(gate[i]), u = ck_float_from_bf16(up[i]);
    out[i] = ck_bfloat16_from_float(g * sigmoid(g) * u);
  }
}

CK_KERNEL(void, bf16_backward,
          (const uint16_t *dout, const uint16_t *gate, const uint16_t *up, uint16_t *dgate, uint16_t
           *dup, size_t count),
          (dout, gate, up, dgate, dup, count)) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; i++) {
    float d = ck_float_from_bf16(dout[i]), g = ck_float_from_bf16(gate[i]);
    float u = ck_float_from_bf16(up[i]), s = sigmoid(g);
    dup[i] = ck_bfloat16_from_float(d * (g * s));
    dgate[i] = ck_bfloat16_from_float(d * u * (s * (1 + g * (1 - s))));
  }
}

typedef struct {
  const uint16_t *dout, *gate, *up;
  uint16_t *out, *dgate, *dup;
  size_t count;
} bf16_swiglu;

static void bf16_forward_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const bf16_swiglu *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  bf16_forward(p->gate + r.first, p->up + r.first, p->out + r.first, r.count);
}

static void bf16_backward_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const bf16_swiglu *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  bf16_backward(p->dout + r.first, p->gate + r.first, p->up + r.first, p->dgate + r.first,
                p->dup + r.first, r.count);
}

void ck_bf16_swiglu_forward(const uint16_t *gate, const uint16_t *up, uint16_t *out,
                            size_t count) {
  bf16_swiglu p = {.gate = gate, .up = up, .out = out, .count = count};
  ck_parallel_for(ck_ceil_divide(count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, bf16_forward_task, &p);
}

void ck_bf16_swiglu_backward(const uint16_t *dout, const uint16_t *gate, const uint16_t *up,
                             uint16_t *dgate, uint16_t *dup, size_t count) {
  bf16_swiglu p = {.dout = dout, .gate = gate, .up = up, .dgate = dgate, .dup = dup,
                   .count = count};
  ck_parallel_for(ck_ceil_divide(count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, bf16_backward_task, &p);
}
