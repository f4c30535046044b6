/* Activations of feed-forward layers, with their slopes, in operations that vectorize. */
#pragma once

#include "numbers/erf.h"
#include "numbers/tanh.h"

typedef struct {
  float value, slope;
} ck_activated;

CK_INLINE float ck_sigmoid(float x) { return 1 / (1 + ck_exp(-x)); }

/* x σ(x) (Ramachandran et al. 2017, arXiv:1710.05941). */
CK_INLINE float silu(float x) { return x * ck_sigmoid(x); }

CK_INLINE ck_activated silu_with_slope(float x) {
  float s = ck_sigmoid(x);
  return (ck_activated){x * s, s * (1 + x * (1 - s))};
}

/* x σ(1.702 x) (Hendrycks & Gimpel 2016, arXiv:1606.08415). */
CK_INLINE float gelu_quick(float x) { return x * ck_sigmoid(1.702f * x); }

CK_INLINE ck_activated gelu_quick_with_slope(float x) {
  float s = ck_sigmoid(1.702f * x);
  return (ck_activated){x * s, s * (1 + 1.702f * x * (1 - s))};
}

/* e^{-x² / 2}; zero where ck_exp would give its smallest number. */
CK_INLINE float bell(float x) { return x * x > 174 ? 0 : ck_exp(-0.5f * x * x); }

/* x Φ(x), Φ the distribution function of the normal distribution (the same paper). */
CK_INLINE float gelu(float x) { return 0.5f * x * (1 + ck_erf(0.707106781f * x, bell(x))); }

CK_INLINE ck_activated gelu_with_slope(float x) {
  float e = bell(x);
  float distribution = 0.5f * (1 + ck_erf(0.707106781f * x, e));
  return (ck_activated){x * distribution, distribution + 0.398942280f * x * e};
}

/* GELU with tanh for erf, PyTorch's "tanh". */
CK_INLINE float gelu_angle(float x) { return 0.7978845608f * (x + 0.044715f * x * x * x); }

CK_INLINE float gelu_tanh(float x) { return 0.5f * x * (1 + ck_tanh(gelu_angle(x))); }

CK_INLINE ck_activated gelu_tanh_with_slope(float x) {
  float t = ck_tanh(gelu_angle(x)), tanh_slope = 1 - t * t;
  float angle_slope = 0.7978845608f * (1 + 3 * 0.044715f * x * x);
  float bend = 0.5f * x * tanh_slope * angle_slope;
  /* Far out the angle's slope overflows where tanh is flat. */
  return (ck_activated){0.5f * x * (1 + t), 0.5f * (1 + t) + (tanh_slope == 0 ? 0 : bend)};
}

CK_INLINE float relu(float x) { return x > 0 ? x : 0; }

CK_INLINE ck_activated relu_with_slope(float x) {
  return (ck_activated){relu(x), x > 0 ? 1.0f : 0.0f};
}

/* max(x, 0)² (So et al. 2021, arXiv:2109.08668). */
CK_INLINE float relu_squared(float x) { return relu(x) * relu(x); }

CK_INLINE ck_activated relu_squared_with_slope(float x) {
  return (ck_activated){relu_squared(x), 2 * relu(x)};
}

/* One line for each activation, in the order of ck_activation. */
#define CK_ACTIVATIONS(each) \
  each(silu) each(gelu_tanh) each(gelu) each(gelu_quick) each(relu) each(relu_squared)
