#include "products/float_products.h"

#include "machine/scratch.h"
#include "products/float_pack.h"

/* The terms of a product lie one behind the other in one long contraction, on the left as on the
 * right. It is made in rounds: panels for some megabytes of columns are laid out in parallel and
 * stay in the last-level cache. A task lays out a block of rows in its second-level cache and meets
 * each panel with all of them; the panel, or a part of it, is then in the first level (Goto &
 * van de Geijn 2008, "Anatomy of high-performance matrix multiplication").
 *
 * Every element is one float32 sum in the order of k, so how the work is cut changes no bit. */

enum {
  ROUND_BYTES = 4 << 20,
  BLOCK_ROWS = CK_FINISHED_ROWS,
  MOST_WHOLE = 768,  /* k that are not cut */
  PART = 512,        /* k of a part, about */
  PART_STEP = 8,     /* parts begin at multiples of it */
  MOST_PANELS = 32,  /* of a task, so that its rows are laid out seldom */
  WAITING_PANELS = 16, /* where sums wait for the next part: with the rows in the second level */
  WANTED_TASKS = 24,
  PACK_K = 1024, /* k of one packing task */
  PACK_PANELS = 4,
  COLUMNS = CK_PANEL_COLUMNS,
};

typedef struct {
  size_t M, N, K; /* K: of all terms */
  const ck_term *terms;
  size_t count;
  ck_finish_tile finish;
  void *context;

  size_t parts;                        /* of the contraction */
  size_t blocks;                       /* of rows */
  size_t panels;                       /* of a task */
  size_t first_panel, round;           /* panels of this round */
  float *packed;                       /* [round][COLUMNS · K] */
} product;

/* Panels of a round. */
static size_t measure(product *p) {
  p->K = 0;
  for (size_t i = 0; i < p->count; i++) p->K += p->terms[i].K;
  p->parts = p->K > MOST_WHOLE ? ck_ceil_divide(p->K, PART) : 1;
  size_t bytes = CK_MAX(p->K * COLUMNS * sizeof(float), 1);
  size_t fitting = CK_MAX(ROUND_BYTES / bytes / PACK_PANELS * PACK_PANELS, WAITING_PANELS);
  return CK_MIN(fitting, ck_ceil_divide(p->N, COLUMNS));
}

/* Tasks of nearly equal size, an even number of blocks where there are several. */
static void cut(product *p) {
  size_t tiles = ck_ceil_divide(p->M, ck_kernels.float_rows);
  size_t blocks = ck_ceil_divide(tiles, BLOCK_ROWS / ck_kernels.float_rows);
  p->blocks = blocks > 4 ? ck_round_up(blocks, 2) : blocks;
  size_t most = p->parts > 1 ? WAITING_PANELS : MOST_PANELS;
  size_t groups = CK_MAX(ck_ceil_divide(p->round, most), ck_ceil_divide(WANTED_TASKS, p->blocks));
  p->panels = ck_ceil_divide(p->round, groups);
}

static ck_range rows_of(const product *p, size_t block) {
  size_t step = ck_kernels.float_rows, tiles = ck_ceil_divide(p->M, step);
  size_t first = tiles * block / p->blocks * step;
  size_t end = CK_MIN(tiles * (block + 1) / p->blocks * step, p->M);
  return (ck_range){first, end - first};
}

/* ---- Laying out ------------------------------------------------------------------------------*/

static void pack_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const product *p = context;
  size_t slabs = ck_ceil_divide(p->K, PACK_K), width = ck_kernels.float_columns;
  ck_range panels = ck_piece(p->round, PACK_PANELS, task / slabs);
  ck_range slab = ck_piece(p->K, PACK_K, task % slabs);
  size_t first = (p->first_panel + panels.first) * COLUMNS;
  ck_range columns = {first, CK_MIN(panels.count * COLUMNS, p->N - first)};
  float *out = p->packed + panels.first * COLUMNS * p->K;
  size_t before = 0; /* k of earlier terms */
  for (size_t i = 0; i < p->count; i++) {
    const ck_term *term = p->terms + i;
    size_t start = CK_MAX(slab.first, before);
    size_t end = CK_MIN(slab.first + slab.count, before + term->K);
    if (start < end) {
      ck_operand right = term->right;
      /* What peers compute with where activations are bfloat16. */
      if (term->left) right.nf4.value_type = right.grouped.value_type = CK_BFLOAT16;
      ck_float_panels(&right, columns, (ck_range){start - before, end - start}, width,
                      out + start * width, p->K * width);
    }
    before += term->K;
  }
}

