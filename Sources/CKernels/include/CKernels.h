/* The numeric kernels and the thread pool.
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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ggml_blocks.h"

/* ---- parallel.c: the thread pool -------------------------------------------------------------*/

/* Processors this process may run on: its affinity mask, cut down by a control-group CPU limit. */
size_t ck_available_processors(void);

/* Threads that kernels share, the calling one included; 1 until set. */
size_t ck_threads(void);
void ck_set_threads(size_t count);

/* `worker` is below the `workers` given to ck_parallel_for and unique among running tasks. */
typedef void (*ck_task)(void *context, size_t task, size_t worker);

/* Runs tasks 0 ..< count, in any order, on at most `workers` threads; returns when all are done.
 * Called from inside a task, or while another thread uses the pool, it runs them one by one. */
void ck_parallel_for(size_t count, size_t workers, ck_task task, void *context);

/* ---- machine.c -------------------------------------------------------------------------------*/

/* Instruction sets that kernels are written for, each with all before it. On other processors than
 * x86-64 everything is plain. */
typedef enum {
  CK_LEVEL_PLAIN,
  CK_LEVEL_AVX2,        /* and FMA, F16C, BMI: x86-64-v3 */
  CK_LEVEL_AVX512,      /* F, BW, CD, DQ, VL: x86-64-v4 */
  CK_LEVEL_AVX512_BF16, /* products of bfloat16 pairs */
  CK_LEVEL_AMX,         /* products of bfloat16 matrices */
} ck_cpu_level;

/* The highest level that this processor and its system can run. */
ck_cpu_level ck_best_cpu_level(void);

/* The level that kernels run at: the highest, unless the environment variable FINETUNE_CPU
 * (amx, avx512_bf16, avx512, avx2, plain) asked for a lower one when the program started.
 * amx_emulated imitates the matrix tiles in memory, for tests: right, and very slow. */
ck_cpu_level ck_used_cpu_level(void);

/* Changes the level; for tests, between kernels. Not above the best. */
void ck_use_cpu_level(ck_cpu_level level);

/* "plain", "avx2" ... ; NULL where there is no such level. */
const char *ck_cpu_level_name(ck_cpu_level level);

/* Writes what the kernels found in this processor and its libraries, one item a line. */
void ck_cpu_features(char *text, size_t capacity);

/* ---- matmul.c: products through OpenBLAS -----------------------------------------------------*/

/* A matrix as it lies in memory: element (i, j) is data[i * stride + j], or, where transposed,
 * data[j * stride + i]. */
typedef struct {
  const float *data;
  size_t stride;
  bool transposed;
} ck_matrix;

/* C[M, N] = alpha · A[M, K] B[K, N], or += where `accumulate`. */
void ck_matmul(size_t M, size_t N, size_t K, float alpha, ck_matrix a, ck_matrix b, float *c,
               size_t c_stride, bool accumulate);

/* The same on the calling thread only, for use inside tasks. */
void ck_matmul_piece(size_t M, size_t N, size_t K, float alpha, ck_matrix a, ck_matrix b, float *c,
                     size_t c_stride, bool accumulate);

/* ---- embedding.c -----------------------------------------------------------------------------*/

/* out[T, D] = rows ids[T] of weight[V, D] */
void ck_embedding(const int32_t *ids, const float *weight, float *out, size_t T, size_t D);
void ck_bf16_embedding(const int32_t *ids, const uint16_t *weight, float *out, size_t T, size_t D);

/* ---- rmsnorm.c -------------------------------------------------------------------------------*/

/* out[T, D] = x · s · weight[D], s[T] = 1 / sqrt(mean(x²) + epsilon) */
void ck_rmsnorm_forward(const float *x, const float *weight, float epsilon, float *out,
                        float *inverse_rms, size_t T, size_t D);

/* dx += s · weight · dout - x · s³ · mean(dout · weight · x) */
void ck_rmsnorm_backward(const float *dout, const float *x, const float *weight,
                         const float *inverse_rms, float *dx, size_t T, size_t D);

/* The same with out and dout in bfloat16; x and dx, the residual stream, stay float32. */
void ck_bf16_rmsnorm_forward(const float *x, const float *weight, float epsilon, uint16_t *out,
                             float *inverse_rms, size_t T, size_t D);
void ck_bf16_rmsnorm_backward(const uint16_t *dout, const float *x, const float *weight,
                              const float *inverse_rms, float *dx, size_t T, size_t D);

