/* The one list of T5's parameters: names, shapes, places, initial values. Names are those of Hugging Face's
 * state dict, initial deviations those of its T5PreTrainedModel (factor 1), which are Mesh TensorFlow's. */
#include "t5/parameters.h"
#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernels/bf16.h"

enum { WEIGHT_ALIGNMENT = 16 }; /* floats: every linear layer starts on a 64-byte line */

/* The list is walked twice: to count (parameters NULL), then to fill. */
struct walk {
    const struct t5_config *config;
    struct t5_layout *layout;
    struct t5_parameter *parameters;
    struct t5_linear *linears; /* all of them */
    int count, linear_count;
    size_t offset, packed;
};

__attribute__((format(printf, 5, 6))) static size_t add(struct walk *walk, int rows, int columns,
                                                        double deviation, const char *format, ...) {
    size_t place = walk->offset, size = (size_t)(rows ? rows : 1) * (size_t)columns;
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
    walk->count++;
    walk->offset += size;
    return place;
}

/* The next tensor starts on a line of its own. */
static void align(struct walk *walk) {
    walk->offset = (walk->offset + WEIGHT_ALIGNMENT - 1) / WEIGHT_ALIGNMENT * WEIGHT_ALIGNMENT;
}

/* The linear layer of the tensors from `w` on. */
static struct t5_linear linear(struct walk *walk, size_t w, int in, int out) {
    struct t5_linear l = {w, in, out, walk->packed, walk->packed + bf16_packed_count(in, out)};
    walk->packed = l.backward + bf16_packed_count(out, in);
    if (walk->linears)
        walk->linears[walk->linear_count] = l;
    walk->linear_count++;
    return l;
}

static size_t add_norm(struct walk *walk, const char *stack, int block, int layer) {
    size_t norm =
        add(walk, 0, walk->config->d_model, 0, "%s.block.%d.layer.%d.layer_norm.weight", stack, block, layer);
    align(walk);
    return norm;
}

#define PROJECTION "%s.block.%d.layer.%d.%s.%s.weight"

/* stack: "encoder" or "decoder"; layer: number of the sublayer within its block; kind: Hugging Face's class
 * field. */
static void add_attention(struct walk *walk, struct t5_attention_weights *w, const char *stack, int block,
                          int layer, const char *kind, size_t *relative_bias) {
    const struct t5_config *c = walk->config;
    int d = c->d_model, inner = c->num_heads * c->d_kv;
    double deviation = 1 / sqrt(d);
    size_t q = add(walk, inner, d, 1 / sqrt((double)d * c->d_kv), PROJECTION, stack, block, layer, kind, "q");
    size_t k = add(walk, inner, d, deviation, PROJECTION, stack, block, layer, kind, "k");
    add(walk, inner, d, deviation, PROJECTION, stack, block, layer, kind, "v");
    align(walk);
    size_t o = add(walk, d, inner, 1 / sqrt(inner), PROJECTION, stack, block, layer, kind, "o");
    align(walk);
    if (strcmp(kind, "SelfAttention") == 0) {
        w->qkv = linear(walk, q, d, 3 * inner);
    } else {
        w->q = linear(walk, q, d, inner);
        w->kv = linear(walk, k, d, 2 * inner);
    }
    w->o = linear(walk, o, inner, d);
    if (relative_bias) {
        *relative_bias =
            add(walk, c->relative_attention_num_buckets, c->num_heads, deviation,
                "%s.block.%d.layer.%d.%s.relative_attention_bias.weight", stack, block, layer, kind);
        align(walk);
    }
    w->norm = add_norm(walk, stack, block, layer);
}

static struct t5_linear add_dense(struct walk *walk, const char *stack, int block, int layer,
                                  const char *name, int in, int out) {
    size_t w = add(walk, out, in, 1 / sqrt(in), "%s.block.%d.layer.%d.DenseReluDense.%s.weight", stack, block,
                   layer, name);
    align(walk);
    return linear(walk, w, in, out);
}

