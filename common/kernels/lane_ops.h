/* The operations on arrays that all kernels are made of, innermost loops compiled once per instruction set
 * and chosen when the program starts. A lane is one of the numbers that a vector instruction works on.
 *
 * lane_ops.c is built three times (baseline, AVX2, AVX-512) from the same source with the same element-wise
 * IEEE operations and the same order of sums, so all three give the same bits; only their speed differs.
 * Everything runs on the calling thread. Arrays are float32; outputs may be inputs where noted.
 */
#ifndef LACONIC_KERNELS_LANE_OPS_H
#define LACONIC_KERNELS_LANE_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GEMM_PANEL = 32, GEMM_TILE = 4 };

struct lane_adamw {
    float beta1, beta2, epsilon, gradient_scale;
    float rate;      /* learning rate / (1 - beta1^step) */
    float inverse_v; /* 1 / (1 - beta2^step) */
    float keep;      /* 1 - learning rate * weight decay */
};

/* A strip of one head's scores, queries by keys: score (i, j) is scores + bias + penalty, and row i sees its
 * first min(seen + i growth, keys) keys. Every row may be read in whole sixteens up to `columns`. */
struct lane_scores {
    float *scores;             /* [rows, stride] */
    size_t rows, stride;       /* stride = columns + 16 */
    size_t columns;            /* a multiple of 32, at least the keys seen */
    size_t keys, seen, growth; /* growth 1: causal, else 0 */
    const float *bias;         /* of row 0; that of row i starts i earlier; NULL: none */
    const float *penalty;      /* of every row; NULL: none */
    uint32_t threshold, seed;  /* of dropout.h; threshold 0: none */
    uint32_t first;            /* number of element (0, 0), that of (i, j) is i keys + j more */
    float keep;                /* 1 / (1 - dropout rate) */
};

/* The same strip's gradient. */
struct lane_gradient {
    const float *statistics; /* of row i at i * step: largest score, 1 / sum of e^(score - largest) */
    size_t step;
    const float *common;          /* [rows]: out . dout */
    float *dscores;               /* [rows, stride] after 16 more: in dout v^T, out d(loss)/d(score) */
    bool keep_dscores;            /* bf16: whether dscores are wanted in float32 too */
    uint16_t *ds;                 /* bf16: dscores [rows, stride] */
    uint32_t *p_pairs, *ds_pairs; /* bf16: probabilities and dscores packed [rows, columns] (bf16.h) */
    size_t pairs;                 /* of a panel of these */
};

/* result, name, parameters: one row per operation. */
#define LANE_OPS(X)                                                                                          \
    X(float, dot, (const float *a, const float *b, size_t n))                                                \
    X(double, sum_of_squares, (const float *a, size_t n))                                                    \
    X(float, max, (const float *a, size_t n))                    /* n >= 1 */                                \
    X(void, axpy, (float *y, float a, const float *x, size_t n)) /* y += a x */                              \
    X(void, scale, (float *y, float a, size_t n))                /* y *= a */                                \
    /* sum of e^(x - largest); terms kept in `out` unless NULL, which may be x */                            \
    X(float, exp_sum, (const float *x, float *out, float largest, size_t n))                                 \
    /* the same of scale (x - largest) */                                                                    \
    X(float, exp_scaled, (const float *x, float *out, float scale, float largest, size_t n))                 \
    /* how many entries are at least `least`; *sum becomes their sum */                                      \
    X(size_t, count_from, (const float *x, float least, float *sum, size_t n))                               \
    X(void, norm, (float *y, const float *x, const float *weight, float inv, size_t n))                      \
    X(void, norm_round, (uint16_t * y, const float *x, const float *weight, float inv, size_t n))            \
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
    /* y [pairs, 32] = x [2 pairs, 32], rows of x `stride` apart: two rows side by side, a word per column   \
     */                                                                                                      \
    X(void, bf16_pair_rows, (uint32_t * y, const uint16_t *x, size_t stride, size_t pairs))                  \
    X(void, bf16_pair_round, (uint32_t * y, const float *low, const float *high, size_t n))                  \
    /* y [columns, 32] = x [32, columns] transposed, rows from `rows` on zero; columns up to a multiple of   \
     * 16 */                                                                                                 \
    X(void, transpose_panel, (uint32_t * y, const uint32_t *x, size_t stride, size_t rows, size_t columns))  \
    X(void, adamw,                                                                                           \
      (float *w, float *m, float *v, float *g, size_t n, const struct lane_adamw *s)) /* g = 0 */            \
    /* one query of one head over `count` cached keys and values, `stride` floats apart (attention_cache.c)  \
     */                                                                                                      \
    X(void, attend,                                                                                          \
      (float *out, const float *q, const float *keys, const float *values, const float *bias, float *scores, \
       size_t count, size_t stride, size_t width))                                                           \
    /* scores become probabilities after dropout, zero behind those seen; statistics as in lane_gradient */  \
    X(void, softmax_rows, (const struct lane_scores *s, float *statistics, size_t step))                     \
    /* p [rows, stride] = probabilities times their row's sum */                                             \
    X(void, softmax_rows_bf16, (const struct lane_scores *s, uint16_t *p, float *statistics, size_t step))   \
    /* scores become probabilities after dropout, dscores gradients with 16 zeros before and behind rows */  \
    X(void, softmax_backward_rows, (const struct lane_scores *s, const struct lane_gradient *g))             \
    X(void, softmax_backward_rows_bf16, (const struct lane_scores *s, const struct lane_gradient *g))        \
    /* y[j - i + rows - 1] += x(i, j), in whole sixteens of y; x has 16 zeros before and behind every row */ \
    X(void, diagonal_sums, (float *y, const float *x, size_t stride, size_t rows, size_t columns))           \
    /* y[i] = a row . b row */                                                                               \
    X(void, bf16_dot_rows,                                                                                   \
      (float *y, const uint16_t *a, size_t a_stride, const uint16_t *b, size_t b_stride, size_t rows,        \
       size_t n))                                                                                            \
    /* y row = x row times factor[i * step] */                                                               \
    X(void, bf16_scale_rows,                                                                                 \
      (uint16_t * y, size_t y_stride, const float *x, size_t x_stride, const float *factor, size_t step,     \
       size_t rows, size_t n))                                                                               \
    /* sums [rows, GEMM_PANEL] += A packed [depth, GEMM_PANEL], A(i, k) = a[i row + k column] */             \
    X(void, gemm_panel,                                                                                      \
      (float *sums, const float *packed, const float *a, size_t row, size_t column, size_t rows,             \
       size_t depth))

struct lane_ops {
    const char *name; /* "scalar", "avx2", "avx512" */
#define LANE_OPS_FIELD(result, field, parameters) result(*field) parameters;
    LANE_OPS(LANE_OPS_FIELD)
#undef LANE_OPS_FIELD
};

extern const struct lane_ops lane_ops_scalar, lane_ops_avx2, lane_ops_avx512;

/* The chosen one; the best this CPU has until lane_ops_select() says otherwise. */
extern const struct lane_ops *lane_ops;

/* By name; NULL if unknown or beyond this CPU, and then nothing changes. */
const struct lane_ops *lane_ops_select(const char *name);

#endif
