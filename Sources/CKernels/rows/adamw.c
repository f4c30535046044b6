#include "machine/vector.h"

#include <math.h>

/* Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101), operation by
 * operation as PyTorch's torch.optim.AdamW does it for one float32 tensor on a CPU: both moments are
 * updated by a fused multiply-add. */

typedef struct {
  float *parameter;
  const float *gradient;
  float *m, *v;
  size_t count;
  float gradient_scale, decay, one_minus_beta1, beta2, one_minus_beta2;
  float correction2_root, epsilon, minus_step_size;
} update;

CK_KERNEL(void, update_range, (const update *u, size_t first, size_t count), (u, first, count)) {
  update p = *u;
  float *restrict parameter = p.parameter + first, *restrict m = p.m + first,
                  *restrict v = p.v + first;
  const float *restrict gradient = p.gradient + first;
  for (size_t i = 0; i < count; i++) {
    float g = gradient[i] * p.gradient_scale;
    m[i] = fmaf(p.one_minus_beta1, g - m[i], m[i]);
    v[i] = fmaf(p.one_minus_beta2 * g, g, v[i] * p.beta2);
    float denominator = sqrtf(v[i]) / p.correction2_root + p.epsilon;
    parameter[i] = parameter[i] * p.decay + p.minus_step_size * m[i] / denominator;
  }
}

static void update_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const update *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  update_range(p, r.first, r.count);
}

void ck_adamw_step(float *parameter, const float *gradient, float *first_moment,
                   float *second_moment, const ck_adamw *options, size_t count) {
  double correction1 = 1 - pow(options->beta1, (double)options->step);
  double correction2 = 1 - pow(options->beta2, (double)options->step);
  update p = {
      .parameter = parameter,
      .gradient = gradient,
      .m = first_moment,
      .v = second_moment,
      .count = count,
      .gradient_scale = (float)options->gradient_scale,
      .decay = (float)(1 - options->learning_rate * options->weight_decay),
      .one_minus_beta1 = (float)(1 - options->beta1),
      .beta2 = (float)options->beta2,
      .one_minus_beta2 = (float)(1 - options->beta2),
      .correction2_root = (float)sqrt(correction2),
      .epsilon = (float)options->epsilon,
      .minus_step_size = (float)-(options->learning_rate / correction1),
  };
  ck_parallel_for(ck_ceil_divide(count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, update_task, &p);
}
