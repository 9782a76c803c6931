/* A stack of T5 blocks (encoder or decoder) with its embedding, relative position bias and last norm. */
#ifndef LACONIC_T5_STACK_H
#define LACONIC_T5_STACK_H

#include "base/arena.h"
#include "t5/layer.h"
#include "t5/model.h"

struct t5_block_memory {
    struct t5_attention_memory self, cross;
    struct t5_feed_forward_memory feed_forward;
};

struct t5_stack {
    bool decoder;
    int length; /* longest row; what the bias covers */
    int depth;
    struct t5_block_memory *blocks; /* [depth]; without backward all share one block's buffers */
    float *bias, *dbias;            /* [heads, 2 length - 1] */
    float *final_x, *final_inv;     /* [tokens, d_model], [tokens] */
    struct values output;           /* [tokens, d_model] */
    float *doutput;                 /* [tokens, d_model] */
};

struct t5_stack_size {
    int tokens, length; /* of this stack */
    int memory_tokens;  /* of the encoder, for the decoder's cross-attention; else 0 */
    bool with_backward, bf16;
};

/* Takes the buffers from the arena; runs the same on a measuring arena. stack->blocks is set by the caller.
 */
void t5_stack_lay_out(struct t5_stack *stack, const struct t5_config *config,
                      const struct t5_stack_size *size, struct arena *arena);

/* output = norm(blocks(embedding(rows))). memory: the encoder's output with its rows' starts, without
 * values for the encoder. */
struct t5_stack_input {
    struct t5_rows rows;
    const uint8_t
        *mask; /* of the keys that are masked: the encoder's own tokens; for the decoder the memory's */
    struct values memory;
    const int32_t *memory_start;
};
void t5_stack_forward(struct t5_context *t, struct t5_stack *stack, const struct t5_stack_weights *w,
                      size_t embedding, const struct t5_stack_input *input);

/* Reads doutput, adds to the gradients and (decoder) to dmemory [memory tokens, d_model]. */
void t5_stack_backward(struct t5_context *t, struct t5_stack *stack, const struct t5_stack_weights *w,
                       size_t embedding, const struct t5_stack_input *input, float *dmemory);

/* The buckets of this stack's relative positions. */
struct position_buckets t5_stack_buckets(const struct t5_config *config, bool decoder);

#endif
