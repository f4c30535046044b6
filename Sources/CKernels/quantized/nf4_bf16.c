#include "quantized/nf4.h"

#include "numbers/convert.h"

/* NF4 weights as bfloat16, rounded once: what bitsandbytes computes with where its compute type is
 * bfloat16. */

enum { BLOCK = CK_NF4_BLOCK };

static void fetch_part(const ck_nf4 *weight, size_t first, size_t count, uint16_t *out) {
  float absmax = ck_nf4_block_absmax(weight, first / BLOCK);
  for (size_t i = 0; i < count; i++) {
    uint8_t byte = weight->codes[(first + i) / 2];
    int code = (first + i) % 2 ? byte & 15 : byte >> 4;
    out[i] = ck_bfloat16_from_float(ck_nf4_code_values[code] * absmax);
  }
}

void ck_nf4_to_bf16_plain(const ck_nf4 *weight, size_t first, size_t count, uint16_t *out) {
  while (count > 0) {
    size_t part = CK_MIN(BLOCK - first % BLOCK, count);
    fetch_part(weight, first, part, out);
    first += part;
    count -= part;
    out += part;
  }
}

bool ck_nf4_panel_of_rows_plain(const ck_nf4 *weight, size_t first, size_t stride, size_t columns,
                                size_t K, uint32_t *panel) {
  (void)weight, (void)first, (void)stride, (void)columns, (void)K, (void)panel;
  return false;
}
