/* Encoder and decoder stacks, forward and backward. */
#include "t5/stack.h"
#include <string.h>
#include "kernels/embedding.h"
#include "kernels/norm.h"
#include "kernels/position.h"

enum { DECODER_PLACES = 1 << 16 }; /* dropout places of the decoder start here */

static void lay_out_attention(struct t5_attention_memory *m, const struct t5_config *c,
                              const struct t5_stack_size *size, bool cross, struct arena *arena) {
    size_t tokens = (size_t)size->tokens, keys = (size_t)size->memory_tokens, heads = (size_t)c->num_heads;
    size_t d = (size_t)c->d_model, inner = heads * (size_t)c->d_kv;
    m->x = ARENA_TAKE(arena, float, tokens *d);
    m->inv = ARENA_TAKE(arena, float, tokens);
    m->normed = t5_take_values(arena, size->bf16, tokens * d);
    m->projected = t5_take_values(arena, size->bf16, tokens * (cross ? 1 : 3) * inner);
    m->from_memory = cross ? t5_take_values(arena, size->bf16, keys * 2 * inner) : (struct values){0};
    m->context = t5_take_values(arena, size->bf16, tokens * inner);
    m->statistics = size->with_backward ? ARENA_TAKE(arena, float, 2 * heads * tokens) : NULL;
}

static void lay_out_feed_forward(struct t5_feed_forward_memory *m, const struct t5_config *c,
                                 const struct t5_stack_size *size, struct arena *arena) {
    size_t tokens = (size_t)size->tokens, d = (size_t)c->d_model, wide = tokens * (size_t)c->d_ff;
    m->x = ARENA_TAKE(arena, float, tokens *d);
    m->inv = ARENA_TAKE(arena, float, tokens);
    m->normed = t5_take_values(arena, size->bf16, tokens * d);
    m->active = t5_take_values(arena, size->bf16, wide);
    m->hidden = c->gated_gelu ? t5_take_values(arena, size->bf16, wide) : (struct values){0};
    m->gate = c->gated_gelu ? t5_take_values(arena, size->bf16, wide) : (struct values){0};
}

void t5_stack_lay_out(struct t5_stack *stack, const struct t5_config *c, const struct t5_stack_size *size,
                      struct arena *arena) {
    size_t tokens = (size_t)size->tokens, length = (size_t)size->length, d = (size_t)c->d_model;
    size_t span = (size_t)c->num_heads * (2 * length - 1);
    stack->length = size->length;
    for (int b = 0; b < stack->depth; b++) {
        if (b > 0 && !size->with_backward) {
            stack->blocks[b] = stack->blocks[0];
            continue;
        }
        struct t5_block_memory *block = &stack->blocks[b];
        lay_out_attention(&block->self, c, size, false, arena);
        if (stack->decoder)
            lay_out_attention(&block->cross, c, size, true, arena);
        lay_out_feed_forward(&block->feed_forward, c, size, arena);
    }
    stack->bias = ARENA_TAKE(arena, float, span);
    stack->dbias = size->with_backward ? ARENA_TAKE(arena, float, span) : NULL;
    stack->final_x = ARENA_TAKE(arena, float, tokens *d);
    stack->final_inv = ARENA_TAKE(arena, float, tokens);
    stack->output = t5_take_values(arena, size->bf16, tokens * d);
    stack->doutput = size->with_backward ? ARENA_TAKE(arena, float, tokens *d) : NULL;
}

struct position_buckets t5_stack_buckets(const struct t5_config *config, bool decoder) {
    return (struct position_buckets){.buckets = config->relative_attention_num_buckets,
                                     .largest_distance = config->relative_attention_max_distance,
                                     .both_sides = !decoder};
}

static struct attention_shape self_shape(const struct t5_config *c, const struct t5_stack *stack,
                                         const struct t5_stack_input *in) {
    return (struct attention_shape){.rows = in->rows.count,
                                    .heads = c->num_heads,
                                    .width = c->d_kv,
                                    .q_start = in->rows.start,
                                    .k_start = in->rows.start,
                                    .bias = stack->bias,
                                    .length = stack->length,
                                    .causal = stack->decoder,
                                    .key_mask = stack->decoder ? NULL : in->mask};
}

static struct attention_shape cross_shape(const struct t5_config *c, const struct t5_stack_input *in) {
    return (struct attention_shape){.rows = in->rows.count,
                                    .heads = c->num_heads,
                                    .width = c->d_kv,
                                    .q_start = in->rows.start,
                                    .k_start = in->memory_start,
                                    .key_mask = in->mask};
}

