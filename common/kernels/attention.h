/* Multi-head attention over ragged rows, in float32 or with bf16 operands; scores are not scaled (T5 folds
 * the scale into its initial values).
 *
 * Row r has queries q[q_start[r] .. q_start[r+1]) and keys, values at k_start. P(i, j) = softmax over j of
 * q_i . k_j + bias[h][j - i + length - 1], future keys excluded when causal, masked keys as Hugging Face does
 * it: the most negative float is added to their score. A row with queries has keys.
 *
 * The scores are never stored as a whole: strips of some queries pass by all keys. Forward leaves two numbers
 * per query and head, from which the backward pass computes a strip's probabilities again (Dao et al. 2022,
 * FlashAttention, without its tiling of keys). In bf16 the scores, the softmax and all sums are float32; only
 * operands of products are rounded. Results do not depend on the number of threads.
 *
 * Use: lay the scratch out for the largest batch, then
 *     attention_forward(out, statistics, &in, &shape, &scratch);
 *     attention_backward(&gradient, dbias, dout, out, statistics, &in, &shape, &scratch);
 */
#ifndef LACONIC_KERNELS_ATTENTION_H
#define LACONIC_KERNELS_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "kernels/bf16.h"

/* Arrays [tokens, stride], all of one precision; a head's columns start at head * width, so the three may be
 * parts of one product's rows. In bf16 width and strides are even, arrays 4-byte aligned. */
struct attention_operands {
    struct values q, k, v;
    int q_stride, k_stride, v_stride;
};

struct attention_shape {
    int rows, heads, width;           /* width of one head */
    const int32_t *q_start, *k_start; /* [rows + 1] */
    const float *bias;                /* [heads, 2 length - 1] or NULL */
    int length;                       /* of the bias: longest row it covers */
    bool causal;
    const uint8_t *key_mask; /* [key tokens], 0 hides; NULL: all visible */
    float dropout_rate;      /* on the probabilities; 0: none */
    uint64_t dropout_key; /* element number: index in [rows, heads, queries, keys], rows of their own sizes */
};

/* The most that calls with one scratch may ask for. */
struct attention_limits {
    int heads, width, length; /* length 0: never a bias */
    int queries, keys;        /* of the longest row */
    int threads;              /* threads_count() at most */
    bool bf16, backward;      /* whether in bf16 too; whether attention_backward() is called */
};

struct attention_scratch {
    struct attention_limits limits;
    unsigned char *workers; /* [threads, worker_size] */
    size_t worker_size;
    float *dbias; /* partial sums */
};

/* For an arena that measures as for one that gives. Shared by all calls within the limits, one at a time. */
void attention_scratch_lay_out(struct attention_scratch *scratch, const struct attention_limits *limits,
                               struct arena *arena);

/* out [query tokens, heads * width] in the precision of `in`; statistics [query tokens, heads, 2]: a query's
 * largest score and 1 / sum of e^(score - largest), or NULL without a backward pass. In float32 with
 * gemm_select(GEMM_PORTABLE) every row has the same bits on any CPU and among any neighbours. */
void attention_forward(struct values out, float *statistics, const struct attention_operands *in,
                       const struct attention_shape *shape, const struct attention_scratch *scratch);

/* Writes the gradients of q, k, v (0 for the keys of a row without queries); dbias [heads, 2 length - 1] +=
 * unless NULL. out and statistics as forward left them, dout laid out as out. */
void attention_backward(const struct attention_operands *gradient, float *dbias, struct values dout,
                        struct values out, const float *statistics, const struct attention_operands *in,
                        const struct attention_shape *shape, const struct attention_scratch *scratch);

#endif
