/* Shared by the two directions of attention. */
#pragma once

#include "machine/scratch.h"

/* Query heads of a group share keys and values, so forward tasks take the same tokens of all heads
 * of a group at once: about this many rows for each product with a block of keys. */
enum { CK_ATTENTION_ROWS = 192, CK_ATTENTION_LEAST_TOKENS = 16, CK_ATTENTION_MOST_TOKENS = 128 };

/* Scores of a block of rows with this many keys stay in the second-level cache. */
enum { CK_ATTENTION_KEYS = 512 };

/* exp(x[i] - maximum) in place; returns the sum. */
float ck_attention_exponentials(float *x, float maximum, size_t count);
