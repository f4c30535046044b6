#include "machine/scratch.h"
#include "products/tiles.h"

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
  PART_STEP = 16,          /* parts begin at multiples of this many pairs, as AMX wants */
  MOST_TERMS = 16,
  /* Where parts begin is rounded for every term. */
  MOST_GATHERED_PAIRS = CK_MOST_BLOCK_PAIRS + MOST_TERMS * PART_STEP,
};

/* ---- Laying out a right operand --------------------------------------------------------------*/

/* Converts elements first ... first + count to bfloat16. */
static void fetch(const ck_operand *b, size_t first, size_t count, uint16_t *out) {
  if (b->grouped.codes) {
    ck_grouped_to_bf16(&b->grouped, first, count, out);
    return;
  }
  if (!b->float32) {
    ck_kernels.nf4_to_bf16(&b->nf4, first, count, out);
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
  if (!b->float32 && !b->grouped.codes &&
      ck_kernels.nf4_panel_of_rows(&b->nf4, first, b->stride, columns.count, k.count, panel)) {
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
  ck_part_sizes part = ck_kernels.parts;
  p->parts = pairs > part.most_whole ? ck_ceil_divide(pairs, part.pairs) : 1;
  p->group = CK_MAX(GROUP_BYTES / (bytes / p->parts), 1);
  p->row_block = p->M >= 1024 ? 64 : 32;
  if (p->parts > 1) {
    p->group = CK_MIN(p->group, part.panels);
    p->row_block = part.rows;
  }
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

/* Rows of a tile of this product. */
static size_t rows_of_step(const product *p) {
  bool narrow = ck_kernels.block_rows == 0 && p->N <= CK_NARROW_COLUMNS;
  return narrow ? CK_NARROW_ROWS : ck_bf16_tile_rows();
}

/* The rows to multiply for those of `tile`. AMX knows only blocks of 32, so the last one begins
 * with rows that another block has too. */
static ck_range rows_of_tile(const product *p, ck_range tile) {
  size_t block = ck_kernels.block_rows;
  bool as_it_is = block == 0 || p->M < block || tile.count == block;
  return as_it_is ? tile : (ck_range){p->M - block, block};
}

/* One part of the contraction, for some rows and a panel. */
static void describe_part(const product *p, ck_range rows, size_t panel, size_t part,
                          ck_tile_product *products) {
  const uint32_t *packed = p->packed + panel * p->column_words;
  for (size_t i = 0; i < p->count; i++) {
    const ck_term *t = p->terms + i;
    size_t pairs = ck_panel_pairs(t->K);
    size_t first = pairs * part / p->parts / PART_STEP * PART_STEP;
    size_t end = part + 1 == p->parts ? pairs
                                      : pairs * (part + 1) / p->parts / PART_STEP * PART_STEP;
    products[i] = (ck_tile_product){t->left + rows.first * t->left_stride + 2 * first,
                                    t->left_stride, packed + first * CK_PANEL_COLUMNS, end - first};
    packed += ck_panel_words(t->K);
  }
}

/* Copies the left rows side by side: with AMX they shall stay in the first-level cache, and rows
 * some kilobytes apart share few places in it. */
static void gather_rows(ck_tile_product *products, size_t count, size_t rows, uint16_t *gathered) {
  for (size_t i = 0; i < count; i++) {
    ck_tile_product *p = products + i;
    size_t width = 2 * p->pairs;
    for (size_t r = 0; r < rows; r++) {
      memcpy(gathered + r * width, p->left + r * p->row, width * sizeof *gathered);
    }
    p->left = gathered;
    p->row = width;
    gathered += rows * width;
  }
}

static void multiply_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const product *p = context;
  size_t row_blocks = ck_ceil_divide(p->M, p->row_block), step = rows_of_step(p);
  ck_range panels = ck_piece(p->panels, p->group, task / row_blocks);
  ck_range rows = ck_piece(p->M, p->row_block, task % row_blocks);
  float waiting[CK_MOST_PART_PANELS][CK_MOST_PART_ROWS][CK_PANEL_COLUMNS];
  uint16_t gathered[CK_AMX_ROWS * 2 * MOST_GATHERED_PAIRS];
  for (size_t part = 0; part < p->parts; part++) {
    for (size_t r = 0; r < rows.count; r += step) {
      ck_range tile = {rows.first + r, CK_MIN(step, rows.count - r)};
      ck_range all = rows_of_tile(p, tile);
      ck_tile_product products[MOST_TERMS];
      describe_part(p, all, panels.first, part, products);
      if (p->parts > 1 && step == ck_kernels.block_rows) {
        gather_rows(products, p->count, all.count, gathered);
      }
      for (size_t i = 0; i < panels.count; i++) {
        float *sums = p->parts > 1 ? waiting[i][r] : waiting[0][0];
        if (all.count == step && step == CK_NARROW_ROWS) {
          ck_kernels.narrow_tile(products, p->count, sums, CK_PANEL_COLUMNS, part > 0);
        } else {
          ck_bf16_tile(products, p->count, all.count, sums, CK_PANEL_COLUMNS, part > 0);
        }
        for (size_t t = 0; t < p->count; t++) products[t].panel += p->column_words;
        if (part + 1 < p->parts) continue;
        const float *done = sums + (tile.first - all.first) * CK_PANEL_COLUMNS;
        p->finish(p->context, tile, panel_columns(p, panels.first + i), done);
      }
    }
  }
}

void ck_pair_products(size_t M, size_t N, const ck_term *terms, size_t count,
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

size_t ck_pair_products_scratch(size_t N, const ck_term *terms, size_t count) {
  product p = {.N = N, .terms = terms, .count = count};
  return measure(&p) * p.column_words * sizeof(uint32_t);
}