/* ---- rope.c ----------------------------------------------------------------------------------*/

/* Rotates the pairs (i, i + E/2) of every head of x[T, heads · E] in place by the angles whose
 * cosine and sine stand in row positions[t] of cos[P, E/2] and sin[P, E/2]; `inverse` rotates
 * back. */
void ck_rope(float *x, const int32_t *positions, const float *cos, const float *sin, bool inverse,
             size_t T, size_t heads, size_t E);
void ck_bf16_rope(uint16_t *x, const int32_t *positions, const float *cos, const float *sin,
                  bool inverse, size_t T, size_t heads, size_t E);

/* ---- attention.c, attention_backward.c -------------------------------------------------------*/

/* Bytes of scratch for the forward pass with `workers` slots. */
size_t ck_attention_forward_scratch(size_t T, size_t S, size_t H, size_t G, size_t E,
                                    size_t workers);

/* Causal attention inside each segment [starts[s], starts[s + 1]) of the tokens:
 *   out[t, h] = sum_j softmax_j(q[t, h] · k[j, g] / sqrt(E)) v[j, g],  j = segment start ... t
 * q, out [T, H·E]; k, v [T, G·E]; head h reads g = h / (H / G); log_sum_exp [T, H]. */
void ck_attention_forward(const float *q, const float *k, const float *v, const int32_t *starts,
                          float *out, float *log_sum_exp, size_t T, size_t S, size_t H, size_t G,
                          size_t E, void *scratch, size_t workers);

size_t ck_attention_backward_scratch(size_t T, size_t S, size_t H, size_t G, size_t E,
                                     size_t workers);

/* Gradients of the above, all three written. */
void ck_attention_backward(const float *dout, const float *q, const float *k, const float *v,
                           const float *out, const float *log_sum_exp, const int32_t *starts,
                           float *dq, float *dk, float *dv, size_t T, size_t S, size_t H, size_t G,
                           size_t E, void *scratch, size_t workers);

size_t ck_attention_prefill_scratch(size_t T, size_t past, size_t H, size_t G, size_t E,
                                    size_t workers);

/* T new tokens q[T, H·E] after `past` older ones: token t sees keys 0 ... past + t of
 * keys[past + T, G·E]. */
void ck_attention_prefill(const float *q, const float *keys, const float *values, float *out,
                          size_t T, size_t past, size_t H, size_t G, size_t E, void *scratch,
                          size_t workers);

/* ---- attention_decode.c ----------------------------------------------------------------------*/

size_t ck_attention_decode_scratch(size_t past, size_t H, size_t G, size_t E);

/* The same for one new token, as generation has it for all but the prompt. */
void ck_attention_decode(const float *q, const float *keys, const float *values, float *out,
                         size_t past, size_t H, size_t G, size_t E, void *scratch);

/* ---- bf16_attention.c, bf16_attention_backward.c: the same in bfloat16 -------------------------*/

/* log_sum_exp stays float32; E is even. */
size_t ck_bf16_attention_forward_scratch(size_t T, size_t S, size_t H, size_t G, size_t E,
                                         size_t workers);
void ck_bf16_attention_forward(const uint16_t *q, const uint16_t *k, const uint16_t *v,
                               const int32_t *starts, uint16_t *out, float *log_sum_exp, size_t T,
                               size_t S, size_t H, size_t G, size_t E, void *scratch,
                               size_t workers);
size_t ck_bf16_attention_backward_scratch(size_t T, size_t S, size_t H, size_t G, size_t E,
                                          size_t workers);
void ck_bf16_attention_backward(const uint16_t *dout, const uint16_t *q, const uint16_t *k,
                                const uint16_t *v, const uint16_t *out, const float *log_sum_exp,
                                const int32_t *starts, uint16_t *dq, uint16_t *dk, uint16_t *dv,
                                size_t T, size_t S, size_t H, size_t G, size_t E, void *scratch,
                                size_t workers);

/* ---- swiglu.c --------------------------------------------------------------------------------*/

/* out = silu(gate) · up, silu(x) = x / (1 + exp(-x)); outputs may be the inputs themselves. */
void ck_swiglu_forward(const float *gate, const float *up, float *out, size_t count);

/* dup = dout · silu(gate);  dgate = dout · up · σ(gate) (1 + gate (1 - σ(gate))) */
void ck_swiglu_backward(const float *dout, const float *gate, const float *up, float *dgate,
                        float *dup, size_t count);
