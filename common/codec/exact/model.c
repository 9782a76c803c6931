/* Quantising a T5 model. */
#include "codec/exact/model.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "t5/parameters.h"
#include "t5/quantise.h"

/* ---- one matrix ---- */

static int round_up(int n, int step) {
    return (n + step - 1) / step * step;
}

static size_t place_of(const struct exact_matrix *m, int o, int k) {
    size_t panel = (size_t)(o / EXACT_PANEL) * EXACT_PANEL * (size_t)m->depth;
    return panel + (size_t)(k / EXACT_GROUP) * EXACT_PANEL * EXACT_GROUP +
           (size_t)(o % EXACT_PANEL) * EXACT_GROUP + (size_t)(k % EXACT_GROUP);
}

static void fill_matrix(const struct exact_matrix *m, int8_t *q, float *scale, int32_t *sums, int8_t *row,
                        const float *w) {
    for (int o = 0; o < m->out; o++) {
        const float *from = w + (size_t)o * (size_t)m->in;
        scale[o] = t5_row_scale(from, (size_t)m->in);
        t5_quantise(row, from, scale[o], (size_t)m->in);
        for (int k = 0; k < m->in; k++) {
            q[place_of(m, o, k)] = row[k];
            sums[o] += row[k];
        }
    }
}

static struct exact_matrix take_matrix(struct arena *arena, int in, int out, const float *w) {
    struct exact_matrix m = {
        .in = in, .out = out, .depth = round_up(in, EXACT_DEPTH), .outputs = round_up(out, EXACT_OUTPUTS)};
    int8_t *q = ARENA_TAKE(arena, int8_t, (size_t)m.outputs * (size_t)m.depth);
    float *scale = ARENA_TAKE(arena, float, m.outputs);
    int32_t *sums = ARENA_TAKE(arena, int32_t, m.outputs);
    int8_t *row = ARENA_TAKE(arena, int8_t, in); /* one, before it is packed */
    if (arena->base)
        fill_matrix(&m, q, scale, sums, row, w);
    m.q = q;
    m.scale = scale;
    m.sums = sums;
    return m;
}

/* ---- the model ---- */

struct source {
    const struct t5_config *config;
    const float *weights;
};

static struct exact_matrix take_linear(struct arena *arena, const struct source *s,
                                       const struct t5_linear *l) {
    return take_matrix(arena, l->in, l->out, s->weights + l->w);
}

static const float *take_floats(struct arena *arena, const struct source *s, size_t from, size_t count) {
    float *to = ARENA_TAKE(arena, float, count);
    if (arena->base)
        memcpy(to, s->weights + from, count * sizeof *to);
    return to;
}

static void take_block(struct arena *arena, const struct source *s, struct exact_block_weights *to,
                       const struct t5_block_weights *from, bool decoder) {
    size_t d = (size_t)s->config->d_model;
    to->self.norm = take_floats(arena, s, from->self.norm, d);
    to->self.qkv = take_linear(arena, s, &from->self.qkv);
    to->self.o = take_linear(arena, s, &from->self.o);
    if (decoder) {
        to->cross.norm = take_floats(arena, s, from->cross.norm, d);
        to->cross.q = take_linear(arena, s, &from->cross.q);
        to->cross.kv = take_linear(arena, s, &from->cross.kv);
        to->cross.o = take_linear(arena, s, &from->cross.o);
    }
    to->norm = take_floats(arena, s, from->feed_forward.norm, d);
    to->wi = take_linear(arena, s, &from->feed_forward.wi);
    if (s->config->gated_gelu)
        to->gate = take_linear(arena, s, &from->feed_forward.gate);
    to->wo = take_linear(arena, s, &from->feed_forward.wo);
}

static void take_stack(struct arena *arena, const struct source *s, struct exact_stack_weights *to,
                       const struct t5_stack_weights *from, bool decoder) {
    const struct t5_config *c = s->config;
    size_t d = (size_t)c->d_model, buckets = (size_t)c->relative_attention_num_buckets;
    for (int b = 0; b < to->depth; b++)
        take_block(arena, s, &to->blocks[b], &from->blocks[b], decoder);
    to->relative_bias = take_floats(arena, s, from->relative_bias, buckets * (size_t)c->num_heads);
    if (c->absolute_positions)
        to->positions = take_floats(arena, s, from->positions, (size_t)c->absolute_positions * d);
    to->final_norm = take_floats(arena, s, from->final_norm, d);
}

static void lay_out(struct exact_model *m, struct arena *arena, const struct t5_model *from) {
    const struct source source = {&m->config, from->weights};
    const struct t5_layout *layout = from->layout;
    m->embedding =
        take_matrix(arena, m->config.d_model, m->config.vocab_size, from->weights + layout->embedding);
    m->head = m->config.tie_word_embeddings ? m->embedding : take_linear(arena, &source, &layout->head);
    take_stack(arena, &source, &m->encoder, &layout->encoder, false);
    take_stack(arena, &source, &m->decoder, &layout->decoder, true);
}

static enum status check_weights(const struct t5_model *from) {
    for (size_t i = 0; i < from->weight_count; i++)
        if (!isfinite(from->weights[i]))
            return fail(STATUS_FORMAT,
                        "a weight of the model is not a number: the training went wrong, use an "
                        "earlier checkpoint");
    return STATUS_OK;
}

/* Sums of products stay within 32 bits, heads within the loops' room. */
static enum status check_widths(const struct t5_config *c) {
    long inner = (long)c->num_heads * c->d_kv;
    if (c->d_kv <= EXACT_HEAD_MAXIMUM && c->d_model < EXACT_WIDTH_MAXIMUM && c->d_ff < EXACT_WIDTH_MAXIMUM &&
        inner < EXACT_WIDTH_MAXIMUM)
        return STATUS_OK;
    return fail(STATUS_LIMIT,
                "the codec computes with heads up to %d wide and layers below %d, not %d, %d, %d, %ld",
                EXACT_HEAD_MAXIMUM, EXACT_WIDTH_MAXIMUM, c->d_kv, c->d_model, c->d_ff, inner);
}

enum status exact_model_open(struct exact_model *m, const struct t5_model *from) {
    struct arena measuring = arena_measuring();
    *m = (struct exact_model){.config = from->config,
                              .encoder.depth = from->config.num_layers,
                              .decoder.depth = from->config.num_decoder_layers};
    TRY(check_widths(&from->config));
    TRY(check_weights(from));
    m->encoder.blocks = calloc((size_t)m->encoder.depth, sizeof *m->encoder.blocks);
    m->decoder.blocks = calloc((size_t)m->decoder.depth, sizeof *m->decoder.blocks);
    enum status status = m->encoder.blocks && m->decoder.blocks
                             ? STATUS_OK
                             : fail(STATUS_MEMORY, "no memory for the blocks of a model");
    if (status == STATUS_OK) {
        lay_out(m, &measuring, from);
        status = arena_open(&m->arena, measuring.used, "a model in 8 bits");
    }
    if (status != STATUS_OK) {
        exact_model_close(m);
        return status;
    }
    lay_out(m, &m->arena, from);
    return STATUS_OK;
}

void exact_model_close(struct exact_model *m) {
    arena_close(&m->arena);
    free(m->encoder.blocks);
    free(m->decoder.blocks);
    *m = (struct exact_model){0};
}

void exact_embed(float *x, const struct exact_model *model, int32_t id) {
    const struct exact_matrix *e = &model->embedding;
    for (int k = 0; k < e->in; k++)
        x[k] = (float)e->q[place_of(e, id, k)] * e->scale[id];
}
