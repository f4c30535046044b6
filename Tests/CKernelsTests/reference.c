#include "reference.h"

#include <math.h>
#include <string.h>

double *reference_product(const float *a, const float *b, size_t M, size_t N, size_t K,
                          bool transpose_a, bool transpose_b) {
  double *c = doubles(M * N);
  for (size_t i = 0; i < M; i++) {
    double *row = c + i * N;
    for (size_t j = 0; j < N; j++) {
      row[j] = 0;
      if (!transpose_b) continue;
      for (size_t k = 0; k < K; k++) {
        row[j] += (double)a[transpose_a ? k * M + i : i * K + k] * b[j * K + k];
      }
    }
    for (size_t k = 0; k < K && !transpose_b; k++) {
      double x = a[transpose_a ? k * M + i : i * K + k];
      for (size_t j = 0; j < N; j++) row[j] += x * b[k * N + j];
    }
  }
  return c;
}

/* ---- Norms -----------------------------------------------------------------------------------*/

static double inverse_rms(const float *x, double epsilon, size_t D) {
  double sum = 0;
  for (size_t i = 0; i < D; i++) sum += (double)x[i] * x[i];
  return 1 / sqrt(sum / (double)D + epsilon);
}

double *reference_rmsnorm(const float *x, const float *weight, double epsilon, size_t T, size_t D) {
  double *out = doubles(T * D);
  for (size_t t = 0; t < T; t++) {
    double s = inverse_rms(x + t * D, epsilon, D);
    for (size_t i = 0; i < D; i++) out[t * D + i] = x[t * D + i] * s * weight[i];
  }
  return out;
}

double *reference_rmsnorm_gradient(const float *dout, const float *x, const float *weight,
                                   double epsilon, size_t T, size_t D) {
  double *dx = doubles(T * D);
  for (size_t t = 0; t < T; t++) {
    const float *row = x + t * D, *d = dout + t * D;
    double s = inverse_rms(row, epsilon, D), projection = 0;
    for (size_t i = 0; i < D; i++) projection += (double)d[i] * weight[i] * row[i] / (double)D;
    for (size_t i = 0; i < D; i++) {
      dx[t * D + i] = s * weight[i] * d[i] - row[i] * s * s * s * projection;
    }
  }
  return dx;
}

/* ---- Attention -------------------------------------------------------------------------------*/

/* One query of one head: keys first ... last. */
typedef struct {
  size_t query, key; /* where the query's row begins, and that of key 0 */
  size_t first, last;
} query_keys;

static double dot(const float *x, const float *y, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += (double)x[i] * y[i];
  return sum;
}

/* Softmax weights of the keys and the slopes of the scores; returns the log of their sum. */
static double weigh(const ck_attention *shape, const query_keys *at, const float *q, const float *k,
                    double *weights, double *slopes) {
  size_t E = shape->E, stride = shape->G * E;
  double largest = -INFINITY, total = 0, cap = shape->soft_cap;
  for (size_t j = at->first; j <= at->last; j++) {
    double score = shape->scale * dot(q + at->query, k + at->key + j * stride, E);
    slopes[j] = shape->scale;
    if (cap != 0) {
      score = cap * tanh(score / cap);
      slopes[j] *= 1 - score / cap * (score / cap);
    }
    weights[j] = score;
    largest = fmax(largest, score);
  }
  for (size_t j = at->first; j <= at->last; j++) total += weights[j] = exp(weights[j] - largest);
  for (size_t j = at->first; j <= at->last; j++) weights[j] /= total;
  return largest + log(total);
}

static void add_gradients(const ck_attention *shape, const query_keys *at, const double *weights,
                          const double *slopes, const float *q, const float *k, const float *v,
                          const float *dout, reference_attention_results *r) {
  size_t E = shape->E, stride = shape->G * E;
  double mean = 0;
  for (size_t j = at->first; j <= at->last; j++) {
    mean += weights[j] * dot(dout + at->query, v + at->key + j * stride, E);
  }
  for (size_t j = at->first; j <= at->last; j++) {
    size_t key = at->key + j * stride;
    double d = weights[j] * (dot(dout + at->query, v + key, E) - mean) * slopes[j];
    for (size_t e = 0; e < E; e++) {
      r->dq[at->query + e] += d * k[key + e];
      r->dk[key + e] += d * q[at->query + e];
      r->dv[key + e] += weights[j] * dout[at->query + e];
    }
  }
}

static double *zeros(size_t count) {
  double *x = doubles(count);
  memset(x, 0, count * sizeof *x);
  return x;
}

reference_attention_results reference_attention(const ck_attention *shape, const float *q,
                                                const float *k, const float *v, const float *dout) {
  size_t T = shape->T, H = shape->H, G = shape->G, E = shape->E, keys = shape->past + T;
  reference_attention_results r = {zeros(T * H * E), zeros(T * H), NULL, NULL, NULL};
  if (dout) r.dq = zeros(T * H * E), r.dk = zeros(keys * G * E), r.dv = zeros(keys * G * E);
  double *weights = doubles(keys), *slopes = doubles(keys);
  for (size_t s = 0; s < shape->S; s++) {
    size_t start = (size_t)shape->starts[s], end = (size_t)shape->starts[s + 1];
    for (size_t t = start; t < end; t++) {
      size_t last = shape->past + t, first = start, window = shape->window;
      if (window != 0 && last + 1 > window) first = MOST(first, last + 1 - window);
      for (size_t h = 0; h < H; h++) {
        query_keys at = {(t * H + h) * E, h / (H / G) * E, first, last};
        r.log_sum_exp[t * H + h] = weigh(shape, &at, q, k, weights, slopes);
        for (size_t j = first; j <= last; j++) {
          for (size_t e = 0; e < E; e++) {
            r.out[at.query + e] += weights[j] * v[at.key + j * G * E + e];
          }
        }
        if (dout) add_gradients(shape, &at, weights, slopes, q, k, v, dout, &r);
      }
    }
  }
  return r;
}

/* ---- Loss ------------------------------------------------------------------------------------*/

double reference_cross_entropy(const float *hidden, const float *weight, const int32_t *labels,
                               const float *weights, size_t T, size_t V, size_t D, double cap, double *gradient) {
  double loss = 0, *z = doubles(V);
  memset(gradient, 0, T * D * sizeof *gradient);
  for (size_t t = 0; t < T; t++) {
    if (labels[t] < 0) continue;
    double largest = -INFINITY, total = 0;
    for (size_t v = 0; v < V; v++) {
      z[v] = dot(hidden + t * D, weight + v * D, D);
      if (cap != 0) z[v] = cap * tanh(z[v] / cap);
      largest = fmax(largest, z[v]);
    }
    for (size_t v = 0; v < V; v++) total += exp(z[v] - largest);
    double counted = weights ? weights[t] : 1;
    loss += counted * (largest + log(total) - z[labels[t]]);
    for (size_t v = 0; v < V; v++) {
      double slope = counted * (cap == 0 ? 1 : 1 - z[v] / cap * (z[v] / cap));
      double d = (exp(z[v] - largest) / total - (v == (size_t)labels[t])) * slope;
      for (size_t i = 0; i < D; i++) gradient[t * D + i] += d * weight[v * D + i];
    }
  }
  return loss;
}