/* Sublayers are numbered from 1 in the order of the forward pass. */
static int place_of(const struct t5_stack *stack, int block, int sublayer) {
    return (stack->decoder ? DECODER_PLACES : 0) + 1 + 3 * block + sublayer;
}

static float *next_input(struct t5_stack *stack, int block) {
    return block + 1 < stack->depth ? stack->blocks[block + 1].self.x : stack->final_x;
}

void t5_stack_forward(struct t5_context *t, struct t5_stack *stack, const struct t5_stack_weights *w,
                      size_t embedding, const struct t5_stack_input *in) {
    const struct t5_config *c = t->config;
    int tokens = in->rows.start[in->rows.count], d = c->d_model;
    size_t size = (size_t)tokens * (size_t)d;
    struct position_buckets buckets = t5_stack_buckets(c, stack->decoder);

    float *x = stack->blocks[0].self.x;
    embedding_forward(x, t->weights + embedding, in->rows.ids, tokens, d);
    if (c->absolute_positions)
        positions_forward(x, t->weights + w->positions, in->rows.start, in->rows.count, d);
    t5_dropout(t, (struct values){.f32 = x}, size, place_of(stack, 0, -1) * T5_PLACES);
    position_bias_forward(stack->bias, t->weights + w->relative_bias, &buckets, c->num_heads, stack->length);

    for (int b = 0; b < stack->depth; b++) {
        struct t5_block_memory *m = &stack->blocks[b];
        const struct t5_block_weights *bw = &w->blocks[b];
        t5_attention_forward(t, &m->self, &bw->self, self_shape(c, stack, in), (struct values){0},
                             place_of(stack, b, 0), stack->decoder ? m->cross.x : m->feed_forward.x);
        if (stack->decoder)
            t5_attention_forward(t, &m->cross, &bw->cross, cross_shape(c, in), in->memory,
                                 place_of(stack, b, 1), m->feed_forward.x);
        t5_feed_forward_forward(t, &m->feed_forward, &bw->feed_forward, tokens, place_of(stack, b, 2),
                                next_input(stack, b));
    }
    norm_forward(stack->output, stack->final_inv, NULL, stack->final_x, t->weights + w->final_norm, tokens, d,
                 c->layer_norm_epsilon);
    t5_dropout(t, stack->output, size, place_of(stack, 0, -1) * T5_PLACES + T5_PLACE_INSIDE);
}

void t5_stack_backward(struct t5_context *t, struct t5_stack *stack, const struct t5_stack_weights *w,
                       size_t embedding, const struct t5_stack_input *in, float *dmemory) {
    const struct t5_config *c = t->config;
    int tokens = in->rows.start[in->rows.count], d = c->d_model;
    size_t size = (size_t)tokens * (size_t)d;
    struct position_buckets buckets = t5_stack_buckets(c, stack->decoder);
    float *dx = t->dx;

    t5_dropout(t, (struct values){.f32 = stack->doutput}, size,
               place_of(stack, 0, -1) * T5_PLACES + T5_PLACE_INSIDE);
    memset(dx, 0, size * sizeof *dx);
    norm_backward(dx, t->gradients + w->final_norm, stack->doutput, stack->final_x, stack->final_inv,
                  t->weights + w->final_norm, tokens, d);
    memset(stack->dbias, 0, (size_t)c->num_heads * (2 * (size_t)stack->length - 1) * sizeof *stack->dbias);

    for (int b = stack->depth - 1; b >= 0; b--) {
        struct t5_block_memory *m = &stack->blocks[b];
        const struct t5_block_weights *bw = &w->blocks[b];
        t5_feed_forward_backward(t, &m->feed_forward, &bw->feed_forward, tokens, place_of(stack, b, 2));
        if (stack->decoder)
            t5_attention_backward(t, &m->cross, &bw->cross, cross_shape(c, in), in->memory,
                                  place_of(stack, b, 1), dmemory, NULL);
        t5_attention_backward(t, &m->self, &bw->self, self_shape(c, stack, in), (struct values){0},
                              place_of(stack, b, 0), NULL, stack->dbias);
    }
    position_bias_backward(t->gradients + w->relative_bias, stack->dbias, &buckets, c->num_heads,
                           stack->length);
    t5_dropout(t, (struct values){.f32 = dx}, size, place_of(stack, 0, -1) * T5_PLACES);
    if (c->absolute_positions)
        positions_backward(t->gradients + w->positions, dx, in->rows.start, in->rows.count, d);
    embedding_backward(t->gradients + embedding, dx, in->rows.ids, tokens, d);
}
