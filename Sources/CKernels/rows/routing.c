#include "machine/vector.h"
#include "numbers/exp.h"

/* Which experts a token goes to, and with which weight (Shazeer et al. 2017, arXiv:1701.06538). */

/* The index of the largest number that is not taken; the first of equal ones. */
static size_t best_of(const float *x, const bool *taken, size_t count) {
  size_t best = SIZE_MAX;
  for (size_t i = 0; i < count; i++) {
    if (!taken[i] && (best == SIZE_MAX || x[i] > x[best])) best = i;
  }
  return best;
}

static void softmax(float *x, size_t count) {
  float maximum = ck_maximum(x, count), sum = 0;
  for (size_t i = 0; i < count; i++) sum += x[i] = ck_exp(x[i] - maximum);
  for (size_t i = 0; i < count; i++) x[i] /= sum;
}

static void route_token(const ck_routing *p, size_t t) {
  float *probabilities = p->probabilities + t * p->experts, sum = 0;
  softmax(probabilities, p->experts);
  bool taken[CK_MOST_EXPERTS] = {false};
  for (size_t i = 0; i < p->chosen; i++) {
    size_t best = best_of(probabilities, taken, p->experts);
    taken[best] = true;
    p->choices[t * p->chosen + i] = (int32_t)best;
    p->weights[t * p->chosen + i] = probabilities[best];
    sum += probabilities[best];
  }
  if (!p->normalize) return;
  for (size_t i = 0; i < p->chosen; i++) p->weights[t * p->chosen + i] /= sum;
}

enum { TOKENS = 64 }; /* of a task */

static void route_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const ck_routing *p = context;
  ck_range tokens = ck_piece(p->T, TOKENS, task);
  for (size_t t = tokens.first; t < tokens.first + tokens.count; t++) route_token(p, t);
}

void ck_route(ck_routing p) {
  ck_parallel_for(ck_ceil_divide(p.T, TOKENS), CK_ANY_WORKERS, route_task, &p);
}

/* ---- Backward --------------------------------------------------------------------------------*/

/* The gradient of the chosen probabilities, then through the softmax. */
static void backward_token(const ck_routing_gradient *p, size_t t) {
  const int32_t *choices = p->choices + t * p->chosen;
  const float *weights = p->weights + t * p->chosen, *dweights = p->dweights + t * p->chosen;
  const float *probabilities = p->probabilities + t * p->experts;
  float *dlogits = p->dlogits + t * p->experts;
  float sum = 0, mean = 0, projection = 0;
  for (size_t i = 0; i < p->chosen; i++) {
    sum += probabilities[choices[i]];
    mean += dweights[i] * weights[i];
  }
  for (size_t i = 0; i < p->experts; i++) dlogits[i] = 0;
  for (size_t i = 0; i < p->chosen; i++) {
    float d = p->normalize ? (dweights[i] - mean) / sum : dweights[i];
    dlogits[choices[i]] = d;
    projection += probabilities[choices[i]] * d;
  }
  for (size_t i = 0; i < p->experts; i++) {
    dlogits[i] = probabilities[i] * (dlogits[i] - projection);
  }
}

static void backward_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const ck_routing_gradient *p = context;
  ck_range tokens = ck_piece(p->T, TOKENS, task);
  for (size_t t = tokens.first; t < tokens.first + tokens.count; t++) backward_token(p, t);
}

void ck_route_backward(ck_routing_gradient p) {
  ck_parallel_for(ck_ceil_divide(p.T, TOKENS), CK_ANY_WORKERS, backward_task, &p);
}