void ck_bf16_swiglu_forward(const uint16_t *gate, const uint16_t *up, uint16_t *out, size_t count);
void ck_bf16_swiglu_backward(const uint16_t *dout, const uint16_t *gate, const uint16_t *up,
                             uint16_t *dgate, uint16_t *dup, size_t count);

/* ---- nf4.c, nf4_absmax.c: 4-bit NormalFloat, as bitsandbytes stores it ---------------------------------------*/

enum { CK_NF4_BLOCK = 64, CK_NF4_NESTED_BLOCK = 256 };

typedef enum { CK_FLOAT32, CK_BFLOAT16, CK_FLOAT16 } ck_value_type;

/* A weight of `count` elements in blocks of 64. Either absmax is given, or (double quantization)
 * absmax of block i is map[absmax_codes[i]] · absmax2[i / 256] + offset. */
typedef struct {
  const uint8_t *codes;        /* [ceil(count / 2)], even element in the high nibble */
  const float *absmax;         /* [blocks] or NULL */
  const uint8_t *absmax_codes; /* [blocks] */
  const float *absmax2;        /* [ceil(blocks / 256)] */
  const float *map;            /* [256] */
  float offset;
  ck_value_type value_type; /* what values are rounded to when dequantized */
  size_t count;
} ck_nf4;

/* The value of a code 0 ... 15. */
float ck_nf4_code_value(int code);

/* Codes and absmax[ceil(count / 64)] of `count` values of type `type`. */
void ck_nf4_quantize(const void *values, ck_value_type type, uint8_t *codes, float *absmax,
                     size_t count);

/* Quantizes absmax[blocks] in its turn; *offset is its mean, map receives the 256 values. */
void ck_nf4_quantize_absmax(const float *absmax, uint8_t *absmax_codes, float *absmax2, float *map,
                            float *offset, size_t blocks);

/* out[count] = elements first ..< first + count, on the calling thread. */
void ck_nf4_dequantize_range(const ck_nf4 *weight, size_t first, size_t count, float *out);

/* out[count] as bfloat16: each value rounded once, whatever value_type says. On the calling thread. */
void ck_nf4_dequantize_bf16(const ck_nf4 *weight, size_t first, size_t count, uint16_t *out);

/* Values as float32, in parallel. */
void ck_nf4_dequantize(const ck_nf4 *weight, size_t first, size_t count, float *out);

/* ---- linear.c: products with a frozen weight [N, K] ------------------------------------------*/

/* Either float32 or NF4. */
typedef struct {
  const float *float32; /* or NULL */
  ck_nf4 nf4;
  size_t N, K;
} ck_weight;

size_t ck_linear_scratch(const ck_weight *weight);

/* out[T, N] = x[T, K] W' */
void ck_linear_forward(const float *x, const ck_weight *weight, float *out, size_t T,
                       void *scratch);

/* dx[T, K] += dout[T, N] W */
void ck_linear_backward(const float *dout, const ck_weight *weight, float *dx, size_t T,
                        void *scratch);

/* ---- bf16_gemm.c: products of bfloat16 matrices, summed in float32 ----------------------------*/

/* A right operand B [K, N]: element (k, n) is data[k * stride + n], or, where transposed,
 * data[n * stride + k]. It is bfloat16, float32 (times `scale`, then rounded to bfloat16) or NF4;
 * the pointers of the other two are NULL. */
typedef struct {
  const uint16_t *bfloat16;
  const float *float32;
  float scale;
  ck_nf4 nf4;
  size_t stride;
  bool transposed;
} ck_operand;

/* left[M, K] B[K, N]; rows of `left` are left_stride apart. */
typedef struct {
  const uint16_t *left;
  size_t left_stride, K;
  ck_operand right;
} ck_term;

/* Where a product goes, rows `stride` apart: bfloat16, or float32 with `residual` added where that
 * is given (it may be the result itself). */
typedef struct {
  uint16_t *bfloat16;
  float *float32;
  const float *residual;
  size_t stride;
} ck_result;

size_t ck_bf16_matmul_scratch(size_t N, const ck_term *terms, size_t count);

/* result[M, N] = the sum of the terms, of which there are at most 16; every K is even. */
void ck_bf16_matmul(size_t M, size_t N, const ck_term *terms, size_t count, ck_result result,
                    void *scratch);

