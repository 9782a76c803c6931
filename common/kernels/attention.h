/* Multi-head attention over ragged rows, scores not scaled (T5 folds the scale into its initial values).
 *
 * Row r has queries q[q_start[r] .. q_start[r+1]) and keys, values at k_start. Arrays are [tokens, heads *
 * width]. P(i, j) = softmax over j of q_i . k_j + bias[h][j - i + length - 1], future keys excluded when
 * causal, masked keys as Hugging Face does it: the most negative float is added to their score.
 */
#ifndef LACONIC_KERNELS_ATTENTION_H
#define LACONIC_KERNELS_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attention_shape {
    int rows, heads, width;           /* width of one head */
    const int32_t *q_start, *k_start; /* [rows + 1] */
    const float *bias;                /* [heads, 2 length - 1] or NULL */
    int length;                       /* of the bias: longest row it covers */
    bool causal;
    const uint8_t *key_mask; /* [key tokens], 0 hides; NULL: all visible */
    float dropout_rate;      /* on the probabilities; 0: none */
    uint64_t dropout_key;
};

/* Floats of scratch per worker: longest row of queries times longest row of keys. */
size_t attention_scratch_size(int longest_queries, int longest_keys);

/* out [query tokens, heads * width]; probabilities [heads * sum over rows of queries * keys] kept for the
 * backward pass, or NULL without one (and without dropout). scratch: threads_count() times scratch_size
 * floats. */
void attention_forward(float *out, float *probabilities, const float *q, const float *k, const float *v,
                       const struct attention_shape *shape, float *scratch, size_t scratch_size);

/* Writes dq, dk, dv; dbias [heads, 2 length - 1] += when not NULL. Overwrites probabilities. */
void attention_backward(float *dq, float *dk, float *dv, float *dbias, const float *dout,
                        float *probabilities, const float *q, const float *k, const float *v,
                        const struct attention_shape *shape, float *scratch, size_t scratch_size);

/* One query per row against cached keys and values: row r reads keys + slot[r] * slot_stride, count[r] of
 * them. bias as above for query position count[r] - 1 (self-attention), or NULL. key_mask: none. scratch:
 * threads_count() times scratch_size floats, scratch_size >= the largest count. out may not be q. */
struct attention_step_shape {
    int rows, heads, width;
    const int *slot, *count; /* [rows] */
    size_t slot_stride;      /* floats between slots */
    const float *bias;
    int length;
};
void attention_step(float *out, const float *q, const float *keys, const float *values,
                    const struct attention_step_shape *shape, float *scratch, size_t scratch_size);

#endif
