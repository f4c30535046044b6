#include "bf16.h"
#include "scratch.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* A product is made in rounds. In each, panels for some megabytes of columns are laid out in
 * parallel, then multiplied by all rows. Every element is one float32 sum in the order of k, so how
 * the work is cut changes no bit.
 *
 * A task keeps a group of panels in its processor's second-level cache and walks down the rows, 8
 * (with AMX 32) at a time; those stay in the first level while the panels stream past.
 * A long contraction is cut into parts, so that more columns fit into the cache and the rows are
 * read less often; the sums wait in the task's own memory. */

enum {
  ROUND_BYTES = 4 << 20,  /* panels of a round: in the last-level cache */
  GROUP_BYTES = 512 << 10, /* panels of a task: in the second-level cache */
  SLAB = 256,              /* k that are fetched at a time where elements must be converted */
  PACK_K = 1024,           /* k of one packing task */
  PACK_PANELS = 4,         /* and its panels: 64 bytes of NF4 codes are the columns of four */
  MANY_TASKS = 32,         /* with fewer every panel is a task of its own */
  PART_PAIRS = 1024,       /* of a part of a long contraction */
  MOST_WHOLE_PAIRS = 2048, /* of a contraction that is not cut */
  PART_STEP = 16,          /* parts begin at multiples of this many pairs, as AMX wants */
  MOST_ROW_BLOCK = 64,
  MOST_PART_PANELS = 4, /* of a group where there are parts */
};

/* ---- Laying out a right operand --------------------------------------------------------------*/

/* Converts elements first ... first + count to bfloat16. */
static void fetch(const ck_operand *b, size_t first, size_t count, uint16_t *out) {
  if (!b->float32) {
    ck_nf4_dequantize_bf16(&b->nf4, first, count, out);
    return;
  }
  float scaled[SLAB];
  for (size_t i = 0; i < count; i++) scaled[i] = b->scale * b->float32[first + i];
  ck_bf16_narrow(scaled, out, count);
}

static void pack_transposed(const ck_operand *b, ck_range columns, ck_range k, uint32_t *panel) {
  if (b->bfloat16) {
    ck_panel_of_columns(b->bfloat16 + columns.first * b->stride + k.first, b->stride,
                        columns.count, k.count, panel);
    return;
  }
  uint16_t rows[CK_PANEL_COLUMNS][SLAB];
  for (size_t done = 0; done < k.count; done += SLAB) {
    size_t count = CK_MIN(SLAB, k.count - done);
    for (size_t n = 0; n < columns.count; n++) {
      fetch(b, (columns.first + n) * b->stride + k.first + done, count, rows[n]);
    }
    ck_panel_of_columns(rows[0], SLAB, columns.count, count,
                        panel + done / 2 * CK_PANEL_COLUMNS);
  }
}

static void pack_straight(const ck_operand *b, ck_range columns, ck_range k, uint32_t *panel) {
  if (b->bfloat16) {
    ck_panel_of_rows(b->bfloat16 + k.first * b->stride + columns.first, b->stride, columns.count,
                     k.count, panel);
    return;
  }
  size_t first = k.first * b->stride + columns.first;
  if (!b->float32 &&
      ck_nf4_panel_of_rows(&b->nf4, first, b->stride, columns.count, k.count, panel)) {
    return;
  }
  uint16_t rows[SLAB][CK_PANEL_COLUMNS];
  for (size_t done = 0; done < k.count; done += SLAB) {
    size_t count = CK_MIN(SLAB, k.count - done);
    for (size_t i = 0; i < count; i++) {
      fetch(b, (k.first + done + i) * b->stride + columns.first, columns.count, rows[i]);
    }
    ck_panel_of_rows(rows[0], CK_PANEL_COLUMNS, columns.count, count,
                     panel + done / 2 * CK_PANEL_COLUMNS);
  }
}

/* ---- A round ---------------------------------------------------------------------------------*/

