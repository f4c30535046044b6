#include "quantized/ggml_k_quantize.h"

#include "machine/vector.h"
#include "numbers/convert.h"

/* The reference searches scale and minimum of one group after the other, and every sum over a group has
 * one order. Here the groups of a block lie side by side in the lanes of a vector: the sums keep their
 * order, lane by lane, and with it every bit. Codes stay floats until they are packed; all are small
 * whole numbers. Helpers take vectors by address: the convention for passing them depends on the level. */

typedef float lanes8 __attribute__((ext_vector_type(8)));
typedef float lanes16 __attribute__((ext_vector_type(16)));
typedef int32_t choice8 __attribute__((ext_vector_type(8)));
typedef int32_t choice16 __attribute__((ext_vector_type(16)));

/* To the nearest whole number, ties to even, of floats below 2^22. */
#define NEAREST(x) (((x) + 12582912.0f) - 12582912.0f)

/* Groups whose values are all below it have no scale. */
static const float nothing = 1e-15f;

/* ---- Q4_K and Q5_K: eight groups of 32 with scale and minimum ------------------------------------*/

enum { GROUP = 32, GROUPS = K_BLOCK / GROUP };

typedef struct {
  lanes8 x[GROUP], weight[GROUP], codes[GROUP];
  lanes8 sum_weight, sum_x; /* Σ w and Σ w x */
  lanes8 scale, minimum;    /* x is about scale · code + minimum */
} k_search;

/* Values and their weights, the root of the mean square plus the magnitude. */
CK_INLINE void load_groups(k_search *s, const float *x) {
  for (int i = 0; i < GROUP; i++) {
    for (int g = 0; g < GROUPS; g++) s->x[i][g] = x[g * GROUP + i];
  }
  lanes8 squares = 0;
  for (int i = 0; i < GROUP; i++) squares += s->x[i] * s->x[i];
  lanes8 mean = __builtin_elementwise_sqrt(squares / (float)GROUP);
  for (int i = 0; i < GROUP; i++) s->weight[i] = mean + __builtin_elementwise_abs(s->x[i]);
  s->sum_weight = s->weight[0];
  s->sum_x = s->sum_weight * s->x[0];
  for (int i = 1; i < GROUP; i++) {
    s->sum_weight += s->weight[i];
    s->sum_x += s->weight[i] * s->x[i];
  }
}

/* codes = the nearest of 0 ... most to inverse · (x - minimum) */
CK_INLINE void k_codes(const k_search *s, const lanes8 *inverse, const lanes8 *minimum, int most,
                       lanes8 *codes) {
  lanes8 least = 0, top = (float)most;
  for (int i = 0; i < GROUP; i++) {
    lanes8 code = NEAREST(*inverse * (s->x[i] - *minimum));
    code = code < least ? least : code;
    codes[i] = code > top ? top : code;
  }
}

/* Σ w (scale · code + minimum - x)² */
CK_INLINE void k_error(const k_search *s, const lanes8 *scale, const lanes8 *minimum,
                       const lanes8 *codes, lanes8 *error) {
  lanes8 sum = 0;
  for (int i = 0; i < GROUP; i++) {
    lanes8 off = *scale * codes[i] + *minimum - s->x[i];
    sum += s->weight[i] * (off * off);
  }
  *error = sum;
}

/* Scale and minimum of least squares for given codes; the minimum is not above zero. Returns where
 * there is such a solution. */
CK_INLINE void k_least_squares(const k_search *s, const lanes8 *codes, lanes8 *scale,
                               lanes8 *minimum, choice8 *solved) {
  lanes8 codes_1 = 0, codes_2 = 0, codes_x = 0, zero = 0;
  for (int i = 0; i < GROUP; i++) {
    lanes8 weighted = s->weight[i] * codes[i];
    codes_1 += weighted;
    codes_2 += weighted * codes[i];
    codes_x += weighted * s->x[i];
  }
  lanes8 determinant = s->sum_weight * codes_2 - codes_1 * codes_1;
  lanes8 slope = (s->sum_weight * codes_x - s->sum_x * codes_1) / determinant;
  lanes8 offset = (codes_2 * s->sum_x - codes_1 * codes_x) / determinant;
  *scale = offset > zero ? codes_x / codes_2 : slope;
  *minimum = offset > zero ? zero : offset;
  *solved = determinant > zero;
}

