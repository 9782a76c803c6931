/* Where each layer finds its weights: offsets into the flat array, filled by the one list in parameters.c. */
#ifndef LACONIC_T5_PARAMETERS_H
#define LACONIC_T5_PARAMETERS_H

#include <stddef.h>
#include "t5/model.h"

struct t5_attention_weights {
    size_t norm, q, k, v, o;
};

struct t5_feed_forward_weights {
    size_t norm, wi, gate, wo; /* gate only with gated_gelu */
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
    size_t embedding, head; /* head == embedding when tied */
    struct t5_stack_weights encoder, decoder;
};

/* Fills model->parameters, parameter_count, weight_count and layout from model->config; weights stay NULL. */
enum status t5_list_parameters(struct t5_model *model);
void t5_free_parameters(struct t5_model *model);

#endif