/* The rows' part of the contraction, a tile's rows after the other: out[rows / R][k.count][R]. */
static void pack_rows(const product *p, ck_range rows, ck_range k, float *out) {
  size_t step = ck_kernels.float_rows;
  for (size_t r = 0; r < rows.count; r += step, out += step * k.count) {
    ck_range tile = {rows.first + r, CK_MIN(step, rows.count - r)};
    size_t before = 0;
    for (size_t i = 0; i < p->count; i++) {
      const ck_term *term = p->terms + i;
      ck_float_rows left = {term->left_floats, term->left, term->left_stride, false};
      size_t start = CK_MAX(k.first, before);
      size_t end = CK_MIN(k.first + k.count, before + term->K);
      if (start < end) {
        ck_interleave_rows(&left, tile, (ck_range){start - before, end - start}, 1,
                           out + (start - k.first) * step, step);
      }
      before += term->K;
    }
  }
}

/* ---- Multiplying -----------------------------------------------------------------------------*/

/* A task's own memory. */
typedef struct {
  _Alignas(CK_CACHE_LINE) float left[BLOCK_ROWS * (MOST_WHOLE + PART_STEP) + 8];
  _Alignas(CK_CACHE_LINE) float sums[WAITING_PANELS][BLOCK_ROWS][COLUMNS];
} task_memory;

static ck_range part_of(const product *p, size_t part) {
  size_t first = p->K * part / p->parts / PART_STEP * PART_STEP;
  size_t end = part + 1 == p->parts ? p->K
                                    : p->K * (part + 1) / p->parts / PART_STEP * PART_STEP;
  return (ck_range){first, end - first};
}

static void multiply_panel(const product *p, const float *left, size_t panel, ck_range k,
                           ck_range rows, ck_range columns, float *sums) {
  size_t step = ck_kernels.float_rows, width = ck_kernels.float_columns;
  const float *packed = p->packed + panel * COLUMNS * p->K + k.first * width;
  for (size_t n = 0; n < columns.count; n += width, packed += p->K * width) {
    for (size_t r = 0; r < rows.count; r += step) {
      ck_kernels.float_tile(left + r * k.count, packed, k.count, CK_MIN(step, rows.count - r),
                            sums + r * COLUMNS + n, COLUMNS, k.first > 0);
    }
  }
}

static void multiply_task(void *context, size_t task, size_t worker) {
  (void)worker;
  static _Thread_local task_memory memory;
  const product *p = context;
  ck_range panels = ck_piece(p->round, p->panels, task / p->blocks);
  ck_range rows = rows_of(p, task % p->blocks);
  for (size_t part = 0; part < p->parts; part++) {
    ck_range k = part_of(p, part);
    pack_rows(p, rows, k, memory.left);
    for (size_t i = 0; i < panels.count; i++) {
      size_t panel = panels.first + i;
      ck_range columns = ck_piece(p->N, COLUMNS, p->first_panel + panel);
      float *sums = memory.sums[p->parts > 1 ? i : 0][0];
      multiply_panel(p, memory.left, panel, k, rows, columns, sums);
      if (part + 1 == p->parts) p->finish(p->context, rows, columns, sums);
    }
  }
}

/* ---- The whole -------------------------------------------------------------------------------*/

size_t ck_float_products_scratch(size_t N, const ck_term *terms, size_t count) {
  product p = {.N = N, .terms = terms, .count = count};
  return measure(&p) * p.K * COLUMNS * sizeof(float);
}

void ck_float_products(size_t M, size_t N, const ck_term *terms, size_t count,
                       ck_finish_tile finish, void *context, void *scratch) {
  product p = {M, N, 0, terms, count, finish, context};
  size_t round = measure(&p), all = ck_ceil_divide(N, COLUMNS);
  p.packed = scratch;
  for (p.first_panel = 0; M > 0 && p.first_panel < all; p.first_panel += round) {
    p.round = CK_MIN(round, all - p.first_panel);
    cut(&p);
    ck_parallel_for(ck_ceil_divide(p.round, PACK_PANELS) * ck_ceil_divide(p.K, PACK_K),
                    CK_ANY_WORKERS, pack_task, &p);
    ck_parallel_for(ck_ceil_divide(p.round, p.panels) * p.blocks,
                    CK_ANY_WORKERS, multiply_task, &p);
  }
}