/* Tries inverse scales around most / (largest - least), from `first` steps of the codes on, and keeps
 * the best; the least value that a try has found is the next one's. */
CK_INLINE void k_search_scales(k_search *s, int most, float first, int tries) {
  lanes8 least = s->x[0], largest = s->x[0], zero = 0, one = 1;
  for (int i = 1; i < GROUP; i++) {
    least = s->x[i] < least ? s->x[i] : least;
    largest = s->x[i] > largest ? s->x[i] : largest;
  }
  least = least > zero ? zero : least;
  choice8 flat = largest == least;
  lanes8 start = least;
#define SPAN (flat ? one : largest - least)
  lanes8 inverse = (float)most / SPAN, scale = one / inverse, best;
  k_codes(s, &inverse, &least, most, s->codes);
  k_error(s, &scale, &least, s->codes, &best);
  for (int try = 0; try < tries; try++) {
    lanes8 codes[GROUP], tried_scale, tried_least, error;
    choice8 better;
    inverse = (first + 0.1f * (float)try + (float)most) / SPAN;
    k_codes(s, &inverse, &least, most, codes);
    k_least_squares(s, codes, &tried_scale, &tried_least, &better);
    k_error(s, &tried_scale, &tried_least, codes, &error);
    better &= error < best;
    for (int i = 0; i < GROUP; i++) s->codes[i] = better ? codes[i] : s->codes[i];
    best = better ? error : best;
    scale = better ? tried_scale : scale;
    least = better ? tried_least : least;
  }
#undef SPAN
  for (int i = 0; i < GROUP; i++) s->codes[i] = flat ? zero : s->codes[i];
  s->scale = flat ? zero : scale;
  s->minimum = flat ? start : least;
}

/* Six-bit multiples of the largest of eight numbers; returns that largest, or zero. */
CK_INLINE float six_bits(const lanes8 *x, uint8_t *bits) {
  float largest = 0;
  for (int g = 0; g < GROUPS; g++) {
    if ((*x)[g] > largest) largest = (*x)[g]; /* not of -0, whose sign would be stored */
  }
  float inverse = largest > 0 ? 63.0f / largest : 0;
  for (int g = 0; g < GROUPS; g++) {
    uint8_t multiple = (uint8_t)(int)NEAREST(inverse * (*x)[g]);
    bits[g] = CK_MIN(multiple, 63);
  }
  return largest;
}

CK_INLINE void pack_scales(const uint8_t *scales, const uint8_t *minima, uint8_t *packed) {
  for (int g = 0; g < 4; g++) {
    packed[g] = (uint8_t)(scales[g] | (scales[g + 4] >> 4) << 6);
    packed[g + 4] = (uint8_t)(minima[g] | (minima[g + 4] >> 4) << 6);
    packed[g + 8] = (uint8_t)((scales[g + 4] & 15) | (minima[g + 4] & 15) << 4);
  }
}

typedef struct {
  uint16_t d, dmin;
  uint8_t scales[12];
  uint8_t codes[K_BLOCK];
} k_result;

