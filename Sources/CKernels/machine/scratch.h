/* Handing out pieces of a kernel's scratch, each on its own cache lines. */
#pragma once

#include "machine/vector.h"

enum { CK_CACHE_LINE = 64 };

/* How far scratch is handed out. Where `base` is NULL, pieces are NULL too and only their sizes are
 * added up: a kernel lays out its scratch with the same lines that say how much it needs. */
typedef struct {
  char *base;
  size_t used;
} ck_scratch;

static inline void *ck_take(ck_scratch *scratch, size_t bytes) {
  void *piece = scratch->base ? scratch->base + scratch->used : NULL;
  scratch->used += ck_round_up(bytes, CK_CACHE_LINE);
  return piece;
}
