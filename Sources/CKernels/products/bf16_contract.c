#include "machine/scratch.h"
#include "products/bf16.h"
#include "products/float_piece.h"

/* Contractions over tokens, some thousand at a time: the left side is transposed, the right one
 * becomes panels, a task each. */

enum { ROUND_TOKENS = 2048 };

typedef struct {
  ck_bf16_contraction product;
  ck_range tokens;      /* of this round */
  uint16_t *left;       /* [R, padded][left_stride]: transposed */
  size_t left_stride;
  uint32_t *panels;     /* one a worker */
  size_t panel_words;
} contraction;

static void contract_task(void *context, size_t task, size_t worker) {
  const contraction *p = context;
  const ck_bf16_contraction *product = &p->product;
  size_t N = product->N, R = product->R, step = ck_bf16_tile_rows();
  ck_range columns = ck_piece(N, CK_PANEL_COLUMNS, task);
  uint32_t *panel = p->panels + worker * p->panel_words;
  ck_panel_of_rows(product->right + p->tokens.first * N + columns.first, N, columns.count,
                   p->tokens.count, panel);
  for (size_t r = 0; r < R; r += step) {
    size_t rows = CK_MIN(step, R - r);
    float block[CK_MOST_ROWS][CK_PANEL_COLUMNS];
    ck_tile_product tile = {p->left + r * p->left_stride, p->left_stride, panel,
                            ck_panel_pairs(p->tokens.count)};
    ck_bf16_tile(&tile, 1, ck_bf16_padded_rows(rows), block[0], CK_PANEL_COLUMNS, false);
    for (size_t i = 0; i < rows; i++) {
      float *out = product->out + (r + i) * product->row + columns.first * product->column;
      for (size_t n = 0; n < columns.count; n++) {
        out[n * product->column] += product->scale * block[i][n];
      }
    }
  }
}

static size_t lay_out(contraction *p, size_t workers, char *scratch) {
  ck_scratch next = {scratch, 0};
  size_t tokens = CK_MIN(p->product.T, ROUND_TOKENS);
  p->panel_words = ck_panel_words(tokens);
  /* Not a power of two: rows so far apart would share few places in the cache. */
  p->left_stride = ck_round_up(tokens, CK_TRANSPOSED_ROWS) + CK_TRANSPOSED_ROWS;
  p->left = ck_take(&next, ck_bf16_padded_rows(p->product.R) * p->left_stride * sizeof *p->left);
  p->panels = ck_take(&next, workers * p->panel_words * sizeof(uint32_t));
  return next.used;
}

/* ---- In float32, where pairs are not multiplied ----------------------------------------------*/

enum { FLOAT_COLUMNS = 96 };

/* Whichever side lies in the result as rows is the left one. */
static void contract_floats(void *context, size_t task, size_t worker) {
  (void)worker;
  const ck_bf16_contraction *p = context;
  ck_range columns = ck_piece(p->N, FLOAT_COLUMNS, task);
  const uint16_t *right = p->right + columns.first;
  ck_piece_product piece = {.K = p->T, .scale = p->scale, .accumulate = true};
  piece.c = p->out + columns.first * p->column;
  if (p->column == 1) {
    piece.M = p->R;
    piece.N = columns.count;
    piece.left = (ck_float_rows){.bfloat16 = p->left, .stride = p->left_stride, .transposed = true};
    piece.right = (ck_operand){.bfloat16 = right, .stride = p->N};
    piece.c_stride = p->row;
  } else {
    piece.M = columns.count;
    piece.N = p->R;
    piece.left = (ck_float_rows){.bfloat16 = right, .stride = p->N, .transposed = true};
    piece.right = (ck_operand){.bfloat16 = p->left, .stride = p->left_stride};
    piece.c_stride = p->column;
  }
  ck_multiply_piece(&piece);
}

/* ---- The whole -------------------------------------------------------------------------------*/

size_t ck_bf16_contract_scratch(const ck_bf16_contraction *product, size_t workers) {
  if (!ck_kernels.pairs) return 0;
  contraction p = {.product = *product};
  return lay_out(&p, workers, NULL);
}

void ck_bf16_contract(const ck_bf16_contraction *product, void *scratch, size_t workers) {
  if (!ck_kernels.pairs) {
    if (product->T == 0) return;
    ck_bf16_contraction floats = *product;
    ck_parallel_for(ck_ceil_divide(floats.N, FLOAT_COLUMNS), CK_ANY_WORKERS, contract_floats,
                    &floats);
    return;
  }
  contraction p = {.product = *product};
  lay_out(&p, workers, scratch);
  for (size_t first = 0; first < product->T; first += ROUND_TOKENS) {
    p.tokens = (ck_range){first, CK_MIN(ROUND_TOKENS, product->T - first)};
    ck_bf16_transpose(product->left + first * product->left_stride, product->left_stride,
                      p.tokens.count, product->R, p.left, p.left_stride);
    ck_parallel_for(ck_ceil_divide(product->N, CK_PANEL_COLUMNS), workers, contract_task, &p);
  }
}
