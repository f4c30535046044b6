#include "attention/attention_panels.h"

void ck_find_offsets(ck_padded_segments *p) {
  p->offsets[0] = 0;
  for (size_t s = 0; s < p->S; s++) {
    p->offsets[s + 1] = p->offsets[s] + ck_round_up(ck_segment_length(p, s), CK_PANEL_COLUMNS);
  }
}

typedef struct {
  const ck_padded_segments *segments;
  const uint16_t *x;
  uint32_t *panels;
  bool rows; /* whether tokens are what is summed over */
} packing;

static void pack_columns(const uint16_t *x, size_t stride, size_t length, size_t E,
                         uint32_t *panel) {
  for (size_t t = 0; t < length; t += CK_PANEL_COLUMNS) {
    ck_panel_of_columns(x + t * stride, stride, CK_MIN(CK_PANEL_COLUMNS, length - t), E, panel);
    panel += ck_panel_words(E);
  }
}

static void pack_rows(const uint16_t *x, size_t stride, size_t length, size_t E, uint32_t *panel) {
  size_t written = ck_panel_words(length);
  size_t all = ck_panel_words(ck_round_up(length, CK_PANEL_COLUMNS));
  for (size_t e = 0; e < E; e += CK_PANEL_COLUMNS) {
    ck_panel_of_rows(x + e, stride, CK_MIN(CK_PANEL_COLUMNS, E - e), length, panel);
    memset(panel + written, 0, (all - written) * sizeof *panel);
    panel += all;
  }
}

static void pack_task(void *context, size_t task, size_t worker) {
  (void)worker;
  const packing *p = context;
  const ck_padded_segments *segments = p->segments;
  size_t s = task / segments->heads, head = task % segments->heads, E = segments->E;
  size_t length = ck_segment_length(segments, s), stride = segments->heads * E;
  const uint16_t *x = p->x + (size_t)segments->starts[s] * stride + head * E;
  if (p->rows) {
    pack_rows(x, stride, length, E, p->panels + ck_token_rows(segments, s, head));
  } else {
    pack_columns(x, stride, length, E, p->panels + ck_token_columns(segments, s, head));
  }
}

void ck_pack_token_columns(const ck_padded_segments *p, const uint16_t *x, uint32_t *panels) {
  packing context = {p, x, panels, false};
  ck_parallel_for(p->S * p->heads, CK_ANY_WORKERS, pack_task, &context);
}

void ck_pack_token_rows(const ck_padded_segments *p, const uint16_t *x, uint32_t *panels) {
  packing context = {p, x, panels, true};
  ck_parallel_for(p->S * p->heads, CK_ANY_WORKERS, pack_task, &context);
}
