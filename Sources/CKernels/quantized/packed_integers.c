#include "quantized.h"

#include "numbers/convert.h"
#include "machine/vector.h"

/* Outputs that a task decodes, and inputs that it decodes before it writes them: the file has the
 * outputs side by side and the result the inputs, so a tile is turned in registers and cache. */
enum { STRIP = 16, TILE = 16 };

typedef struct {
  const ck_packed_integers *weight;
  float *out;
} decoding;

/* Output j of eight that share a word of AWQ stands in this nibble. */
static const uint8_t awq_nibble[8] = {0, 4, 1, 5, 2, 6, 3, 7};

/* The number of `bits` bits at `position` of a stream of words that lie `stride` apart. */
CK_INLINE uint32_t field(const uint32_t *words, size_t stride, size_t position, unsigned bits) {
  const uint32_t *word = words + position / 32 * stride;
  unsigned shift = position % 32;
  uint32_t value = word[0] >> shift;
  if (shift + bits > 32) value |= word[stride] << (32 - shift);
  return value & ((1u << bits) - 1);
}

/* The codes of input k for outputs first ..< first + count. */
CK_INLINE void load_codes(const ck_packed_integers *w, size_t k, size_t first, size_t count,
                          uint32_t *restrict codes) {
  switch (w->layout) {
    case CK_PACKED_GPTQ: {
      size_t position = k * w->bits;
      for (size_t i = 0; i < count; i++) {
        codes[i] = field(w->codes + first + i, w->outputs, position, w->bits);
      }
      break;
    }
    case CK_PACKED_AWQ: {
      const uint32_t *row = w->codes + k * (w->outputs / 8) + first / 8;
      for (size_t i = 0; i < count; i++) codes[i] = row[i / 8] >> 4 * awq_nibble[i % 8] & 15;
      break;
    }
    case CK_PACKED_AWQ_ROWS:
      for (size_t i = 0; i < count; i++) {
        codes[i] = w->codes[(first + i) * (w->inputs / 8) + k / 8] >> k % 8 * 4 & 15;
      }
      break;
  }
}

/* Scales and zero points of group g. */
CK_INLINE void load_group(const ck_packed_integers *w, size_t g, size_t first, size_t count,
                          float *restrict scales, int32_t *restrict zeros) {
  const uint32_t mask = (1u << w->bits) - 1;
  for (size_t i = 0; i < count; i++) {
    size_t n = first + i;
    size_t place = w->layout == CK_PACKED_AWQ_ROWS ? n * w->zero_words * 8 + g : g * w->outputs + n;
    uint32_t zero = 0;
    switch (w->layout) {
      case CK_PACKED_GPTQ:
        zero = field(w->zeros + g * w->zero_words, 1, n * w->bits, w->bits);
        zero = (zero + w->zero_offset) & mask;
        break;
      case CK_PACKED_AWQ:
        zero = w->zeros[g * w->zero_words + n / 8] >> 4 * awq_nibble[n % 8] & 15;
        break;
      case CK_PACKED_AWQ_ROWS:
        zero = w->zeros[n * w->zero_words + g / 8] >> g % 8 * 4 & 15;
        break;
    }
    zeros[i] = (int32_t)zero;
    switch (w->value_type) {
      case CK_FLOAT32: scales[i] = ((const float *)w->scales)[place]; break;
      case CK_BFLOAT16:
        scales[i] = ck_float_from_bits((uint32_t)((const uint16_t *)w->scales)[place] << 16);
        break;
      case CK_FLOAT16:
        scales[i] = ck_float_from_float16(((const uint16_t *)w->scales)[place]);
        break;
    }
  }
}

/* scale · (code - zero): exact in float32 but for float32 scales, then rounded to the type. */
CK_INLINE float value_of(float scale, int32_t code, ck_value_type type) {
  float value = scale * (float)code;
  switch (type) {
    case CK_FLOAT32: return value;
    case CK_BFLOAT16: return ck_float_from_bits((uint32_t)ck_bfloat16_from_float(value) << 16);
    case CK_FLOAT16: return ck_float_from_float16(ck_float16_from_float(value));
  }
  return value;
}

