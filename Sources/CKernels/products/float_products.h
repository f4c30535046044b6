/* Products in float32, of operands of any type: every processor has them, and those that cannot
 * multiply pairs of bfloat16 fast use them for all. */
#pragma once

#include "products/bf16.h"

/* Hands the sum of the terms [M, N] to `finish`, up to CK_FINISHED_ROWS rows and a panel's columns at
 * a time, each once, in any order and on any thread. */
void ck_float_products(size_t M, size_t N, const ck_term *terms, size_t count,
                       ck_finish_tile finish, void *context, void *scratch);

size_t ck_float_products_scratch(size_t N, const ck_term *terms, size_t count);
