#include "products/bf16.h"
#include "numbers/exp.h"
#include "machine/vector.h"

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
          (const uint16_t *dout, const uint16_t *gate, const uint16_t *up, uint16_t *dgate,
           uint16_t *dup, size_t count),
          (dout, gate, up, dgate, dup, count)) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; i++) {
    float d = ck_float_from_bf16(dout[i]), g = ck_float_from_bf16(gate[i]);
    float u = ck_float_from_bf16(up[i]), s = sigmoid(g);
    dup[i] = ck_bfloat16_from_float(d * (g * s));
    dgate[i] = ck_bfloat16_from_float(d * u * (s * (1 + g * (1 - s))));
  }
}

/* Tensors of float32, or of bfloat16. */
typedef struct {
  bool bf16;
  const void *dout, *gate, *up;
  void *out, *dgate, *dup;
  size_t count;
} swiglu;

static void forward_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const swiglu *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  size_t i = r.first;
  if (p->bf16) {
    const uint16_t *gate = p->gate, *up = p->up;
    bf16_forward(gate + i, up + i, (uint16_t *)p->out + i, r.count);
  } else {
    const float *gate = p->gate, *up = p->up;
    forward(gate + i, up + i, (float *)p->out + i, r.count);
  }
}

static void backward_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const swiglu *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  size_t i = r.first;
  if (p->bf16) {
    const uint16_t *dout = p->dout, *gate = p->gate, *up = p->up;
    uint16_t *dgate = p->dgate, *dup = p->dup;
    bf16_backward(dout + i, gate + i, up + i, dgate + i, dup + i, r.count);
  } else {
    const float *dout = p->dout, *gate = p->gate, *up = p->up;
    float *dgate = p->dgate, *dup = p->dup;
    backward(dout + i, gate + i, up + i, dgate + i, dup + i, r.count);
  }
}

static void run(swiglu p, ck_task task) {
  ck_parallel_for(ck_ceil_divide(p.count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, task, &p);
}

void ck_swiglu_forward(const float *gate, const float *up, float *out, size_t count) {
  run((swiglu){.gate = gate, .up = up, .out = out, .count = count}, forward_task);
}

void ck_bf16_swiglu_forward(const uint16_t *gate, const uint16_t *up, uint16_t *out,
                            size_t count) {
  run((swiglu){.bf16 = true, .gate = gate, .up = up, .out = out, .count = count}, forward_task);
}

void ck_swiglu_backward(const float *dout, const float *gate, const float *up, float *dgate,
                        float *dup, size_t count) {
  run((swiglu){false, dout, gate, up, NULL, dgate, dup, count}, backward_task);
}

void ck_bf16_swiglu_backward(const uint16_t *dout, const uint16_t *gate, const uint16_t *up,
                             uint16_t *dgate, uint16_t *dup, size_t count) {
  run((swiglu){true, dout, gate, up, NULL, dgate, dup, count}, backward_task);
}