typedef struct {
  size_t M, N;
  const ck_term *terms;
  size_t count;
  ck_finish_tile finish;
  void *context;

  size_t column_words; /* of one panel of each term, one after the other */
  size_t slabs;        /* packing tasks of some columns of panels */
  size_t parts;        /* of the contraction */
  size_t group;        /* panels that a task multiplies with */
  size_t row_block;    /* rows of a task */

  size_t first_panel, panels; /* of this round */
  size_t pack_panels;         /* of one packing task */
  uint32_t *packed;           /* [panels][column_words] */
} product;

static size_t slabs_of(size_t K) { return ck_ceil_divide(K, PACK_K); }

static size_t measure(product *p) {
  p->column_words = p->slabs = 0;
  for (size_t i = 0; i < p->count; i++) {
    p->column_words += ck_panel_words(p->terms[i].K);
    p->slabs += slabs_of(p->terms[i].K);
  }
  size_t bytes = CK_MAX(p->column_words * sizeof(uint32_t), 1);
  size_t all = ck_ceil_divide(p->N, CK_PANEL_COLUMNS);
  size_t pairs = p->column_words / CK_PANEL_COLUMNS;
  p->parts = pairs > MOST_WHOLE_PAIRS ? ck_ceil_divide(pairs, PART_PAIRS) : 1;
  p->group = CK_MAX(GROUP_BYTES / (bytes / p->parts), 1);
  if (p->parts > 1) p->group = CK_MIN(p->group, MOST_PART_PANELS);
  p->row_block = p->M >= 1024 || p->parts > 1 ? MOST_ROW_BLOCK : 32;
  size_t round = CK_MAX(ROUND_BYTES / bytes, CK_MIN(p->group, PACK_PANELS));
  if (round > PACK_PANELS) round = round / PACK_PANELS * PACK_PANELS;
  return CK_MIN(round, all);
}

static ck_range panel_columns(const product *p, size_t panel) {
  return ck_piece(p->N, CK_PANEL_COLUMNS, p->first_panel + panel);
}

static void pack_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const product *p = context;
  ck_range panels = ck_piece(p->panels, p->pack_panels, task / p->slabs);
  size_t slab = task % p->slabs;
  uint32_t *out = p->packed + panels.first * p->column_words;
  const ck_term *term = p->terms;
  for (; slab >= slabs_of(term->K); term++) {
    slab -= slabs_of(term->K);
    out += ck_panel_words(term->K);
  }
  ck_range k = ck_piece(term->K, PACK_K, slab);
  out += k.first / 2 * CK_PANEL_COLUMNS;
  for (size_t i = 0; i < panels.count; i++, out += p->column_words) {
    ck_range columns = panel_columns(p, panels.first + i);
    if (term->right.transposed) {
      pack_transposed(&term->right, columns, k, out);
    } else {
      pack_straight(&term->right, columns, k, out);
    }
  }
}

enum { MOST_TERMS = 16 };

/* sums[rows][32] (+)= one part of the contraction. */
static void multiply_part(const product *p, ck_range rows, size_t panel, size_t part,
                          float *sums) {
  ck_tile_product products[MOST_TERMS];
  const uint32_t *packed = p->packed + panel * p->column_words;
  for (size_t i = 0; i < p->count; i++) {
    const ck_term *t = p->terms + i;
    size_t pairs = ck_panel_pairs(t->K);
    size_t first = pairs * part / p->parts / PART_STEP * PART_STEP;
    size_t end = part + 1 == p->parts ? pairs
                                      : pairs * (part + 1) / p->parts / PART_STEP * PART_STEP;
    products[i] = (ck_tile_product){t->left + rows.first * t->left_stride + 2 * first,
                                    t->left_stride, 2, packed + first * CK_PANEL_COLUMNS,
                                    end - first};
    packed += ck_panel_words(t->K);
  }
  ck_bf16_tile(products, p->count, rows.count, sums, CK_PANEL_COLUMNS, part > 0);
}

