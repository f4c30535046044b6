/* GGML's blocks whose codes are places in a table, and the ternary ones. IQ2 and IQ3 take eight or four
 * elements together from a grid and have signs beside it; IQ1 takes eight with their signs. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "quantized/ggml_k_blocks.h"

typedef struct {
  uint16_t d;
  uint8_t q[16]; /* elements i and i + 16, the lower half first */
} block_iq4_nl;

typedef struct {
  uint16_t d;
  uint16_t scales_high; /* two bits for each 32 elements */
  uint8_t scales_low[4]; /* four bits */
  uint8_t q[128];        /* 16 bytes for each 32 elements, as in IQ4_NL */
} block_iq4_xs;

/* OCP Microscaling Formats 1.0: the exponent of a power of two, and numbers of four bits. */
typedef struct {
  uint8_t exponent;
  uint8_t q[16];
} block_mxfp4;

typedef struct {
  uint8_t q[48];    /* five elements a byte, in base three */
  uint8_t rest[4];  /* four elements a byte */
  uint16_t d;
} block_tq1_0;

typedef struct {
  uint8_t q[64]; /* two bits; four elements of a byte lie 32 apart */
  uint16_t d;
} block_tq2_0;

/* For each 32 elements: four places of 8 bits, then four times 7 bits of signs and 4 of scale. */
typedef struct {
  uint16_t d;
  uint16_t q[32];
} block_iq2_xxs;

typedef struct {
  uint16_t d;
  uint16_t q[32];    /* 9 bits of place, 7 of signs */
  uint8_t scales[8]; /* four bits for each 16 elements */
} block_iq2_xs;

typedef struct {
  uint16_t d;
  uint8_t q[32], signs[32];
  uint8_t high[8];   /* two more bits of each place */
  uint8_t scales[8]; /* four bits for each 16 elements */
} block_iq2_s;

typedef struct {
  uint16_t d;
  uint8_t q[64];
  uint8_t signs_and_scales[32]; /* for each 32 elements as in IQ2_XXS */
} block_iq3_xxs;

typedef struct {
  uint16_t d;
  uint8_t q[64];
  uint8_t high[8]; /* one more bit of each place */
  uint8_t signs[32];
  uint8_t scales[4]; /* four bits for each 32 elements */
} block_iq3_s;

typedef struct {
  uint16_t d;
  uint8_t q[32];
  uint16_t high[8]; /* three more bits of four places, three of scale, the sign of the shift */
} block_iq1_s;

typedef struct {
  uint8_t q[32];
  uint8_t high[16]; /* for each 8 elements three more bits of place and the sign of the shift */
  uint16_t scales[4]; /* four of three bits each for 16 elements; the upper four bits are those of d */
} block_iq1_m;

_Static_assert(sizeof(block_iq4_nl) == 18, "IQ4_NL");
_Static_assert(sizeof(block_iq4_xs) == 136, "IQ4_XS");
_Static_assert(sizeof(block_mxfp4) == 17, "MXFP4");
_Static_assert(sizeof(block_tq1_0) == 54, "TQ1_0");
_Static_assert(sizeof(block_tq2_0) == 66, "TQ2_0");
_Static_assert(sizeof(block_iq2_xxs) == 66, "IQ2_XXS");
_Static_assert(sizeof(block_iq2_xs) == 74, "IQ2_XS");
_Static_assert(sizeof(block_iq2_s) == 82, "IQ2_S");
_Static_assert(sizeof(block_iq3_xxs) == 98, "IQ3_XXS");
_Static_assert(sizeof(block_iq3_s) == 110, "IQ3_S");
_Static_assert(sizeof(block_iq1_s) == 50, "IQ1_S");
_Static_assert(sizeof(block_iq1_m) == 56, "IQ1_M");

void ggml_decode_iq4_nl(const block_iq4_nl *b, float *y, size_t blocks);
void ggml_decode_iq4_xs(const block_iq4_xs *b, float *y, size_t blocks);
void ggml_decode_mxfp4(const block_mxfp4 *b, float *y, size_t blocks);
void ggml_decode_tq1_0(const block_tq1_0 *b, float *y, size_t blocks);
void ggml_decode_tq2_0(const block_tq2_0 *b, float *y, size_t blocks);
void ggml_decode_iq2_xxs(const block_iq2_xxs *b, float *y, size_t blocks);
void ggml_decode_iq2_xs(const block_iq2_xs *b, float *y, size_t blocks);
void ggml_decode_iq2_s(const block_iq2_s *b, float *y, size_t blocks);
void ggml_decode_iq3_xxs(const block_iq3_xxs *b, float *y, size_t blocks);
void ggml_decode_iq3_s(const block_iq3_s *b, float *y, size_t blocks);
void ggml_decode_iq1_s(const block_iq1_s *b, float *y, size_t blocks);
void ggml_decode_iq1_m(const block_iq1_m *b, float *y, size_t blocks);