/* Where a group's rounded scale is zero, its codes stay what the search found. */
CK_INLINE void quantize_k(const float *x, int most, float first, int tries, k_result *out) {
  k_search s;
  load_groups(&s, x);
  k_search_scales(&s, most, first, tries);

  uint8_t scales[GROUPS], minima[GROUPS];
  lanes8 minimum = -s.minimum, d, dmin, zero = 0, top = (float)most;
  out->d = ck_float16_from_float(six_bits(&s.scale, scales) / 63.0f);
  out->dmin = ck_float16_from_float(six_bits(&minimum, minima) / 63.0f);
  pack_scales(scales, minima, out->scales);
  for (int g = 0; g < GROUPS; g++) {
    d[g] = ck_float_from_float16(out->d) * (float)scales[g];
    dmin[g] = ck_float_from_float16(out->dmin) * (float)minima[g];
  }
  for (int i = 0; i < GROUP; i++) {
    lanes8 code = NEAREST((s.x[i] + dmin) / d);
    code = code < zero ? zero : code;
    code = code > top ? top : code;
    code = d == zero ? s.codes[i] : code;
    for (int g = 0; g < GROUPS; g++) out->codes[g * GROUP + i] = (uint8_t)code[g];
  }
}

/* Groups 2p and 2p + 1 share 32 bytes, the first in the lower halves. */
CK_INLINE void pack_k_halves(const uint8_t *codes, uint8_t *q) {
  for (int pair = 0; pair < GROUPS / 2; pair++) {
    const uint8_t *low = codes + pair * 2 * GROUP, *high = low + GROUP;
    for (int i = 0; i < GROUP; i++) {
      q[pair * GROUP + i] = (uint8_t)((low[i] & 15) | (high[i] & 15) << 4);
    }
  }
}

CK_SHARED_KERNEL(void, ggml_encode_q4_k,
                 (const float *restrict x, block_q4_k *restrict b, size_t blocks),
                 (x, b, blocks)) {
  for (; blocks > 0; blocks--, b++, x += K_BLOCK) {
    k_result r;
    quantize_k(x, 15, -1.0f, 21, &r);
    b->d = r.d;
    b->dmin = r.dmin;
    memcpy(b->scales, r.scales, sizeof r.scales);
    pack_k_halves(r.codes, b->q);
  }
}

CK_SHARED_KERNEL(void, ggml_encode_q5_k,
                 (const float *restrict x, block_q5_k *restrict b, size_t blocks),
                 (x, b, blocks)) {
  for (; blocks > 0; blocks--, b++, x += K_BLOCK) {
    k_result r;
    quantize_k(x, 31, -0.5f, 16, &r);
    b->d = r.d;
    b->dmin = r.dmin;
    memcpy(b->scales, r.scales, sizeof r.scales);
    pack_k_halves(r.codes, b->q);
    for (int i = 0; i < GROUP; i++) {
      int bits = 0;
      for (int g = 0; g < GROUPS; g++) bits |= (r.codes[g * GROUP + i] >> 4) << g;
      b->high[i] = (uint8_t)bits;
    }
  }
}

/* ---- Q6_K: sixteen groups of 16 with a scale each -------------------------------------------------*/

enum { SMALL = 16 };

/* codes = the nearest of -32 ... 31 to inverse · x; Σ x² · x · code and Σ x² · code² with them */
CK_INLINE void q6_codes(const lanes16 *x, const lanes16 *inverse, lanes16 *codes, lanes16 *codes_x,
                        lanes16 *codes_2) {
  lanes16 least = -32, top = 31, sum_x = 0, sum_2 = 0;
  for (int i = 0; i < SMALL; i++) {
    lanes16 code = NEAREST(*inverse * x[i]), weight = x[i] * x[i];
    code = code < least ? least : code;
    code = code > top ? top : code;
    codes[i] = code;
    sum_x += weight * x[i] * code;
    sum_2 += weight * code * code;
  }
  *codes_x = sum_x;
  *codes_2 = sum_2;
}

