#include "products/matvec.h"
#include "quantized/nf4_neon.h"

#if defined(__aarch64__)

/* One token times a weight with NEON, for rows of a multiple of 64 elements: without and with
 * products of bfloat16 pairs. Several sums, so that products need not wait for each other. Its speed
 * has not been measured. */

enum { SUMS = 4, BLOCK = CK_NF4_BLOCK, HALF = BLOCK / 2 };

/* sum += x · w of 8 elements; how BFDOT rounds is said in tiles_neon_bf16.c. */
CK_INLINE float32x4_t add_widened(float32x4_t sum, const uint16_t *x, uint16x8_t w) {
  uint16x8_t y = vld1q_u16(x);
  sum = vfmaq_f32(sum, vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(y), 16)),
                  vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(w), 16)));
  return vfmaq_f32(sum, vreinterpretq_f32_u32(vshll_high_n_u16(y, 16)),
                   vreinterpretq_f32_u32(vshll_high_n_u16(w, 16)));
}

CK_NEON_BF16 CK_INLINE float32x4_t add_pairs(float32x4_t sum, const uint16_t *x, uint16x8_t w) {
  return vbfdotq_f32(sum, vreinterpretq_bf16_u16(vld1q_u16(x)), vreinterpretq_bf16_u16(w));
}

CK_INLINE float total(const float32x4_t sums[SUMS]) {
  return vaddvq_f32(vaddq_f32(vaddq_f32(sums[0], sums[1]), vaddq_f32(sums[2], sums[3])));
}

#define DEFINE_ROWS(name, target, add, make_table)                                                \
  target static float name##_bf16_row(const uint16_t *x, const uint16_t *w, size_t K) {           \
    float32x4_t sums[SUMS] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};    \
    for (size_t k = 0; k < K; k += 8 * SUMS) {                                                    \
      for (size_t i = 0; i < SUMS; i++) {                                                         \
        sums[i] = add(sums[i], x + k + 8 * i, vld1q_u16(w + k + 8 * i));                          \
      }                                                                                           \
    }                                                                                             \
    return total(sums);                                                                           \
  }                                                                                               \
                                                                                                  \
  /* A row whose elements begin at a block; even elements of 32 in `x` come before odd ones. */   \
  target static float name##_nf4_row(const uint16_t *x, const ck_nf4 *weight, size_t n,           \
                                     size_t K) {                                                  \
    float32x4_t sums[SUMS] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};    \
    const uint8_t *codes = weight->codes + n * K / 2;                                             \
    for (size_t k = 0; k < K; k += BLOCK) {                                                       \
      ck_value_table table = make_table(ck_nf4_block_absmax(weight, (n * K + k) / BLOCK));        \
      for (size_t half = k; half < k + BLOCK; half += HALF) {                                     \
        uint8x16x2_t apart = ck_load_codes(codes + half / 2);                                     \
        uint16x8x2_t even = ck_look_up(table, apart.val[0]);                                      \
        uint16x8x2_t odd = ck_look_up(table, apart.val[1]);                                       \
        sums[0] = add(sums[0], x + half, even.val[0]);                                            \
        sums[1] = add(sums[1], x + half + 8, even.val[1]);                                        \
        sums[2] = add(sums[2], x + half + 16, odd.val[0]);                                        \
        sums[3] = add(sums[3], x + half + 24, odd.val[1]);                                        \
      }                                                                                           \
    }                                                                                             \
    return total(sums);                                                                           \
  }                                                                                               \
                                                                                                  \
  void ck_multiply_token_##name(const ck_matvec *p, ck_range rows) {                              \
    if (!has_fast_rows(p)) {                                                                      \
      ck_multiply_token_plain(p, rows);                                                           \
      return;                                                                                     \
    }                                                                                             \
    const ck_operand *w = p->weight;                                                              \
    for (size_t n = rows.first; n < rows.first + rows.count; n++) {                               \
      p->out[n] = w->bfloat16 ? name##_bf16_row(p->x, w->bfloat16 + n * w->stride, p->K)          \
                              : name##_nf4_row(p->x, &w->nf4, n, p->K);                           \
    }                                                                                             \
  }

static bool has_fast_rows(const ck_matvec *p) { return p->K % BLOCK == 0; }

DEFINE_ROWS(neon, , add_widened, ck_table_by_integers)
DEFINE_ROWS(neon_bf16, CK_NEON_BF16, add_pairs, ck_table_by_hardware)

/* Every byte of codes has an even element in its high half and an odd one in its low half. */
const uint16_t *ck_order_token_neon(const ck_matvec *p, void *scratch) {
  if (p->weight->bfloat16 || !has_fast_rows(p)) return p->x;
  uint16_t *sorted = scratch;
  for (size_t k = 0; k < p->K; k += HALF) {
    for (size_t i = 0; i < HALF; i++) sorted[k + i % 2 * (HALF / 2) + i / 2] = p->x[k + i];
  }
  return sorted;
}
#endif
