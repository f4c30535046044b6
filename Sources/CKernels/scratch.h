/* Handing out pieces of a kernel's scratch, each on its own cache lines. */
#pragma once

#include "vector.h"

enum { CK_CACHE_LINE = 64 };

static inline size_t ck_padded_bytes(size_t bytes) { return ck_round_up(bytes, CK_CACHE_LINE); }

static inline void *ck_take(char **scratch, size_t bytes) {
  void *piece = *scratch;
  *scratch += ck_padded_bytes(bytes);
  return piece;
}