/* Codes with their offset of 32, and the scale of each group, zero where the group is. */
CK_INLINE void q6_search(const lanes16 *x, lanes16 *codes, lanes16 *scales) {
  lanes16 magnitude = 0, farthest = 0, zero = 0, one = 1;
  for (int i = 0; i < SMALL; i++) {
    lanes16 size = __builtin_elementwise_abs(x[i]);
    farthest = size > magnitude ? x[i] : farthest;
    magnitude = size > magnitude ? size : magnitude;
  }
  choice16 empty = magnitude < nothing;
  farthest = empty ? one : farthest;
  lanes16 inverse = -32.0f / farthest, codes_x, codes_2;
  q6_codes(x, &inverse, codes, &codes_x, &codes_2);
  lanes16 scale = codes_2 != zero ? codes_x / codes_2 : zero, best = scale * codes_x;
  for (int step = -9; step <= 9; step++) {
    if (step == 0) continue;
    lanes16 tried[SMALL];
    inverse = -(32.0f + 0.1f * (float)step) / farthest;
    q6_codes(x, &inverse, tried, &codes_x, &codes_2);
    choice16 better = (codes_2 > zero) & (codes_x * codes_x > best * codes_2);
    for (int i = 0; i < SMALL; i++) codes[i] = better ? tried[i] : codes[i];
    scale = better ? codes_x / codes_2 : scale;
    best = better ? scale * codes_x : best;
  }
  for (int i = 0; i < SMALL; i++) codes[i] = empty ? zero : codes[i] + 32.0f;
  *scales = empty ? zero : scale;
}

/* The scales as multiples -128 ... 127 of d; false for a block without values. */
CK_INLINE bool q6_scales(const lanes16 *scales, block_q6_k *b) {
  float farthest = 0, magnitude = 0;
  for (int g = 0; g < SMALL; g++) {
    float scale = (*scales)[g], size = scale < 0 ? -scale : scale;
    farthest = size > magnitude ? scale : farthest;
    magnitude = CK_MAX(magnitude, size);
  }
  if (magnitude < nothing) return false;
  float inverse = -128.0f / farthest;
  b->d = ck_float16_from_float(1 / inverse);
  for (int g = 0; g < SMALL; g++) {
    b->scales[g] = (int8_t)CK_MIN(127, (int)NEAREST(inverse * (*scales)[g]));
  }
  return true;
}

CK_INLINE void pack_q6(const uint8_t *codes, block_q6_k *b) {
  memset(b->low, 0, sizeof b->low);
  memset(b->high, 0, sizeof b->high);
  for (int quarter = 0; quarter < 8; quarter++) {
    uint8_t *low = b->low + quarter / 4 * 64 + quarter % 2 * 32;
    uint8_t *high = b->high + quarter / 4 * 32;
    int low_shift = quarter % 4 / 2 * 4, high_shift = quarter % 4 * 2;
    for (int i = 0; i < 32; i++) {
      uint8_t code = codes[quarter * 32 + i];
      low[i] |= (uint8_t)((code & 15) << low_shift);
      high[i] |= (uint8_t)((code >> 4) << high_shift);
    }
  }
}

CK_SHARED_KERNEL(void, ggml_encode_q6_k,
                 (const float *restrict x, block_q6_k *restrict b, size_t blocks),
                 (x, b, blocks)) {
  for (; blocks > 0; blocks--, b++, x += K_BLOCK) {
    lanes16 values[SMALL], codes[SMALL], scales, d, zero = 0, least = -32, top = 31;
    for (int i = 0; i < SMALL; i++) {
      for (int g = 0; g < SMALL; g++) values[i][g] = x[g * SMALL + i];
    }
    q6_search(values, codes, &scales);
    if (!q6_scales(&scales, b)) {
      memset(b, 0, sizeof *b);
      continue;
    }
    for (int g = 0; g < SMALL; g++) d[g] = ck_float_from_float16(b->d) * (float)b->scales[g];
    uint8_t packed[K_BLOCK];
    for (int i = 0; i < SMALL; i++) {
      lanes16 code = NEAREST(values[i] / d);
      code = code < least ? least : code;
      code = code > top ? top : code;
      code = d == zero ? codes[i] : code + 32.0f;
      for (int g = 0; g < SMALL; g++) packed[g * SMALL + i] = (uint8_t)code[g];
    }
    pack_q6(packed, b);
  }
}
