/* T5's tensors in one flat array: their list, and where each layer finds its own. Both are filled by the one
 * walk in parameters.c. Offsets count numbers from the start of the array. */
#ifndef LACONIC_T5_PARAMETERS_H
#define LACONIC_T5_PARAMETERS_H

#include <stddef.h>
#include "base/status.h"
#include "t5/config.h"

/* One weight tensor, named as in Hugging Face's state dict. Linear weights are [out, in]. */
struct t5_parameter {
    char name[80];
    int rank;          /* 1 or 2 */
    int rows, columns; /* rank 1: rows == 1 */
    size_t offset;
    float deviation; /* standard deviation of the initial values; 0: all ones (norms) */
};

/* Tensors that share their input stand one behind the other and are one linear layer. */
struct t5_linear {
    size_t w; /* [out, in] */
    int in, out;
    size_t forward, backward; /* packed copies, numbers from the start of model->packed */
};

struct t5_attention_weights {
    size_t norm;
    struct t5_linear qkv;   /* self-attention: [3 inner, d_model] */
    struct t5_linear q, kv; /* cross-attention: [inner, d_model], [2 inner, d_model] */
    struct t5_linear o;
};

struct t5_feed_forward_weights {
    size_t norm;
    struct t5_linear wi, gate, wo; /* gate only with gated_gelu */
};

struct t5_block_weights {
    struct t5_attention_weights self, cross; /* cross only in the decoder */
    struct t5_feed_forward_weights feed_forward;
};

struct t5_stack_weights {
    size_t relative_bias; /* [buckets, heads] */
    size_t positions;     /* [absolute_positions, d_model], if any */
    size_t final_norm;
    int depth;
    struct t5_block_weights *blocks; /* [depth] */
};

struct t5_layout {
    struct t5_parameter *parameters; /* [parameter_count] ascending offsets */
    int parameter_count;
    size_t weight_count; /* numbers in the flat array, gaps between linear layers included */
    size_t embedding;
    struct t5_linear head; /* the embedding when tied */
    struct t5_stack_weights encoder, decoder;
    struct t5_linear *linears; /* [linear_count] all of them, in the order of the flat array */
    int linear_count;
    size_t packed_count; /* bf16 numbers of their packed copies */
};

/* The layout of models of this shape; NULL after a failure. */
enum status t5_layout_open(struct t5_layout **layout, const struct t5_config *config);
void t5_layout_close(struct t5_layout *layout); /* NULL is fine */

/* The number of the parameter that begins at this offset; one must. */
int t5_parameter_at(const struct t5_layout *layout, size_t offset);

#endif
