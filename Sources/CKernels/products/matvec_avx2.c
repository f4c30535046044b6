#include "products/matvec.h"
#include "quantized/grouped.h"
#include "quantized/nf4.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>

/* One token times a weight for AVX2: for rows of a multiple of 64 elements. */

/* The hardware stops fetching ahead where a page ends. */
enum { AHEAD_BYTES = 2048, BLOCK = CK_NF4_BLOCK };

#define CK_AVX2_INLINE __attribute__((always_inline)) CK_AVX2 static inline

CK_AVX2_INLINE float sum_of_lanes(__m256 x) {
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* ---- bfloat16 --------------------------------------------------------------------------------*/

/* Of 16 elements in 8 words the even ones are a shift away from float32, the odd ones a mask. */
CK_AVX2_INLINE __m256 even_floats(__m256i pairs) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
}
CK_AVX2_INLINE __m256 odd_floats(__m256i pairs) {
  return _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32((int)0xffff0000)));
}

CK_AVX2 static float bf16_row(const uint16_t *x, const uint16_t *w, size_t K) {
  __m256 sums[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(),
                    _mm256_setzero_ps()};
  for (size_t k = 0; k < K; k += 32) {
    _mm_prefetch((const char *)(w + k) + AHEAD_BYTES, _MM_HINT_T0);
    for (size_t v = 0; v < 2; v++) {
      __m256i left = _mm256_loadu_si256((const __m256i *)(x + k + 16 * v));
      __m256i right = _mm256_loadu_si256((const __m256i *)(w + k + 16 * v));
      sums[2 * v] = _mm256_fmadd_ps(even_floats(left), even_floats(right), sums[2 * v]);
      sums[2 * v + 1] = _mm256_fmadd_ps(odd_floats(left), odd_floats(right), sums[2 * v + 1]);
    }
  }
  return sum_of_lanes(_mm256_add_ps(_mm256_add_ps(sums[0], sums[1]),
                                    _mm256_add_ps(sums[2], sums[3])));
}

/* ---- NF4 -------------------------------------------------------------------------------------
 *
 * Float tables of 16 values need more instructions than reading the codes leaves time for. So the
 * products of a block are made in integers: the value of a code is integer / 32767, looked up in two
 * tables of bytes, and an element of the token is scale · integer, exact to 2^-14 of the largest in its
 * block. Both errors are below that of rounding the expanded weight to bfloat16, which is what peers
 * do. The eight products that a lane adds stay within 2^31 and are not rounded. */

enum { VALUE_ONE = 32767, TOKEN_ONE = 8191 };

/* The element of a block that block_products meets at a place: first those in high nibbles, then those
 * in low ones, bytes in the order in which interleaving leaves them. */
static size_t element_of(size_t place) {
  size_t vector = place / 16, lane = place % 16 / 8, word = place % 8;
  size_t byte = 16 * lane + 8 * (vector % 2) + word;
  return 2 * byte + vector / 2;
}

/* The token in integers, block by block, and then each block's scale. */
typedef struct {
  int16_t *elements; /* [K] */
  float *scales;     /* [K / 64] */
} integer_token;

static integer_token token_in(const void *memory, size_t K) {
  return (integer_token){(int16_t *)memory, (float *)((int16_t *)memory + K)};
}

const uint16_t *ck_order_token_avx2(const ck_matvec *p, void *scratch) {
  if (p->weight->bfloat16 || p->K % BLOCK) return p->x;
  integer_token token = token_in(scratch, p->K);
  for (size_t block = 0; block < p->K / BLOCK; block++) {
    float values[BLOCK], largest = 0;
    ck_bf16_widen(p->x + block * BLOCK, values, BLOCK);
    for (size_t i = 0; i < BLOCK; i++) largest = CK_MAX(largest, fabsf(values[i]));
    float scale = largest / TOKEN_ONE, inverse = largest > 0 ? TOKEN_ONE / largest : 0;
    for (size_t place = 0; place < BLOCK; place++) {
      float x = values[element_of(place)];
      token.elements[block * BLOCK + place] = (int16_t)lrintf(x * inverse);
    }
    token.scales[block] = scale / VALUE_ONE;
  }
  return scratch;
}

typedef struct {
  __m256i low, high; /* bytes of the 16 values, in both halves */
} value_tables;

CK_AVX2 static value_tables make_tables(void) {
  _Alignas(16) uint8_t low[16], high[16];
  for (size_t code = 0; code < 16; code++) {
    int value = (int)lrintf(ck_nf4_code_values[code] * VALUE_ONE);
    low[code] = (uint8_t)(value & 255);
    high[code] = (uint8_t)(value >> 8 & 255);
  }
  return (value_tables){_mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)low)),
                        _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)high))};
}

