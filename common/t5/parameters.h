/* Where each layer finds its weights: offsets into the flat array, filled by the one list in parameters.c. */
#ifndef LACONIC_T5_PARAMETERS_H
#define LACONIC_T5_PARAMETERS_H

#include <stddef.h>
#include "t5/model.h"

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
    size_t embedding;
    struct t5_linear head; /* the embedding when tied */
    struct t5_stack_weights encoder, decoder;
    struct t5_linear *linears; /* [linear_count] all of them, in the order of the flat array */
    int linear_count;
    size_t packed_count; /* bf16 numbers of their packed copies */
};

/* Fills model->parameters, parameter_count, weight_count and layout from model->config;
 * weights stay NULL. */
enum status t5_list_parameters(struct t5_model *model);
void t5_free_parameters(struct t5_model *model);

#endif
