/* The innermost loops, compiled once per instruction set and chosen when the program starts.
 *
 * lanes.c is built three times (baseline, AVX2, AVX-512) from the same source with the same element-wise IEEE
 * operations and the same order of sums, so all three give the same bits; only their speed differs.
 * Everything runs on the calling thread. Arrays are float32; outputs may be inputs where noted.
 */
#ifndef LACONIC_KERNELS_LANES_H
#define LACONIC_KERNELS_LANES_H

#include <stddef.h>
#include <stdint.h>

enum { GEMM_PANEL = 32, GEMM_TILE = 4 };

struct lanes_adamw {
    float beta1, beta2, epsilon, gradient_scale;
    float rate;      /* learning rate / (1 - beta1^step) */
    float inverse_v; /* 1 / (1 - beta2^step) */
    float keep;      /* 1 - learning rate * weight decay */
};

/* result, name, parameters: one row per loop. */
#define LANES_LIST(X)                                                                                        \
    X(float, dot, (const float *a, const float *b, size_t n))                                                \
    X(float, sum, (const float *a, size_t n))                                                                \
    X(float, max, (const float *a, size_t n))                    /* n >= 1 */                                \
    X(void, axpy, (float *y, float a, const float *x, size_t n)) /* y += a x */                              \
    X(void, scale, (float *y, float a, size_t n))                /* y *= a */                                \
    X(void, softmax, (float *x, size_t n))                       /* in place, n >= 1 */                      \
    /* sum of e^(x - largest); terms kept in `out` unless NULL, which may be x */                            \
    X(float, exp_sum, (const float *x, float *out, float largest, size_t n))                                 \
    X(void, softmax_backward, (float *p, const float *dp, size_t n)) /* p = p (dp - sum dp p) */             \
    X(void, norm, (float *y, const float *x, const float *weight, float inv, size_t n))                      \
    X(void, norm_backward,                                                                                   \
      (float *dx, const float *dy, const float *x, const float *weight, float inv, size_t n))                \
    X(void, multiply_add,                                                                                    \
      (float *y, const float *a, const float *b, float scale, size_t n)) /* y += a b scale */                \
    X(void, relu, (float *y, const float *x, size_t n))                                                      \
    X(void, relu_backward, (float *dx, const float *dy, const float *x, size_t n))                           \
    X(void, gated_gelu, (float *y, const float *x, const float *gate, size_t n))                             \
    X(void, gated_gelu_backward,                                                                             \
      (float *dx, float *dgate, const float *dy, const float *x, const float *gate, size_t n))               \
    X(void, dropout,                                                                                         \
      (float *y, const float *x, size_t n, uint32_t threshold, float scale, uint32_t seed, uint32_t first))  \
    X(void, bf16_round, (uint16_t * y, const float *x, size_t n))                                            \
    X(void, bf16_widen, (float *y, const uint16_t *x, size_t n))                                             \
    X(void, bf16_pair, (uint32_t * y, const uint16_t *low, const uint16_t *high, size_t n))                  \
    X(void, bf16_pair_round, (uint32_t * y, const float *low, const float *high, size_t n))                  \
    /* y [columns, 32] = x [32, columns] transposed, rows from `rows` on zero; columns up to a multiple of   \
     * 16 */                                                                                                 \
    X(void, transpose_panel, (uint32_t * y, const uint32_t *x, size_t stride, size_t rows, size_t columns))  \
    X(void, adamw, (float *w, float *m, float *v, const float *g, size_t n, const struct lanes_adamw *s))    \
    /* one query of one head over `count` cached keys and values, `stride` floats apart: see attention_step  \
     */                                                                                                      \
    X(void, attend,                                                                                          \
      (float *out, const float *q, const float *keys, const float *values, const float *bias, float *scores, \
       size_t count, size_t stride, size_t width))                                                           \
    /* sums [rows, GEMM_PANEL] += A packed [depth, GEMM_PANEL], A(i, k) = a[i row + k column] */             \
    X(void, gemm_panel,                                                                                      \
      (float *sums, const float *packed, const float *a, size_t row, size_t column, size_t rows,             \
       size_t depth))

struct lanes {
    const char *name; /* "scalar", "avx2", "avx512" */
#define LANES_FIELD(result, field, parameters) result(*field) parameters;
    LANES_LIST(LANES_FIELD)
#undef LANES_FIELD
};

extern const struct lanes lanes_scalar, lanes_avx2, lanes_avx512;

/* The chosen one; the best this CPU has until lanes_select() says otherwise. */
extern const struct lanes *lanes;

/* By name; NULL if unknown or beyond this CPU, and then nothing changes. */
const struct lanes *lanes_select(const char *name);

#endif