static void multiply_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const product *p = context;
  size_t row_blocks = ck_ceil_divide(p->M, p->row_block), step = ck_bf16_tile_rows();
  ck_range panels = ck_piece(p->panels, p->group, task / row_blocks);
  ck_range rows = ck_piece(p->M, p->row_block, task % row_blocks);
  float waiting[MOST_PART_PANELS][MOST_ROW_BLOCK][CK_PANEL_COLUMNS];
  for (size_t part = 0; part < p->parts; part++) {
    bool last = part + 1 == p->parts;
    for (size_t r = 0; r < rows.count; r += step) {
      ck_range tile = {rows.first + r, CK_MIN(step, rows.count - r)};
      for (size_t i = 0; i < panels.count; i++) {
        float *sums = p->parts > 1 ? waiting[i][r] : waiting[0][0];
        multiply_part(p, tile, panels.first + i, part, sums);
        if (last) p->finish(p->context, tile, panel_columns(p, panels.first + i), sums);
      }
    }
  }
}

void ck_bf16_products(size_t M, size_t N, const ck_term *terms, size_t count,
                      ck_finish_tile finish, void *context, void *scratch) {
  product p = {M, N, terms, count, finish, context};
  size_t round = measure(&p), all = ck_ceil_divide(N, CK_PANEL_COLUMNS);
  p.packed = scratch;
  for (p.first_panel = 0; M > 0 && p.first_panel < all; p.first_panel += round) {
    p.panels = CK_MIN(round, all - p.first_panel);
    p.pack_panels = p.panels * p.slabs < MANY_TASKS ? 1 : PACK_PANELS;
    ck_parallel_for(ck_ceil_divide(p.panels, p.pack_panels) * p.slabs, CK_ANY_WORKERS, pack_task,
                    &p);
    ck_parallel_for(ck_ceil_divide(p.panels, p.group) * ck_ceil_divide(M, p.row_block),
                    CK_ANY_WORKERS, multiply_task, &p);
  }
}

/* ---- Whole matrices --------------------------------------------------------------------------*/

/* Rows of a tile; the usual, whole one with a length that the compiler knows. */
CK_KERNEL(void, add_rows,
          (const float *residual, const float *block, float *out, size_t stride, size_t rows, size_t
           count),
          (residual, block, out, stride, rows, count)) {
  for (size_t r = 0; r < rows; r++) {
    const float *x = residual + r * stride, *y = block + r * CK_PANEL_COLUMNS;
    float *sum = out + r * stride;
    if (count == CK_PANEL_COLUMNS) {
#pragma clang loop vectorize(assume_safety)
      for (size_t i = 0; i < CK_PANEL_COLUMNS; i++) sum[i] = x[i] + y[i];
    } else {
      for (size_t i = 0; i < count; i++) sum[i] = x[i] + y[i];
    }
  }
}

CK_KERNEL(void, narrow_rows,
          (const float *restrict block, uint16_t *restrict out, size_t stride, size_t rows, size_t
           count),
          (block, out, stride, rows, count)) {
  for (size_t r = 0; r < rows; r++) {
    const float *x = block + r * CK_PANEL_COLUMNS;
    uint16_t *y = out + r * stride;
    if (count == CK_PANEL_COLUMNS) {
      for (size_t i = 0; i < CK_PANEL_COLUMNS; i++) y[i] = ck_bfloat16_from_float(x[i]);
    } else {
      for (size_t i = 0; i < count; i++) y[i] = ck_bfloat16_from_float(x[i]);
    }
  }
}

#if defined(__x86_64__)
/* Whole tiles with the instruction that rounds 32 floats at once. */
CK_AVX512_BF16 static void narrow_whole_rows(const float *block, uint16_t *out, size_t stride,
                                             size_t rows) {
  for (size_t r = 0; r < rows; r++, block += CK_PANEL_COLUMNS, out += stride) {
    __m512bh both = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(block + 16), _mm512_loadu_ps(block));
    _mm512_storeu_si512(out, (__m512i)both);
  }
}
#endif

static void store_bf16_tile(const float *block, uint16_t *out, size_t stride, size_t rows,
                            size_t count) {
#if defined(__x86_64__)
  if (ck_level >= CK_LEVEL_AVX512_BF16 && count == CK_PANEL_COLUMNS) {
    narrow_whole_rows(block, out, stride, rows);
    return;
  }
#endif
  narrow_rows(block, out, stride, rows, count);
}

