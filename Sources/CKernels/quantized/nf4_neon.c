#include "quantized/nf4_neon.h"

#if defined(__aarch64__)
#include "products/bf16.h"

/* NF4 weights as bfloat16 with NEON, half a block at a time. */

enum { BLOCK = CK_NF4_BLOCK, HALF = BLOCK / 2 };

/* 32 elements in their order, 8 in a register. */
CK_INLINE uint16x8x4_t half_block(const uint8_t *codes, ck_value_table table) {
  uint8x16x2_t apart = ck_load_codes(codes);
  uint16x8x2_t first = ck_look_up(table, vzip1q_u8(apart.val[0], apart.val[1]));
  uint16x8x2_t last = ck_look_up(table, vzip2q_u8(apart.val[0], apart.val[1]));
  return (uint16x8x4_t){{first.val[0], first.val[1], last.val[0], last.val[1]}};
}

/* Whole half blocks, and what is left in the plain way. */
#define DEFINE_FETCH(name, target, make_table)                                               \
  target static void name##_halves(const ck_nf4 *weight, size_t first, size_t count,         \
                                   uint16_t *out) {                                          \
    for (size_t i = 0; i < count; i += HALF) {                                               \
      size_t at = first + i;                                                                 \
      ck_value_table table = make_table(ck_nf4_block_absmax(weight, at / BLOCK));            \
      vst1q_u16_x4(out + i, half_block(weight->codes + at / 2, table));                      \
    }                                                                                        \
  }                                                                                          \
  void name(const ck_nf4 *weight, size_t first, size_t count, uint16_t *out) {               \
    size_t whole = first % HALF == 0 ? count / HALF * HALF : 0;                              \
    name##_halves(weight, first, whole, out);                                                \
    ck_nf4_to_bf16_plain(weight, first + whole, count - whole, out + whole);                 \
  }
DEFINE_FETCH(ck_nf4_to_bf16_neon, , ck_table_by_integers)
DEFINE_FETCH(ck_nf4_to_bf16_neon_bf16, CK_NEON_BF16, ck_table_by_hardware)

/* A panel has half a block of each row; storing two rows in turn makes the pairs. */
CK_NEON_BF16 static void panel_of_half_blocks(const ck_nf4 *weight, size_t first, size_t stride,
                                              size_t pairs, uint32_t *panel) {
  for (size_t p = 0; p < pairs; p++, first += 2 * stride, panel += CK_PANEL_COLUMNS) {
    const uint8_t *codes = weight->codes + first / 2;
    float absmax = ck_nf4_block_absmax(weight, first / BLOCK);
    float next_absmax = ck_nf4_block_absmax(weight, (first + stride) / BLOCK);
    uint16x8x4_t even = half_block(codes, ck_table_by_hardware(absmax));
    uint16x8x4_t odd = half_block(codes + stride / 2, ck_table_by_hardware(next_absmax));
    for (int i = 0; i < 4; i++) {
      vst2q_u16((uint16_t *)panel + 16 * i, ((uint16x8x2_t){{even.val[i], odd.val[i]}}));
    }
  }
}

bool ck_nf4_panel_of_rows_neon_bf16(const ck_nf4 *weight, size_t first, size_t stride,
                                    size_t columns, size_t K, uint32_t *panel) {
  bool halves = first % HALF == 0 && stride % HALF == 0 && columns == HALF && K % 2 == 0;
  if (halves) panel_of_half_blocks(weight, first, stride, K / 2, panel);
  return halves;
}
#endif
