/* Squares of numbers, transposed in registers. */
#pragma once

/* One of the rounds of a transposition of `size` vectors `rows` of `size` elements: blocks of d
 * elements of two rows that are d apart change places. The rounds are d = size / 2 ... 2, 1. */
#define CK_EXCHANGE(vector, size, d)                                                  \
  for (int i = 0; i < (size); i++) {                                                  \
    if (i & (d)) continue;                                                            \
    vector a = rows[i], b = rows[i | (d)];                                            \
    rows[i] = __builtin_shufflevector(a, b, CK_ALL_OF_##size(CK_EXCHANGED_LOW, d));   \
    rows[i | (d)] = __builtin_shufflevector(a, b, CK_ALL_OF_##size(CK_EXCHANGED_HIGH, d)); \
  }

#define CK_EXCHANGED_LOW(size, d, i) ((i) & (d) ? (size) + ((i) ^ (d)) : (i))
#define CK_EXCHANGED_HIGH(size, d, i) ((i) & (d) ? (size) + (i) : ((i) ^ (d)))

#define CK_ALL_OF_8(f, d) CK_FROM_0(f, 8, d)
#define CK_ALL_OF_16(f, d) CK_FROM_0(f, 16, d), CK_FROM_8(f, 16, d)
#define CK_FROM_0(f, size, d)                                                                \
  f(size, d, 0), f(size, d, 1), f(size, d, 2), f(size, d, 3), f(size, d, 4), f(size, d, 5),   \
      f(size, d, 6), f(size, d, 7)
#define CK_FROM_8(f, size, d)                                                                  \
  f(size, d, 8), f(size, d, 9), f(size, d, 10), f(size, d, 11), f(size, d, 12), f(size, d, 13), \
      f(size, d, 14), f(size, d, 15)
