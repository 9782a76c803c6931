/* From a T5 model in 8 bits to the panels that the loops read. */
#include "codec/exact/model.h"
#include <stdlib.h>
#include <string.h>
#include "t5/int8.h"
#include "t5/parameters.h"

/* ---- one matrix ---- */

static int round_up(int n, int step) {
    return (n + step - 1) / step * step;
}

static size_t place_of(const struct exact_matrix *m, int o, int k) {
    size_t panel = (size_t)(o / EXACT_PANEL) * EXACT_PANEL * (size_t)m->depth;
    return panel + (size_t)(k / EXACT_GROUP) * EXACT_PANEL * EXACT_GROUP +
           (size_t)(o % EXACT_PANEL) * EXACT_GROUP + (size_t)(k % EXACT_GROUP);
}

/* Group by group; what is left of the last one stays zero, as whole rows of padding do. */
static void pack_row(int8_t *to, const int8_t *row, int in) {
    int whole = in / EXACT_GROUP * EXACT_GROUP;
    for (int k = 0; k < whole; k += EXACT_GROUP, to += EXACT_PANEL * EXACT_GROUP)
        memcpy(to, row + k, EXACT_GROUP);
    for (int k = whole; k < in; k++)
        to[k - whole] = row[k];
}

static int32_t sum_of(const int8_t *row, int in) {
    int32_t sum = 0;
    for (int k = 0; k < in; k++)
        sum += row[k];
    return sum;
}

static void fill_matrix(const struct exact_matrix *m, int8_t *q, float *scale, int32_t *sums,
                        const int8_t *rows, const float *scales) {
    for (int o = 0; o < m->out; o++, rows += m->in) {
        pack_row(q + place_of(m, o, 0), rows, m->in);
        sums[o] = sum_of(rows, m->in);
        scale[o] = scales[o];
    }
}

static struct exact_matrix take_matrix(struct arena *arena, int in, int out, const int8_t *rows,
                                       const float *scales) {
    struct exact_matrix m = {
        .in = in, .out = out, .depth = round_up(in, EXACT_DEPTH), .outputs = round_up(out, EXACT_OUTPUTS)};
    int8_t *q = ARENA_TAKE(arena, int8_t, (size_t)m.outputs * (size_t)m.depth);
    float *scale = ARENA_TAKE(arena, float, m.outputs);
    int32_t *sums = ARENA_TAKE(arena, int32_t, m.outputs);
    if (arena->base)
        fill_matrix(&m, q, scale, sums, rows, scales);
    m.q = q;
    m.scale = scale;
    m.sums = sums;
    return m;
}

/* ---- the model ---- */

struct source {
    const struct t5_config *config;
    const struct t5_layout *layout;
    const struct t5_int8 *int8;
};

static struct exact_matrix take_rows(struct arena *arena, const struct source *s, int in, int out,
                                     size_t from) {
    float *scales;
    const int8_t *rows = t5_int8_rows(s->int8, t5_parameter_at(s->layout, from), &scales);
    return take_matrix(arena, in, out, rows, scales);
}

static struct exact_matrix take_linear(struct arena *arena, const struct source *s,
                                       const struct t5_linear *l) {
    return take_rows(arena, s, l->in, l->out, l->w);
}

static const float *take_floats(struct arena *arena, const struct source *s, size_t from, size_t count) {
    float *to = ARENA_TAKE(arena, float, count);
    if (arena->base)
        memcpy(to, t5_int8_floats(s->int8, t5_parameter_at(s->layout, from)), count * sizeof *to);
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

static void lay_out(struct exact_model *m, struct arena *arena, const struct t5_model *from,
                    const struct t5_int8 *int8) {
    const struct t5_layout *layout = from->layout;
    const struct source source = {&m->config, layout, int8};
    m->embedding = take_rows(arena, &source, m->config.d_model, m->config.vocab_size, layout->embedding);
    m->head = m->config.tie_word_embeddings ? m->embedding : take_linear(arena, &source, &layout->head);
    take_stack(arena, &source, &m->encoder, &layout->encoder, false);
    take_stack(arena, &source, &m->decoder, &layout->decoder, true);
}

/* Sums of products stay within 32 bits, heads within what the operations hold. */
static enum status check_widths(const struct t5_config *c) {
    long inner = (long)c->num_heads * c->d_kv;
    if (c->d_kv <= EXACT_HEAD_MAXIMUM && c->d_model < EXACT_WIDTH_MAXIMUM && c->d_ff < EXACT_WIDTH_MAXIMUM &&
        inner < EXACT_WIDTH_MAXIMUM)
        return STATUS_OK;
    return fail(STATUS_LIMIT,
                "the codec computes with heads up to %d wide and layers below %d, not %d, %d, %d, %ld",
                EXACT_HEAD_MAXIMUM, EXACT_WIDTH_MAXIMUM, c->d_kv, c->d_model, c->d_ff, inner);
}

static enum status copy(struct exact_model *m, const struct t5_model *from, const struct t5_int8 *int8) {
    struct arena measuring = arena_measuring();
    m->encoder.blocks = calloc((size_t)m->encoder.depth, sizeof *m->encoder.blocks);
    m->decoder.blocks = calloc((size_t)m->decoder.depth, sizeof *m->decoder.blocks);
    enum status status = m->encoder.blocks && m->decoder.blocks
                             ? STATUS_OK
                             : fail(STATUS_MEMORY, "no memory for the blocks of a model");
    if (status == STATUS_OK) {
        lay_out(m, &measuring, from, int8);
        status = arena_open(&m->arena, measuring.used, "a model in 8 bits");
    }
    if (status == STATUS_OK)
        lay_out(m, &m->arena, from, int8);
    return status;
}

enum status exact_model_open(struct exact_model *m, const struct t5_model *from) {
    struct t5_int8 int8;
    *m = (struct exact_model){.config = from->config,
                              .encoder.depth = from->config.num_layers,
                              .decoder.depth = from->config.num_decoder_layers};
    TRY(check_widths(&from->config));
    TRY(t5_take_int8(&int8, from));
    enum status status = copy(m, from, &int8);
    t5_release_int8(&int8, from);
    if (status != STATUS_OK)
        exact_model_close(m);
    return status;
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
