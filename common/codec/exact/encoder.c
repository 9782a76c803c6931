/* The encoder: long sources pass through each block in groups of EXACT_ROWS rows. */
#include "codec/exact/encoder.h"
#include <string.h>

void exact_encoder_lay_out(struct exact_encoder *e, const struct exact_model *model, int length,
                           struct arena *arena) {
    const struct t5_config *c = &model->config;
    size_t model_stride = exact_padded(c->d_model, EXACT_OUTPUTS);
    size_t inner_stride = exact_padded(c->num_heads * c->d_kv, EXACT_OUTPUTS);
    e->model = model;
    e->length = length;
    for (int h = 0; h < c->num_heads; h++)
        exact_cache_lay_out(&e->caches[h], c, (size_t)length, arena);
    exact_bias_lay_out(&e->bias, c, (size_t)length - 1, (size_t)length - 1, arena);
    e->x = ARENA_TAKE(arena, float, (size_t)length *model_stride);
    e->q = ARENA_TAKE(arena, float, (size_t)length *inner_stride);
}

void exact_encoder_begin(struct exact_encoder *e) {
    exact_bias_fill(&e->bias, &e->model->config, e->model->encoder.relative_bias, false);
}

/* The rows [first, first + count) of the source in the worker's hands, and back. */
static void take_rows(const struct exact_encoder *e, struct exact_work *w, int first, int count) {
    memcpy(w->x, e->x + (size_t)first * w->model_stride, (size_t)count * w->model_stride * sizeof *w->x);
}

static void give_rows(struct exact_encoder *e, const struct exact_work *w, int first, int count) {
    memcpy(e->x + (size_t)first * w->model_stride, w->x, (size_t)count * w->model_stride * sizeof *w->x);
}

static void embed(struct exact_encoder *e, const struct exact_work *w, const int32_t *ids, int count) {
    size_t d = (size_t)w->config->d_model;
    for (int i = 0; i < count; i++) {
        float *x = e->x + (size_t)i * w->model_stride;
        exact_embed(x, e->model, ids[i]);
        if (e->model->encoder.positions)
            exact_ops->add(x, e->model->encoder.positions + (size_t)i * d, d);
    }
}

/* Queries, keys and values of a group of rows. */
static void project_group(struct exact_encoder *e, struct exact_work *w,
                          const struct exact_attention_weights *a, int first, int count) {
    size_t inner = (size_t)(w->config->num_heads * w->config->d_kv), stride = (size_t)a->qkv.outputs;
    take_rows(e, w, first, count);
    exact_normalise(w, a->norm, count);
    exact_project(w, &a->qkv, w->normed, w->model_stride, count,
                  &(struct exact_target){.y = w->projected, .stride = stride});
    for (int r = 0; r < count; r++) {
        const float *row = w->projected + (size_t)r * stride;
        memcpy(e->q + (size_t)(first + r) * w->inner_stride, row, inner * sizeof *row);
        exact_cache_store(w, e->caches, (size_t)(first + r), row + inner, row + 2 * inner);
    }
}

static void attend_group(struct exact_encoder *e, struct exact_work *w, const struct exact_block_weights *b,
                         int first, int count, int length) {
    take_rows(e, w, first, count);
    for (int r = 0; r < count; r++)
        exact_attend(w, r, e->q + (size_t)(first + r) * w->inner_stride, e->caches,
                     (struct exact_view){.first = 0, .end = (size_t)length},
                     e->bias.bias + (e->bias.behind - (size_t)(first + r)), e->bias.stride);
    exact_project(w, &b->self.o, w->attended, w->inner_stride, count,
                  &(struct exact_target){.y = w->x, .stride = w->model_stride, .add = true});
    exact_feed_forward(w, b, count);
    give_rows(e, w, first, count);
}

void exact_encode(struct exact_encoder *e, struct exact_work *w, const int32_t *ids, int count) {
    embed(e, w, ids, count);
    for (int b = 0; b < e->model->encoder.depth; b++) {
        const struct exact_block_weights *block = &e->model->encoder.blocks[b];
        for (int i = 0; i < count; i += EXACT_ROWS)
            project_group(e, w, &block->self, i, count - i < EXACT_ROWS ? count - i : EXACT_ROWS);
        for (int i = 0; i < count; i += EXACT_ROWS)
            attend_group(e, w, block, i, count - i < EXACT_ROWS ? count - i : EXACT_ROWS, count);
    }
    for (int i = 0; i < count; i++) {
        float *x = e->x + (size_t)i * w->model_stride;
        exact_ops->norm(x, x, e->model->encoder.final_norm, w->config->layer_norm_epsilon,
                        (size_t)w->config->d_model);
    }
}