static void add_feed_forward(struct walk *walk, struct t5_feed_forward_weights *w, const char *stack,
                             int block, int layer) {
    const struct t5_config *c = walk->config;
    w->wi = add_dense(walk, stack, block, layer, c->gated_gelu ? "wi_0" : "wi", c->d_model, c->d_ff);
    if (c->gated_gelu)
        w->gate = add_dense(walk, stack, block, layer, "wi_1", c->d_model, c->d_ff);
    w->wo = add_dense(walk, stack, block, layer, "wo", c->d_ff, c->d_model);
    w->norm = add_norm(walk, stack, block, layer);
}

static void add_stack(struct walk *walk, struct t5_stack_weights *w, const char *stack, bool decoder) {
    const struct t5_config *c = walk->config;
    if (c->absolute_positions) {
        w->positions =
            add(walk, c->absolute_positions, c->d_model, 1.0, "%s.absolute_positions.weight", stack);
        align(walk);
    }
    for (int b = 0; b < w->depth; b++) {
        struct t5_block_weights *block = &w->blocks[b];
        int layer = 0;
        add_attention(walk, &block->self, stack, b, layer++, "SelfAttention",
                      b == 0 ? &w->relative_bias : NULL);
        if (decoder)
            add_attention(walk, &block->cross, stack, b, layer++, "EncDecAttention", NULL);
        add_feed_forward(walk, &block->feed_forward, stack, b, layer);
    }
    w->final_norm = add(walk, 0, c->d_model, 0, "%s.final_layer_norm.weight", stack);
    align(walk);
}

static void walk_all(struct walk *walk) {
    const struct t5_config *c = walk->config;
    struct t5_layout *layout = walk->layout;
    walk->count = walk->linear_count = 0;
    walk->offset = walk->packed = 0;
    layout->embedding = add(walk, c->vocab_size, c->d_model, 1.0, "shared.weight");
    align(walk);
    if (c->tie_word_embeddings) /* first in the list as in the array, which is in ascending order */
        layout->head = linear(walk, layout->embedding, c->d_model, c->vocab_size);
    add_stack(walk, &layout->encoder, "encoder", false);
    add_stack(walk, &layout->decoder, "decoder", true);
    if (!c->tie_word_embeddings) {
        size_t head = add(walk, c->vocab_size, c->d_model, 1.0, "lm_head.weight");
        align(walk);
        layout->head = linear(walk, head, c->d_model, c->vocab_size);
    }
}

static enum status fill_layout(struct t5_layout *layout, const struct t5_config *config) {
    layout->encoder.depth = config->num_layers;
    layout->decoder.depth = config->num_decoder_layers;
    layout->encoder.blocks = calloc((size_t)config->num_layers, sizeof *layout->encoder.blocks);
    layout->decoder.blocks = calloc((size_t)config->num_decoder_layers, sizeof *layout->decoder.blocks);
    if (!layout->encoder.blocks || !layout->decoder.blocks)
        return STATUS_MEMORY;
    struct walk walk = {.config = config, .layout = layout};
    walk_all(&walk);
    layout->parameters = walk.parameters = calloc((size_t)walk.count, sizeof *walk.parameters);
    layout->linears = walk.linears = calloc((size_t)walk.linear_count, sizeof *walk.linears);
    if (!walk.parameters || !walk.linears)
        return STATUS_MEMORY;
    walk_all(&walk);
    layout->parameter_count = walk.count;
    layout->weight_count = walk.offset;
    layout->linear_count = walk.linear_count;
    layout->packed_count = walk.packed;
    return STATUS_OK;
}

enum status t5_layout_open(struct t5_layout **out, const struct t5_config *config) {
    struct t5_layout *layout = calloc(1, sizeof *layout);
    *out = NULL;
    if (!layout || fill_layout(layout, config) != STATUS_OK) {
        t5_layout_close(layout);
        return fail(STATUS_MEMORY, "no memory for the parameter list of a model with %d + %d blocks",
                    config->num_layers, config->num_decoder_layers);
    }
    *out = layout;
    return STATUS_OK;
}

void t5_layout_close(struct t5_layout *layout) {
    if (!layout)
        return;
    free(layout->encoder.blocks);
    free(layout->decoder.blocks);
    free(layout->linears);
    free(layout->parameters);
    free(layout);
}

int t5_parameter_at(const struct t5_layout *layout, size_t offset) {
    int low = 0, high = layout->parameter_count - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (layout->parameters[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    assert(layout->parameters[low].offset == offset);
    return low;
}