static void store_tile(void *context, ck_range rows, ck_range columns, const float *block) {
  const ck_result *result = context;
  size_t stride = result->stride, at = rows.first * stride + columns.first;
  if (result->bfloat16) {
    store_bf16_tile(block, result->bfloat16 + at, stride, rows.count, columns.count);
  } else if (result->residual) {
    add_rows(result->residual + at, block, result->float32 + at, stride, rows.count,
             columns.count);
  } else {
    for (size_t r = 0; r < rows.count; r++) {
      memcpy(result->float32 + at + r * stride, block + r * CK_PANEL_COLUMNS,
             columns.count * sizeof *block);
    }
  }
}

size_t ck_bf16_matmul_scratch(size_t N, const ck_term *terms, size_t count) {
  product p = {.N = N, .terms = terms, .count = count};
  return measure(&p) * p.column_words * sizeof(uint32_t);
}

void ck_bf16_matmul(size_t M, size_t N, const ck_term *terms, size_t count, ck_result result,
                    void *scratch) {
  ck_bf16_products(M, N, terms, count, store_tile, &result, scratch);
}

/* ---- Contractions over tokens ----------------------------------------------------------------*/

enum { CONTRACT_TOKENS = 2048 };

typedef struct {
  const uint16_t *right;
  size_t T, R, N;
  float scale, *out;
  size_t row, column;
  ck_range tokens;      /* of this round */
  uint16_t *left_pairs; /* [ceil(tokens / 2)][R][2] */
  uint32_t *panels;     /* one a worker */
  size_t panel_words;
} contraction;

static void contract_task(void *context, size_t task, size_t worker) {
  const contraction *p = context;
  ck_range columns = ck_piece(p->N, CK_PANEL_COLUMNS, task);
  uint32_t *panel = p->panels + worker * p->panel_words;
  ck_panel_of_rows(p->right + p->tokens.first * p->N + columns.first, p->N, columns.count,
                   p->tokens.count, panel);
  for (size_t r = 0; r < p->R; r += CK_TILE_ROWS) {
    size_t rows = CK_MIN(CK_TILE_ROWS, p->R - r);
    float block[CK_TILE_ROWS][CK_PANEL_COLUMNS];
    ck_tile_product product = {p->left_pairs + 2 * r, 2, 2 * p->R, panel,
                               ck_panel_pairs(p->tokens.count)};
    ck_bf16_tile(&product, 1, rows, block[0], CK_PANEL_COLUMNS, false);
    for (size_t i = 0; i < rows; i++) {
      float *out = p->out + (r + i) * p->row + columns.first * p->column;
      for (size_t n = 0; n < columns.count; n++) out[n * p->column] += p->scale * block[i][n];
    }
  }
}

static size_t lay_out_contraction(contraction *p, size_t workers, char *scratch) {
  ck_scratch next = {scratch, 0};
  size_t tokens = CK_MIN(p->T, CONTRACT_TOKENS);
  p->panel_words = ck_panel_words(tokens);
  p->left_pairs = ck_take(&next, ck_panel_pairs(tokens) * p->R * 2 * sizeof(uint16_t));
  p->panels = ck_take(&next, workers * p->panel_words * sizeof(uint32_t));
  return next.used;
}

size_t ck_bf16_contract_scratch(size_t T, size_t R, size_t workers) {
  contraction p = {.T = T, .R = R};
  return lay_out_contraction(&p, workers, NULL);
}

void ck_bf16_contract(const uint16_t *left, size_t left_stride, const uint16_t *right, size_t T,
                      size_t R, size_t N, float scale, float *out, size_t row, size_t column,
                      void *scratch, size_t workers) {
  contraction p = {right, T, R, N, scale, out, row, column};
  lay_out_contraction(&p, workers, scratch);
  for (size_t first = 0; first < T; first += CONTRACT_TOKENS) {
    p.tokens = (ck_range){first, CK_MIN(CONTRACT_TOKENS, T - first)};
    for (size_t t = 0; t < ck_round_up(p.tokens.count, 2); t++) {
      for (size_t r = 0; r < R; r++) {
        uint16_t value = t < p.tokens.count ? left[(first + t) * left_stride + r] : 0;
        p.left_pairs[(t / 2 * R + r) * 2 + t % 2] = value;
      }
    }
    ck_parallel_for(ck_ceil_divide(N, CK_PANEL_COLUMNS), workers, contract_task, &p);
  }
}
