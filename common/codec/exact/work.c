/* Sublayers of the exact engine. */
#include "codec/exact/work.h"
#include <string.h>
#include "kernels/position.h"
#include "t5/stack.h"

size_t exact_padded(int n, int step) {
    return (size_t)((n + step - 1) / step * step);
}

size_t exact_head_width(const struct t5_config *c) {
    return exact_padded(c->d_kv, 16);
}

static size_t largest(size_t a, size_t b) {
    return a > b ? a : b;
}

void exact_work_lay_out(struct exact_work *w, const struct t5_config *c, size_t keys, struct arena *arena) {
    int inner = c->num_heads * c->d_kv;
    size_t rows = EXACT_ROWS, width = exact_head_width(c);
    w->config = c;
    w->model_stride = exact_padded(c->d_model, EXACT_OUTPUTS);
    w->inner_stride = exact_padded(inner, EXACT_OUTPUTS);
    w->ff_stride = exact_padded(c->d_ff, EXACT_OUTPUTS);
    w->x = ARENA_TAKE(arena, float, rows * w->model_stride);
    w->normed = ARENA_TAKE(arena, float, rows * w->model_stride);
    w->projected = ARENA_TAKE(arena, float, rows *exact_padded(3 * inner, EXACT_OUTPUTS));
    w->attended = ARENA_TAKE(arena, float, rows * w->inner_stride);
    w->hidden = ARENA_TAKE(arena, float, rows * w->ff_stride);
    w->gate = c->gated_gelu ? ARENA_TAKE(arena, float, rows * w->ff_stride) : NULL;
    w->rows_capacity = largest(w->model_stride, largest(w->inner_stride, w->ff_stride));
    w->rows.q = ARENA_TAKE(arena, uint8_t, rows * w->rows_capacity);
    w->rows.scale = ARENA_TAKE(arena, float, rows);
    w->head = ARENA_TAKE(arena, float, 3 * width);
    w->scores = ARENA_TAKE(arena, float, keys);
    w->weights = ARENA_TAKE(arena, uint8_t, 2 * keys);
}

void exact_project(struct exact_work *work, const struct exact_matrix *w, const float *x, size_t x_stride,
                   int count, const struct exact_target *t) {
    struct exact_rows *rows = &work->rows;
    rows->rows = count;
    rows->stride = (size_t)w->depth;
    for (int r = 0; r < count; r++)
        exact_ops->quantise(rows, r, x + (size_t)r * x_stride, (size_t)w->in);
    exact_ops->product(t->y, t->stride, t->add, w, t->first, t->outputs ? t->outputs : (size_t)w->outputs,
                       rows);
}

void exact_normalise(struct exact_work *work, const float *weight, int count) {
    for (int r = 0; r < count; r++) {
        size_t at = (size_t)r * work->model_stride;
        exact_ops->norm(work->normed + at, work->x + at, weight, work->config->layer_norm_epsilon,
                        (size_t)work->config->d_model);
    }
}

/* One head's numbers with zeros up to the caches' width. */
static const float *widen(const float *x, float *scratch, size_t width, size_t padded) {
    if (width == padded)
        return x;
    memcpy(scratch, x, width * sizeof *x);
    memset(scratch + width, 0, (padded - width) * sizeof *x);
    return scratch;
}

void exact_cache_store(struct exact_work *work, struct exact_cache *caches, size_t position,
                       const float *keys, const float *values) {
    size_t width = (size_t)work->config->d_kv, padded = exact_head_width(work->config);
    for (int h = 0; h < work->config->num_heads; h++) {
        size_t at = (size_t)h * width;
        exact_ops->cache_store(&caches[h], position, widen(keys + at, work->head, width, padded),
                               widen(values + at, work->head + padded, width, padded));
    }
}

void exact_attend(struct exact_work *work, int row, const float *query, const struct exact_cache *caches,
                  struct exact_view view, const float *bias, size_t bias_stride) {
    size_t width = (size_t)work->config->d_kv, padded = exact_head_width(work->config);
    float *out = work->attended + (size_t)row * work->inner_stride;
    view.scores = work->scores;
    view.weights = work->weights;
    for (int h = 0; h < work->config->num_heads; h++) {
        float *to = width == padded ? out + (size_t)h * width : work->head + 2 * padded;
        view.bias = bias ? bias + (size_t)h * bias_stride : NULL;
        exact_ops->attend(to, widen(query + (size_t)h * width, work->head, width, padded), &caches[h], &view);
        if (width != padded)
            memcpy(out + (size_t)h * width, to, width * sizeof *to);
    }
}

void exact_feed_forward(struct exact_work *work, const struct exact_block_weights *w, int count) {
    const struct t5_config *c = work->config;
    struct exact_target hidden = {.y = work->hidden, .stride = work->ff_stride};
    struct exact_target gate = {.y = work->gate, .stride = work->ff_stride};
    struct exact_target x = {.y = work->x, .stride = work->model_stride, .add = true};
    exact_normalise(work, w->norm, count);
    /* T5's wi_0 goes through gelu and wi_1 is multiplied */
    if (c->gated_gelu) {
        exact_project(work, &w->wi, work->normed, work->model_stride, count, &gate);
        exact_project(work, &w->gate, work->normed, work->model_stride, count, &hidden);
        exact_ops->gated_gelu(work->hidden, work->gate, (size_t)count * work->ff_stride);
    } else {
        exact_project(work, &w->wi, work->normed, work->model_stride, count, &hidden);
        exact_ops->relu(work->hidden, (size_t)count * work->ff_stride);
    }
    exact_project(work, &w->wo, work->hidden, work->ff_stride, count, &x);
}

void exact_cache_lay_out(struct exact_cache *cache, const struct t5_config *c, size_t keys,
                         struct arena *arena) {
    cache->ring = (keys + EXACT_KEYS - 1) / EXACT_KEYS;
    cache->width = exact_head_width(c);
    size_t capacity = cache->ring * EXACT_KEYS;
    cache->keys = ARENA_TAKE(arena, uint8_t, capacity * cache->width);
    cache->values = ARENA_TAKE(arena, int8_t, capacity * cache->width);
    cache->key_scale = ARENA_TAKE(arena, float, capacity);
    cache->value_scale = ARENA_TAKE(arena, float, capacity);
}

void exact_bias_lay_out(struct exact_bias *b, const struct t5_config *c, size_t behind, size_t ahead,
                        struct arena *arena) {
    b->behind = behind;
    b->stride = behind + 1 + ahead + EXACT_KEYS; /* readable in whole blocks */
    b->bias = ARENA_TAKE(arena, float, (size_t)c->num_heads * b->stride);
}

void exact_bias_fill(struct exact_bias *b, const struct t5_config *c, const float *table, bool decoder) {
    struct position_buckets buckets = t5_stack_buckets(c, decoder);
    for (size_t i = 0; i < b->stride; i++) {
        int bucket = position_bucket(&buckets, (int)i - (int)b->behind);
        for (int h = 0; h < c->num_heads; h++)
            b->bias[(size_t)h * b->stride + i] = table[bucket * c->num_heads + h];
    }
}
