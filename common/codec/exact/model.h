/* A T5 model in 8 bits, as the codec computes with it (docs/format.md, "Arithmetic").
 *
 * Linear layers and the embedding are quantised row by row, w ~ scale q with scale = largest |w| / 127;
 * norms, relative biases and learned positions stay float32. The rule is fixed: the same float32 weights give
 * the same bytes everywhere.
 */
#ifndef LACONIC_CODEC_EXACT_MODEL_H
#define LACONIC_CODEC_EXACT_MODEL_H

#include "base/arena.h"
#include "base/status.h"
#include "codec/exact/ops.h"
#include "t5/model.h"

struct exact_attention_weights {
    const float *norm;         /* [d_model] */
    struct exact_matrix qkv;   /* self-attention: q, k, v one below the other */
    struct exact_matrix q, kv; /* cross-attention */
    struct exact_matrix o;
};

struct exact_block_weights {
    struct exact_attention_weights self, cross; /* cross only in the decoder */
    const float *norm;                          /* of the feed-forward layer */
    struct exact_matrix wi, gate, wo;           /* gate only with gated_gelu */
};

struct exact_stack_weights {
    int depth;
    struct exact_block_weights *blocks;
    const float *relative_bias; /* [buckets, heads] */
    const float *positions;     /* [absolute_positions, d_model]; NULL: none */
    const float *final_norm;
};

struct exact_model {
    struct t5_config config;
    struct exact_matrix embedding; /* [vocabulary, d_model]; also the head when tied */
    struct exact_matrix head;
    struct exact_stack_weights encoder, decoder;
    struct arena arena;
};

/* Copies; the model may go. A weight that is not a finite number: STATUS_FORMAT. */
enum status exact_model_open(struct exact_model *model, const struct t5_model *from);
void exact_model_close(struct exact_model *model); /* safe on a zeroed model */

/* x [d_model] = row `id` of the embedding. */
void exact_embed(float *x, const struct exact_model *model, int32_t id);

#endif