CK_AVX2_INLINE __m256i load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }

/* Eight sums of the products of a block. */
CK_AVX2_INLINE __m256i block_products(const uint8_t *codes, const int16_t *x, value_tables tables) {
  const __m256i nibble = _mm256_set1_epi8(15);
  __m256i bytes = load(codes), sum = _mm256_setzero_si256();
  /* The even element is in the high nibble. */
  __m256i even = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
  __m256i halves[2] = {even, _mm256_and_si256(bytes, nibble)};
  for (size_t i = 0; i < 2; i++) {
    __m256i low = _mm256_shuffle_epi8(tables.low, halves[i]);
    __m256i high = _mm256_shuffle_epi8(tables.high, halves[i]);
    __m256i first = _mm256_unpacklo_epi8(low, high), second = _mm256_unpackhi_epi8(low, high);
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(first, load(x + 32 * i)));
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(second, load(x + 32 * i + 16)));
  }
  return sum;
}

CK_AVX2 static float nf4_row(const ck_matvec *p, size_t n, value_tables tables) {
  const ck_nf4 *w = &p->weight->nf4;
  integer_token x = token_in(p->x, p->K);
  size_t blocks = p->K / BLOCK, first = n * blocks;
  const uint8_t *codes = w->codes + first * (BLOCK / 2);
  __m256 sums[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
  for (size_t b = 0; b < blocks; b++) {
    _mm_prefetch((const char *)(codes + b * (BLOCK / 2)) + AHEAD_BYTES, _MM_HINT_T0);
    __m256i products = block_products(codes + b * (BLOCK / 2), x.elements + b * BLOCK, tables);
    __m256 scale = _mm256_set1_ps(ck_nf4_block_absmax(w, first + b) * x.scales[b]);
    sums[b % 2] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(products), scale, sums[b % 2]);
  }
  return sum_of_lanes(_mm256_add_ps(sums[0], sums[1]));
}

/* ---- Whole numbers in groups: the same, exact but for the token, with tables of code - zero ----*/

CK_AVX2_INLINE value_tables tables_around(uint8_t zero) {
  const __m256i codes = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  __m256i low = _mm256_sub_epi8(codes, _mm256_set1_epi8((char)zero));
  return (value_tables){low, _mm256_cmpgt_epi8(_mm256_setzero_si256(), low)};
}

CK_AVX2 static float grouped_row(const ck_matvec *p, size_t n) {
  const ck_grouped *w = &p->weight->grouped;
  integer_token x = token_in(p->x, p->K);
  const uint8_t *codes = w->codes + n * (p->K / 2);
  size_t blocks = p->K / BLOCK, group_blocks = w->group_size / BLOCK;
  __m256 sums[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
  for (size_t g = 0; g < w->groups; g++) {
    size_t place = n * w->groups + g, end = CK_MIN((g + 1) * group_blocks, blocks);
    float group_scale = ck_grouped_scale(w, place) * VALUE_ONE;
    value_tables tables = tables_around(w->zeros[place]);
    for (size_t b = g * group_blocks; b < end; b++) {
      _mm_prefetch((const char *)(codes + b * (BLOCK / 2)) + AHEAD_BYTES, _MM_HINT_T0);
      __m256i products = block_products(codes + b * (BLOCK / 2), x.elements + b * BLOCK, tables);
      __m256 scale = _mm256_set1_ps(group_scale * x.scales[b]);
      sums[b % 2] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(products), scale, sums[b % 2]);
    }
  }
  return sum_of_lanes(_mm256_add_ps(sums[0], sums[1]));
}

bool ck_grouped_rows_are_fast_avx2(const ck_matvec *p) {
  const ck_grouped *w = &p->weight->grouped;
  return !w->group_of && w->group_size % BLOCK == 0 && p->K % BLOCK == 0;
}

CK_AVX2 static void multiply_grouped(const ck_matvec *p, ck_range rows) {
  for (size_t n = rows.first; n < rows.first + rows.count; n++) p->out[n] = grouped_row(p, n);
}

CK_AVX2 void ck_multiply_token_avx2(const ck_matvec *p, ck_range rows) {
  if (p->K % BLOCK) {
    ck_multiply_token_plain(p, rows);
    return;
  }
  if (p->weight->grouped.codes) {
    multiply_grouped(p, rows);
    return;
  }
  value_tables tables = make_tables();
  for (size_t n = rows.first; n < rows.first + rows.count; n++) {
    p->out[n] = p->weight->bfloat16
                    ? bf16_row(p->x, p->weight->bfloat16 + n * p->weight->stride, p->K)
                    : nf4_row(p, n, tables);
  }
}
#endif
