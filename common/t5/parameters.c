/* The one list of T5's parameters: names, shapes, places, initial values. Names are those of Hugging Face's
 * state dict, initial deviations those of its T5PreTrainedModel (factor 1), which are Mesh TensorFlow's. */
#include "t5/parameters.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { WEIGHT_ALIGNMENT = 16 }; /* floats: every tensor starts on a 64-byte line */

/* The list is walked twice: to count (parameters NULL), then to fill. */
struct walk {
    struct t5_model *model;
    struct t5_parameter *parameters;
    int count;
    size_t offset;
};

__attribute__((format(printf, 6, 7))) static void add(struct walk *walk, size_t *place, int rows, int columns,
                                                      double deviation, const char *format, ...) {
    *place = walk->offset;
    if (walk->parameters) {
        struct t5_parameter *p = &walk->parameters[walk->count];
        *p = (struct t5_parameter){.rank = rows ? 2 : 1,
                                   .rows = rows ? rows : 1,
                                   .columns = columns,
                                   .offset = walk->offset,
                                   .deviation = (float)deviation};
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(p->name, sizeof p->name, format, arguments);
        va_end(arguments);
    }
    size_t size = (size_t)(rows ? rows : 1) * (size_t)columns;
    walk->count++;
    walk->offset += (size + WEIGHT_ALIGNMENT - 1) / WEIGHT_ALIGNMENT * WEIGHT_ALIGNMENT;
}

/* stack: "encoder" or "decoder"; layer: number of the sublayer within its block; kind: Hugging Face's class
 * field. */
static void add_attention(struct walk *walk, struct t5_attention_weights *w, const char *stack, int block,
                          int layer, const char *kind, size_t *relative_bias) {
    const struct t5_config *c = &walk->model->config;
    int d = c->d_model, inner = c->num_heads * c->d_kv;
    add(walk, &w->q, inner, d, 1 / sqrt((double)d * c->d_kv), "%s.block.%d.layer.%d.%s.q.weight", stack,
        block, layer, kind);
    add(walk, &w->k, inner, d, 1 / sqrt(d), "%s.block.%d.layer.%d.%s.k.weight", stack, block, layer, kind);
    add(walk, &w->v, inner, d, 1 / sqrt(d), "%s.block.%d.layer.%d.%s.v.weight", stack, block, layer, kind);
    add(walk, &w->o, d, inner, 1 / sqrt(inner), "%s.block.%d.layer.%d.%s.o.weight", stack, block, layer,
        kind);
    if (relative_bias)
        add(walk, relative_bias, c->relative_attention_num_buckets, c->num_heads, 1 / sqrt(d),
            "%s.block.%d.layer.%d.%s.relative_attention_bias.weight", stack, block, layer, kind);
    add(walk, &w->norm, 0, d, 0, "%s.block.%d.layer.%d.layer_norm.weight", stack, block, layer);
}

static void add_feed_forward(struct walk *walk, struct t5_feed_forward_weights *w, const char *stack,
                             int block, int layer) {
    const struct t5_config *c = &walk->model->config;
    double in = 1 / sqrt(c->d_model), out = 1 / sqrt(c->d_ff);
    if (c->gated_gelu) {
        add(walk, &w->wi, c->d_ff, c->d_model, in, "%s.block.%d.layer.%d.DenseReluDense.wi_0.weight", stack,
            block, layer);
        add(walk, &w->gate, c->d_ff, c->d_model, in, "%s.block.%d.layer.%d.DenseReluDense.wi_1.weight", stack,
            block, layer);
    } else {
        add(walk, &w->wi, c->d_ff, c->d_model, in, "%s.block.%d.layer.%d.DenseReluDense.wi.weight", stack,
            block, layer);
    }
    add(walk, &w->wo, c->d_model, c->d_ff, out, "%s.block.%d.layer.%d.DenseReluDense.wo.weight", stack, block,
        layer);
    add(walk, &w->norm, 0, c->d_model, 0, "%s.block.%d.layer.%d.layer_norm.weight", stack, block, layer);
}

static void add_stack(struct walk *walk, struct t5_stack_weights *w, const char *stack, bool decoder) {
    const struct t5_config *c = &walk->model->config;
    if (c->absolute_positions)
        add(walk, &w->positions, c->absolute_positions, c->d_model, 1.0, "%s.absolute_positions.weight",
            stack);
    for (int b = 0; b < w->depth; b++) {
        struct t5_block_weights *block = &w->blocks[b];
        int layer = 0;
        add_attention(walk, &block->self, stack, b, layer++, "SelfAttention",
                      b == 0 ? &w->relative_bias : NULL);
        if (decoder)
            add_attention(walk, &block->cross, stack, b, layer++, "EncDecAttention", NULL);
        add_feed_forward(walk, &block->feed_forward, stack, b, layer);
    }
    add(walk, &w->final_norm, 0, c->d_model, 0, "%s.final_layer_norm.weight", stack);
}

static void walk_all(struct walk *walk) {
    const struct t5_config *c = &walk->model->config;
    struct t5_layout *layout = walk->model->layout;
    walk->count = 0;
    walk->offset = 0;
    add(walk, &layout->embedding, c->vocab_size, c->d_model, 1.0, "shared.weight");
    add_stack(walk, &layout->encoder, "encoder", false);
    add_stack(walk, &layout->decoder, "decoder", true);
    layout->head = layout->embedding;
    if (!c->tie_word_embeddings)
        add(walk, &layout->head, c->vocab_size, c->d_model, 1.0, "lm_head.weight");
}

enum status t5_list_parameters(struct t5_model *model) {
    const struct t5_config *c = &model->config;
    struct t5_layout *layout = calloc(1, sizeof *layout);
    model->layout = layout;
    if (!layout)
        goto no_memory;
    layout->encoder.depth = c->num_layers;
    layout->decoder.depth = c->num_decoder_layers;
    layout->encoder.blocks = calloc((size_t)c->num_layers, sizeof *layout->encoder.blocks);
    layout->decoder.blocks = calloc((size_t)c->num_decoder_layers, sizeof *layout->decoder.blocks);
    if (!layout->encoder.blocks || !layout->decoder.blocks)
        goto no_memory;
    struct walk walk = {.model = model};
    walk_all(&walk);
    model->parameters = walk.parameters = calloc((size_t)walk.count, sizeof *walk.parameters);
    if (!walk.parameters)
        goto no_memory;
    walk_all(&walk);
    model->parameter_count = walk.count;
    model->weight_count = walk.offset;
    return STATUS_OK;
no_memory:
    t5_free_parameters(model);
    return fail(STATUS_MEMORY, "no memory for the parameter list of a model with %d + %d blocks",
                c->num_layers, c->num_decoder_layers);
}

void t5_free_parameters(struct t5_model *model) {
    if (model->layout) {
        free(model->layout->encoder.blocks);
        free(model->layout->decoder.blocks);
    }
    free(model->layout);
    free(model->parameters);
    model->layout = NULL;
    model->parameters = NULL;
    model->parameter_count = 0;
}
