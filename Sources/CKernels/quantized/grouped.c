#include "quantized.h"

#include "numbers/convert.h"
#include "machine/vector.h"

/* Weights in whole numbers that stay in four bits and become values when operands are laid out. */

enum { PART = 256 };

CK_INLINE float scale_of(const ck_grouped *w, size_t place) {
  uint16_t bits = w->scales[place];
  return w->scale_type == CK_FLOAT16 ? ck_float_from_float16(bits)
                                     : ck_float_from_bits((uint32_t)bits << 16);
}

CK_INLINE float to_bf16(float x) {
  return ck_float_from_bits((uint32_t)ck_bfloat16_from_float(x) << 16);
}

/* Elements `first` ... of the flat matrix, one a byte. */
CK_INLINE void unpack(const uint8_t *codes, size_t first, size_t count, uint8_t *restrict out) {
  size_t done = 0;
  if (first % 2 && count > 0) out[done++] = codes[first / 2] >> 4;
  const uint8_t *bytes = codes + (first + done) / 2;
  size_t pairs = (count - done) / 2;
  for (size_t i = 0; i < pairs; i++) {
    out[done + 2 * i] = bytes[i] & 15;
    out[done + 2 * i + 1] = bytes[i] >> 4;
  }
  if ((count - done) % 2) out[count - 1] = bytes[pairs] & 15;
}

/* Elements that share a scale and a zero point. The product is exact in float32. */
CK_INLINE void values_of(const uint8_t *restrict codes, size_t count, float scale, int32_t zero,
                         const ck_grouped *w, float *restrict out) {
  if (w->scale_type == CK_FLOAT16) {
    for (size_t i = 0; i < count; i++) {
      float value = scale * (float)((int32_t)codes[i] - zero);
      out[i] = ck_float_from_float16(ck_float16_from_float(value));
    }
  } else {
    for (size_t i = 0; i < count; i++) out[i] = to_bf16(scale * (float)((int32_t)codes[i] - zero));
  }
}

CK_KERNEL(void, narrow, (const float *restrict x, uint16_t *restrict y, size_t count),
          (x, y, count)) {
  for (size_t i = 0; i < count; i++) y[i] = ck_bfloat16_from_float(x[i]);
}

/* At most PART elements of row n from input k on. */
CK_KERNEL(void, decode_part,
          (const ck_grouped *w, size_t n, size_t k, size_t count, float *restrict out),
          (w, n, k, count, out)) {
  uint8_t codes[PART];
  unpack(w->codes, n * w->inputs + k, count, codes);
  size_t row = n * w->groups;
  if (w->group_of) {
    for (size_t i = 0; i < count; i++) {
      size_t place = row + (size_t)w->group_of[k + i];
      values_of(codes + i, 1, scale_of(w, place), w->zeros[place], w, out + i);
    }
  } else {
    for (size_t i = 0; i < count;) {
      size_t group = (k + i) / w->group_size;
      size_t length = CK_MIN(count - i, (group + 1) * w->group_size - (k + i));
      values_of(codes + i, length, scale_of(w, row + group), w->zeros[row + group], w, out + i);
      i += length;
    }
  }
  if (w->value_type == CK_BFLOAT16 && w->scale_type != CK_BFLOAT16) {
    for (size_t i = 0; i < count; i++) out[i] = to_bf16(out[i]);
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
