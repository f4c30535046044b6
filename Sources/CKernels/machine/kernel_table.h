/* The one table of kernels.
 *
 * It holds the functions that some processors have code of their own for, and the sizes that go with
 * them. It is filled when the program starts (kernel_table.c), so that no kernel asks for the
 * processor while it works. Every function takes all sizes: where its instructions want whole blocks,
 * it leaves the rest to the portable one. */
#pragma once

#include "machine/vector.h"

typedef struct ck_tile_product ck_tile_product;             /* products/bf16.h */
typedef struct ck_matvec ck_matvec;                         /* products/matvec.h */
typedef struct ck_nf4_quantization ck_nf4_quantization;     /* quantized/nf4.h */
typedef struct ck_query_pair ck_query_pair;                 /* attention/attention_weights.h */
typedef struct ck_panel_exponentials ck_panel_exponentials; /* loss/panel_exponentials.h */

/* How the contraction of a large product is cut, and how much of its result waits meanwhile. */
typedef struct {
  size_t most_whole; /* pairs that are not cut */
  size_t pairs;      /* of a part */
  size_t panels, rows;
} ck_part_sizes;

typedef struct {
  /* c[rows][32] = the sum of the products, or += where `accumulate`: at most 8 rows; 16 rows, but 16
   * columns only; `block_rows` rows where matrix units have such blocks (else 0 and NULL). */
  void (*tile)(const ck_tile_product *products, size_t count, size_t rows, float *c, size_t stride,
               bool accumulate);
  void (*narrow_tile)(const ck_tile_product *products, size_t count, float *c, size_t stride,
                      bool accumulate);
  void (*block)(const ck_tile_product *products, size_t count, float *c, size_t stride,
                bool accumulate);
  size_t block_rows;
  ck_part_sizes parts;

  /* out[rows][columns] = block[rows][32] in bfloat16, rows of `out` `stride` apart. */
  void (*narrow_rows)(const float *block, uint16_t *out, size_t stride, size_t rows,
                      size_t columns);

  /* Whether products of bfloat16 operands are made of pairs by the tiles above, or in float32. */
  bool pairs;

  /* A tile of a float32 product (products/float_tile.h), of at most so many rows and columns. */
  void (*float_tile)(const float *left, const float *panel, size_t depth, size_t rows, float *c,
                     size_t stride, bool accumulate);
  size_t float_rows, float_columns;

  /* One token times rows of a weight. The token is first brought into the order that the rows are
   * read in: returned is `x` itself, or `scratch` with its elements. */
  const uint16_t *(*order_token)(const ck_matvec *p, void *scratch);
  void (*multiply_token)(const ck_matvec *p, ck_range rows);

  /* Blocks of 64 elements to codes. */
  void (*nf4_quantize)(const ck_nf4_quantization *p, size_t first_block, size_t blocks);

  /* out[count] = elements `first` ... in bfloat16, each rounded once, whatever value_type says. */
  void (*nf4_to_bf16)(const ck_nf4 *weight, size_t first, size_t count, uint16_t *out);

  /* ck_panel_of_rows of the elements from `first` on; false where it must be made of ready rows. */
  bool (*nf4_panel_of_rows)(const ck_nf4 *weight, size_t first, size_t stride, size_t columns,
                            size_t K, uint32_t *panel);

  /* weights = exp(scale · (scores - maximum)) in bfloat16; returns their sum before rounding. */
  float (*attention_weights)(const float *scores, float scale, float maximum, uint16_t *weights,
                             size_t count);

  /* P and dS of two queries, without a soft cap or a window. */
  void (*finish_pair)(const ck_query_pair *p);

  /* Exponentials of a panel of logits. */
  void (*panel_exponentials)(const ck_panel_exponentials *p);
} ck_kernel_table;

extern ck_kernel_table ck_kernels;