CK_KERNEL(void, decode_strip,
          (const ck_packed_integers *w, size_t first, size_t count, float *restrict out),
          (w, first, count, out)) {
  uint32_t codes[STRIP] = {0};
  float scales[STRIP] = {0}, tile[TILE][STRIP];
  int32_t zeros[STRIP] = {0};
  size_t group = SIZE_MAX;
  for (size_t start = 0; start < w->inputs; start += TILE) {
    size_t width = CK_MIN(TILE, w->inputs - start);
    for (size_t j = 0; j < width; j++) {
      size_t k = start + j, g = w->groups ? (size_t)w->groups[k] : k / w->group_size;
      if (g != group) load_group(w, group = g, first, count, scales, zeros);
      load_codes(w, k, first, count, codes);
      for (size_t i = 0; i < STRIP; i++) {
        tile[j][i] = value_of(scales[i], (int32_t)codes[i] - zeros[i], w->value_type);
      }
      if (w->divisors) {
        for (size_t i = 0; i < STRIP; i++) tile[j][i] /= w->divisors[k];
      }
    }
    for (size_t i = 0; i < count; i++) {
      float *row = out + (first + i) * w->inputs + start;
      for (size_t j = 0; j < width; j++) row[j] = tile[j][i];
    }
  }
}

static void decode_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const decoding *p = context;
  ck_range strip = ck_piece(p->weight->outputs, STRIP, task);
  decode_strip(p->weight, strip.first, strip.count, p->out);
}

void ck_packed_integers_decode(const ck_packed_integers *weight, float *out) {
  decoding p = {weight, out};
  ck_parallel_for(ck_ceil_divide(weight->outputs, STRIP), CK_ANY_WORKERS, decode_task, &p);
}

/* ---- Laid out anew ---------------------------------------------------------------------------*/

typedef struct {
  const ck_packed_integers *weight;
  size_t groups;
  uint8_t *codes, *zeros;
  uint16_t *scales;
} regrouping;

static void regroup_codes(const regrouping *p, ck_range strip) {
  const ck_packed_integers *w = p->weight;
  uint32_t even[STRIP], odd[STRIP];
  for (size_t k = 0; k < w->inputs; k += 2) {
    load_codes(w, k, strip.first, strip.count, even);
    load_codes(w, k + 1, strip.first, strip.count, odd);
    for (size_t i = 0; i < strip.count; i++) {
      p->codes[((strip.first + i) * w->inputs + k) / 2] = (uint8_t)(even[i] << 4 | odd[i]);
    }
  }
}

static void regroup_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const regrouping *p = context;
  const ck_packed_integers *w = p->weight;
  ck_range strip = ck_piece(w->outputs, STRIP, task);
  regroup_codes(p, strip);
  for (size_t g = 0; g < p->groups; g++) {
    float scales[STRIP];
    int32_t zeros[STRIP];
    load_group(w, g, strip.first, strip.count, scales, zeros);
    for (size_t i = 0; i < strip.count; i++) {
      size_t place = (strip.first + i) * p->groups + g;
      p->zeros[place] = (uint8_t)zeros[i];
      p->scales[place] = w->value_type == CK_FLOAT16 ? ck_float16_from_float(scales[i])
                                                     : ck_bfloat16_from_float(scales[i]);
    }
  }
}

void ck_packed_integers_regroup(const ck_packed_integers *weight, size_t groups, uint8_t *codes,
                                uint16_t *scales, uint8_t *zeros) {
  regrouping p = {weight, groups, codes, zeros, scales};
  ck_parallel_for(ck_ceil_divide(weight->outputs, STRIP), CK_ANY_WORKERS, regroup_task, &p);
}

/* ---- Rows of bytes ---------------------------------------------------------------------------*/

typedef struct {
  const int8_t *codes;
  const float *scales;
  float *out;
  size_t columns;
} row_decoding;

/* Two roundings, as bitsandbytes makes them: the factor is 1 / 127. */
CK_KERNEL(void, decode_bytes,
          (const int8_t *restrict codes, float scale, float *restrict out, size_t count),
          (codes, scale, out, count)) {
  for (size_t i = 0; i < count; i++) out[i] = (float)codes[i] * scale * 7.874015718698502e-3f;
}

static void decode_bytes_of_row(void *context, size_t row, size_t worker) {
  (void)worker;
  const row_decoding *p = context;
  decode_bytes(p->codes + row * p->columns, p->scales[row], p->out + row * p->columns, p->columns);
}

void ck_int8_decode(const int8_t *codes, const float *scales, float *out, size_t rows,
                    size_t columns) {
  row_decoding p = {codes, scales, out, columns};
  ck_parallel_for(rows, CK_ANY_WORKERS, decode_bytes_of_row, &p);
}