size_t ck_bf16_contract_scratch(size_t T, size_t R, size_t workers);

/* out(r, n) += scale · sum_t left[t, r] right[t, n], out(r, n) = out[r * row + n * column]; for the
 * gradients of adapters. left [T, R] has rows left_stride apart, right [T, N] is dense. */
void ck_bf16_contract(const uint16_t *left, size_t left_stride, const uint16_t *right, size_t T, size_t R,
                      size_t N, float scale, float *out, size_t row, size_t column, void *scratch,
                      size_t workers);

/* out[n] = sum_k x[k] W[n, k], both bfloat16 or W in NF4: reading W is all there is to do. */
size_t ck_bf16_matvec_scratch(size_t K);
void ck_bf16_matvec(const uint16_t *x, const ck_operand *weight, size_t N, size_t K, float *out,
                    void *scratch);

/* ---- cross_entropy.c -------------------------------------------------------------------------*/

enum { CK_IGNORED_LABEL = -100 };

size_t ck_linear_cross_entropy_scratch(const ck_weight *weight, size_t T, bool gradient,
                                       size_t workers);

/* *loss += sum over tokens with a label of log(sum_v exp(z_v)) - z_label, z = hidden[t] W'.
 * dhidden[T, D], where given, is written: gradient_scale · dloss/dhidden, zero for tokens without
 * a label. */
void ck_linear_cross_entropy(const float *hidden, const ck_weight *weight, const int32_t *labels,
                             double gradient_scale, double *loss, float *dhidden, size_t T,
                             void *scratch, size_t workers);

/* The same in bfloat16; of an NF4 weight the head makes no use. */
size_t ck_bf16_linear_cross_entropy_scratch(const ck_operand *weight, size_t T, size_t V,
                                            size_t D);
void ck_bf16_linear_cross_entropy(const uint16_t *hidden, const ck_operand *weight,
                                  const int32_t *labels, double gradient_scale, double *loss,
                                  uint16_t *dhidden, size_t T, size_t V, size_t D, void *scratch);

/* ---- adamw.c ---------------------------------------------------------------------------------*/

typedef struct {
  double learning_rate, beta1, beta2, epsilon, weight_decay, gradient_scale;
  uint64_t step; /* from 1 */
} ck_adamw;

void ck_adamw_step(float *parameter, const float *gradient, float *first_moment,
                   float *second_moment, const ck_adamw *options, size_t count);

/* ---- elementwise.c ---------------------------------------------------------------------------*/

void ck_add(const float *x, float *y, size_t count); /* y += x */
void ck_scale(float *x, float factor, size_t count);

/* Sum of squares in double precision. */
double ck_sum_of_squares(const float *x, size_t count);

/* ---- convert.c -------------------------------------------------------------------------------*/

/* Round to nearest, ties to even; NaN stays NaN, overflow becomes infinity. */
void ck_bfloat16_to_float32(const uint16_t *x, float *y, size_t count);
void ck_float16_to_float32(const uint16_t *x, float *y, size_t count);
void ck_float32_to_bfloat16(const float *x, uint16_t *y, size_t count);
void ck_float32_to_float16(const float *x, uint16_t *y, size_t count);

bool ck_all_finite_float32(const float *x, size_t count);
bool ck_all_finite_float64(const double *x, size_t count);
/* 16-bit floats whose exponent bits are `exponent_mask`. */
bool ck_all_finite_16(const uint16_t *x, uint16_t exponent_mask, size_t count);

/* ---- random.c: Philox4x32-10 (Salmon et al. 2011) --------------------------------------------*/

/* One stream: number i of it is word i % 4 of the block with counter (i / 4, purpose, a, b). */
typedef struct {
  uint64_t seed;
  uint32_t purpose, a, b;
} ck_random_key;

void ck_random_block(ck_random_key key, uint32_t block, uint32_t words[4]);

/* out[i] = low + (high - low) u_i, u uniform in [0, 1), never high itself. */
void ck_random_uniform(ck_random_key key, float low, float high, float *out, size_t count);

/* out[i] = x[i] / (1 - probability) where number i of the stream is kept, 0 elsewhere;
 * `accumulate` adds instead. */
void ck_dropout(const float *x, float *out, double probability, ck_random_key key, bool accumulate,
                size_t count);
void ck_bf16_dropout(const uint16_t *x, uint16_t *out, double probability, ck_random_key key,
                     bool accumulate, size_t count);
