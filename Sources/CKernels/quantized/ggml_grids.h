/* The code books of GGML's IQ types. An entry has eight codes of two bits (IQ1 and IQ2) or four of
 * three bits, each in four bits (IQ3); the first element's are the lowest. */
#pragma once

#include <stdint.h>

extern const uint16_t ggml_iq2_xxs_grid[256], ggml_iq2_xs_grid[512], ggml_iq2_s_grid[1024];
extern const uint16_t ggml_iq3_xxs_grid[256], ggml_iq3_s_grid[512];
extern const uint16_t ggml_iq1_grid[2048];
