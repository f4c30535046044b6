#include "products/bf16.h"

/* Philox4x32-10: ten rounds that mix a 128-bit counter under a 64-bit key (Salmon, Moraes, Dror &
 * Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"). No state: any number of the stream is
 * computed on its own. */

enum { ROUNDS = 10 };
static const uint32_t multiplier_0 = 0xd2511f53, multiplier_1 = 0xcd9e8d57;
static const uint32_t weyl_0 = 0x9e3779b9, weyl_1 = 0xbb67ae85;

enum { BATCH_BLOCKS = 64, BATCH_WORDS = 4 * BATCH_BLOCKS };

/* The blocks `first_block` ... of a stream, in lanes: word j of block i is out[j][i]. */
CK_INLINE void make_lanes(ck_random_key key, uint32_t first_block, size_t blocks,
                          uint32_t out[4][BATCH_BLOCKS]) {
#pragma clang loop vectorize(enable)
  for (size_t i = 0; i < blocks; i++) {
    uint32_t c0 = first_block + (uint32_t)i, c1 = key.purpose, c2 = key.a, c3 = key.b;
    uint32_t key_0 = (uint32_t)key.seed, key_1 = (uint32_t)(key.seed >> 32);
#pragma clang loop unroll(full)
    for (int round = 0; round < ROUNDS; round++) {
      uint64_t product_0 = (uint64_t)multiplier_0 * c0;
      uint64_t product_1 = (uint64_t)multiplier_1 * c2;
      c0 = (uint32_t)(product_1 >> 32) ^ c1 ^ key_0;
      c1 = (uint32_t)product_1;
      c2 = (uint32_t)(product_0 >> 32) ^ c3 ^ key_1;
      c3 = (uint32_t)product_0;
      key_0 += weyl_0;
      key_1 += weyl_1;
    }
    out[0][i] = c0;
    out[1][i] = c1;
    out[2][i] = c2;
    out[3][i] = c3;
  }
}

void ck_random_block(ck_random_key key, uint32_t block, uint32_t words[4]) {
  uint32_t lanes[4][BATCH_BLOCKS];
  make_lanes(key, block, 1, lanes);
  for (int j = 0; j < 4; j++) words[j] = lanes[j][0];
}

/* words = numbers 4 · first_block ... of the stream. */
CK_KERNEL(void, make_batch, (ck_random_key key, uint32_t first_block, uint32_t *restrict words),
          (key, first_block, words)) {
  uint32_t lanes[4][BATCH_BLOCKS];
  make_lanes(key, first_block, BATCH_BLOCKS, lanes);
  for (size_t i = 0; i < BATCH_BLOCKS; i++) {
    for (size_t j = 0; j < 4; j++) words[4 * i + j] = lanes[j][i];
  }
}

/* What is made of the numbers of a stream, one for each of `count` elements. */
typedef struct stream {
  ck_random_key key;
  size_t count;
  /* Uses the numbers of elements first ..< first + batch. */
  void (*use)(const struct stream *p, const uint32_t *words, size_t first, size_t batch);

  const float *x;
  float *out;
  const uint16_t *bf16_x; /* where given, dropout is in bfloat16 */
  uint16_t *bf16_out;
  float low, high;     /* uniform */
  uint64_t drop_below; /* dropout: words under this are dropped */
  float keep_scale;
  bool accumulate;
} stream;

static void stream_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const stream *p = context;
  ck_range r = ck_piece(p->count, CK_TASK_ELEMENTS, task);
  uint32_t words[BATCH_WORDS];
  for (size_t done = 0; done < r.count; done += BATCH_WORDS) {
    size_t first = r.first + done;
    make_batch(p->key, (uint32_t)(first / 4), words);
    p->use(p, words, first, CK_MIN(r.count - done, BATCH_WORDS));
  }
}

static void run(stream p) {
  ck_parallel_for(ck_ceil_divide(p.count, CK_TASK_ELEMENTS), CK_ANY_WORKERS, stream_task, &p);
}

/* ---- Uniform numbers -------------------------------------------------------------------------*/

CK_INLINE float unit_interval(uint32_t word) { return (float)(word >> 8) * 0x1p-24f; }

static void store_uniform(const stream *p, const uint32_t *words, size_t first, size_t batch) {
  for (size_t i = 0; i < batch; i++) {
    float value = p->low + (p->high - p->low) * unit_interval(words[i]);
    p->out[first + i] = value < p->high ? value : p->low; /* rounding may reach `high` */
  }
}

void ck_random_uniform(ck_random_key key, float low, float high, float *out, size_t count) {
  run((stream){
      .key = key, .count = count, .use = store_uniform, .out = out, .low = low, .high = high});
}

/* ---- Dropout ---------------------------------------------------------------------------------*/

CK_KERNEL(void, apply_mask,
          (const uint32_t *restrict words, uint64_t drop_below, float keep_scale, const float *x,
           float *out, bool accumulate, size_t count),
          (words, drop_below, keep_scale, x, out, accumulate, count)) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; i++) {
    float kept = words[i] >= drop_below ? x[i] * keep_scale : 0;
    out[i] = accumulate ? out[i] + kept : kept;
  }
}

CK_KERNEL(void, apply_bf16_mask,
          (const uint32_t *restrict words, uint64_t drop_below, float keep_scale, const uint16_t *x,
           uint16_t *out, bool accumulate, size_t count),
          (words, drop_below, keep_scale, x, out, accumulate, count)) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; i++) {
    float kept = words[i] >= drop_below ? ck_float_from_bf16(x[i]) * keep_scale : 0;
    out[i] = ck_bfloat16_from_float(accumulate ? ck_float_from_bf16(out[i]) + kept : kept);
  }
}

static void drop(const stream *p, const uint32_t *words, size_t first, size_t batch) {
  if (p->bf16_x) {
    apply_bf16_mask(words, p->drop_below, p->keep_scale, p->bf16_x + first, p->bf16_out + first,
                    p->accumulate, batch);
  } else {
    apply_mask(words, p->drop_below, p->keep_scale, p->x + first, p->out + first, p->accumulate,
               batch);
  }
}

static void run_dropout(stream p, double probability) {
  p.use = drop;
  p.drop_below = (uint64_t)(probability * 0x1p32 + 0.5);
  p.keep_scale = probability < 1 ? (float)(1 / (1 - probability)) : 0;
  run(p);
}

void ck_dropout(const float *x, float *out, double probability, ck_random_key key, bool accumulate,
                size_t count) {
  stream p = {.key = key, .count = count, .x = x, .out = out, .accumulate = accumulate};
  run_dropout(p, probability);
}

void ck_bf16_dropout(const uint16_t *x, uint16_t *out, double probability, ck_random_key key,
                     bool accumulate, size_t count) {
  stream p = {.key = key, .count = count, .bf16_x = x, .bf16_out = out, .accumulate = accumulate};
  run_dropout(p, probability);
}
