/* The numeric kernels and the thread pool: one header a room, as the sources are laid out.
 *
 * Dimensions (all row-major, the last one contiguous):
 *   T tokens · D hidden · H query heads · G key/value heads · E head dimension · F feed-forward
 *   V vocabulary · N outputs · K inputs · S segments
 *
 * Rules of every kernel:
 *   - it never allocates; scratch is handed in, `ck_..._scratch` says how many bytes it needs
 *   - work is cut into tasks by the size of the problem alone, and every sum has one order, so the
 *     result has the same bits for any number of threads
 *   - `workers` is the number of scratch slots the caller made; at most that many threads join
 *   - `=` writes, `+=` accumulates; pointers do not overlap unless said
 */
#pragma once

#include "machine.h"
#include "numbers.h"
#include "quantized.h"
#include "products.h"
#include "rows.h"
#include "attention.h"
#include "loss.h"
