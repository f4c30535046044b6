#include "quantized/grouped.h"

#include "machine/vector.h"

/* Weights in whole numbers that stay in four bits and become values when operands are laid out. */

enum { PART = 256 };

CK_INLINE float to_bf16(float x) {
  return ck_float_from_bits((uint32_t)ck_bfloat16_from_float(x) << 16);
}

/* Elements `first` ... of the flat matrix, one a byte. */
CK_INLINE void unpack(const uint8_t *codes, size_t first, size_t count, uint8_t *restrict out) {
  size_t done = 0;
  if (first % 2 && count > 0) out[done++] = codes[first / 2] & 15;
  const uint8_t *bytes = codes + (first + done) / 2;
  size_t pairs = (count - done) / 2;
  for (size_t i = 0; i < pairs; i++) {
    out[done + 2 * i] = bytes[i] >> 4;
    out[done + 2 * i + 1] = bytes[i] & 15;
  }
  if ((count - done) % 2) out[count - 1] = bytes[pairs] >> 4;
}

/* Roundings of exact products of a scale and a code less its zero point. */
CK_INLINE void round_values(const ck_grouped *w, float *values, size_t count) {
  if (w->scale_type == CK_FLOAT16) {
    for (size_t i = 0; i < count; i++) {
      values[i] = ck_float_from_float16(ck_float16_from_float(values[i]));
    }
  }
  if (w->scale_type == CK_BFLOAT16 || w->value_type == CK_BFLOAT16) {
    for (size_t i = 0; i < count; i++) values[i] = to_bf16(values[i]);
  }
}

/* Elements `first` ... that share a scale and a zero point: the values of all 16 codes, looked up. */
CK_INLINE void values_of_group(const ck_grouped *w, size_t place, size_t first, size_t count,
                               float *restrict out) {
  float table[16], scale = ck_grouped_scale(w, place);
  int32_t zero = w->zeros[place];
  for (int32_t code = 0; code < 16; code++) table[code] = scale * (float)(code - zero);
  round_values(w, table, 16);
  size_t done = 0;
  if (first % 2 && count > 0) out[done++] = table[w->codes[first / 2] & 15];
  const uint8_t *bytes = w->codes + (first + done) / 2;
  size_t pairs = (count - done) / 2;
#pragma clang loop vectorize(disable) unroll_count(8)
  for (size_t i = 0; i < pairs; i++) {
    out[done + 2 * i] = table[bytes[i] >> 4];
    out[done + 2 * i + 1] = table[bytes[i] & 15];
  }
  if ((count - done) % 2) out[count - 1] = table[bytes[pairs] >> 4];
}

/* Elements whose groups are listed. */
CK_INLINE void values_of_listed(const ck_grouped *w, size_t row, const int32_t *groups,
                                size_t first, size_t count, float *restrict out) {
  float scales[PART];
  uint8_t codes[PART], zeros[PART];
  unpack(w->codes, first, count, codes);
  for (size_t i = 0; i < count; i++) {
    size_t place = row + (size_t)groups[i];
    scales[i] = ck_grouped_scale(w, place);
    zeros[i] = w->zeros[place];
  }
  for (size_t i = 0; i < count; i++) {
    out[i] = scales[i] * (float)((int32_t)codes[i] - (int32_t)zeros[i]);
  }
  round_values(w, out, count);
}

CK_KERNEL(void, narrow, (const float *restrict x, uint16_t *restrict y, size_t count),
          (x, y, count)) {
  for (size_t i = 0; i < count; i++) y[i] = ck_bfloat16_from_float(x[i]);
}

/* At most PART elements of row n from input k on. */
CK_KERNEL(void, decode_part,
          (const ck_grouped *w, size_t n, size_t k, size_t count, float *restrict out),
          (w, n, k, count, out)) {
  size_t row = n * w->groups, first = n * w->inputs + k;
  if (w->group_of) {
    values_of_listed(w, row, w->group_of + k, first, count, out);
  } else {
    for (size_t i = 0; i < count;) {
      size_t group = (k + i) / w->group_size;
      size_t length = CK_MIN(count - i, (group + 1) * w->group_size - (k + i));
      values_of_group(w, row + group, first + i, length, out + i);
      i += length;
    }
  }
}

void ck_grouped_decode_range(const ck_grouped *weight, size_t first, size_t count, float *out) {
  size_t n = first / weight->inputs, k = first % weight->inputs;
  for (size_t done = 0; done < count; done += PART) {
    decode_part(weight, n, k + done, CK_MIN(PART, count - done), out + done);
  }
}

void ck_grouped_to_bf16(const ck_grouped *weight, size_t first, size_t count, uint16_t *out) {
  float values[PART];
  for (size_t done = 0; done < count; done += PART) {
    size_t part = CK_MIN(PART, count - done);
    ck_grouped_decode_range(weight, first + done, part, values);
    narrow(values, out + done, part);
  }
}
