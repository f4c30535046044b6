#include "attention_cases.h"

#include <math.h>

/* Grouped heads, many and empty segments, blocks and pieces that end in the middle, widths around
 * the panel of 32; scales, caps and windows of their own, windows smaller and larger than blocks
 * and segments. */
const attention_case attention_cases[] = {
    {1, {0, 1}, 1, 1, 2, 0, 0, 0},
    {1, {0, 7}, 3, 1, 16, 0, 0, 0},
    {1, {0, 64}, 4, 4, 8, 0, 0, 0},
    {6, {0, 1, 1, 8, 28, 60, 61}, 6, 2, 32, 0, 0, 0},
    {1, {0, 33}, 9, 3, 64, 0, 0, 0},
    {1, {0, 530}, 1, 1, 6, 0, 0, 0},
    {2, {0, 40, 150}, 3, 1, 4, 0, 0, 0},
    {1, {0, 50}, 20, 1, 4, 0, 0, 0},
    {1, {0, 540}, 1, 1, 4, 0, 0, 64}, /* queries in several pieces, in bfloat16 */
    {2, {0, 20, 75}, 4, 2, 80, 0, 0, 0},
    {1, {0, 50}, 4, 2, 16, 0.5f, 0, 0},
    {2, {0, 9, 70}, 4, 1, 16, 0, 1.5f, 0},
    {2, {0, 1, 30}, 2, 2, 8, 0, 0, 2},
    {3, {0, 40, 45, 90}, 4, 2, 32, 0, 0, 7},
    {1, {0, 290}, 2, 1, 4, 0.2f, 2, 130},
    {2, {0, 9, 55}, 2, 1, 80, 0.3f, 4, 40},
    {1, {0, 40}, 2, 1, 96, 0, 5, 0},
    {2, {0, 5, 55}, 2, 2, 128, 0, 0, 40},
    {1, {0, 34}, 2, 1, 256, 0.05f, 3, 20},
    {1, {0, 20}, 2, 1, 6, 0, 0, 1},
};
const size_t attention_case_count = COUNT(attention_cases);

ck_attention begin_attention(const attention_case *c, const char *name) {
  size_t T = (size_t)c->starts[c->segments];
  begin("%s: %zu tokens in %zu segments, %zu heads, %zu kv heads, %zu wide, scale %g, cap %g, "
        "window %zu",
        name, T, c->segments, c->H, c->G, c->E, c->scale, c->cap, c->window);
  return (ck_attention){.T = T, .S = c->segments, .starts = c->starts, .H = c->H, .G = c->G,
                        .E = c->E, .scale = c->scale ? c->scale : 1 / sqrtf((float)c->E),
                        .soft_cap = c->cap, .window = c->window};
}

float *random_keys(const ck_attention *shape) {
  size_t width = shape->G * shape->E;
  float *k = random_floats(shape->T * width, -2, 2);
  for (size_t i = 512 * width; i < shape->T * width; i++) k[i] *= 2;
  return k;
}
