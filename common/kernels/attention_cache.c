/* Storing keys and values by position, and the single step over them; one query at a time, since every row
 * has keys of its own. */
#include "kernels/attention_cache.h"
#include <assert.h>
#include <string.h>
#include "base/threads.h"
#include "kernels/gemm_bf16.h"
#include "kernels/lane_ops.h"

/* Numbers of one slot and head, in bf16. */
static size_t packed_keys(const struct attention_cache *c) {
    return bf16_packed_count(c->width, c->capacity);
}

static size_t packed_values(const struct attention_cache *c) {
    return bf16_packed_count(c->capacity, c->width);
}

void attention_cache_lay_out(struct attention_cache *c, bool in_bf16, struct arena *arena) {
    size_t pieces = (size_t)c->slots * (size_t)c->heads, numbers = (size_t)c->capacity * (size_t)c->width;
    assert(!in_bf16 || c->width % 2 == 0);
    if (in_bf16) {
        c->keys = (struct values){.b16 = ARENA_TAKE(arena, bf16, pieces * packed_keys(c))};
        c->values = (struct values){.b16 = ARENA_TAKE(arena, bf16, pieces * packed_values(c))};
    } else {
        c->keys = (struct values){.f32 = ARENA_TAKE(arena, float, pieces *numbers)};
        c->values = (struct values){.f32 = ARENA_TAKE(arena, float, pieces *numbers)};
    }
}

/* A position is a column of the packed keys: its numbers two by two, a panel's row apart. */
static void put_key(bf16 *packed, const bf16 *k, const struct attention_cache *c, size_t position) {
    size_t pairs = bf16_packed_pairs(c->width), panel = position / BF16_PANEL, column = position % BF16_PANEL;
    bf16 *to = packed + (panel * pairs * BF16_PANEL + column) * 2;
    for (size_t i = 0; i < (size_t)c->width; i += 2, to += 2 * BF16_PANEL)
        memcpy(to, k + i, 2 * sizeof *to);
}

/* A position is a row of the packed values, every other number of a row of pairs. */
static void put_value(bf16 *packed, const bf16 *v, const struct attention_cache *c, size_t position) {
    size_t panel_size = bf16_packed_pairs(c->capacity) * 2 * BF16_PANEL;
    bf16 *to = packed + position / 2 * 2 * BF16_PANEL + position % 2;
    for (size_t i = 0; i < (size_t)c->width; i++)
        to[i / BF16_PANEL * panel_size + i % BF16_PANEL * 2] = v[i];
}

struct put {
    const struct attention_cache *cache;
    const int *slot, *position;
    struct values k, v;
    size_t stride;
};

static void put_f32(const struct attention_cache *c, size_t slot, size_t position, const float *k,
                    const float *v) {
    size_t inner = (size_t)c->heads * (size_t)c->width, at = (slot * (size_t)c->capacity + position) * inner;
    memcpy(c->keys.f32 + at, k, inner * sizeof *k);
    memcpy(c->values.f32 + at, v, inner * sizeof *v);
}

static void put_bf16(const struct attention_cache *c, size_t slot, size_t position, const bf16 *k,
                     const bf16 *v) {
    for (size_t h = 0; h < (size_t)c->heads; h++) {
        size_t piece = slot * (size_t)c->heads + h, column = h * (size_t)c->width;
        put_key(c->keys.b16 + piece * packed_keys(c), k + column, c, position);
        put_value(c->values.b16 + piece * packed_values(c), v + column, c, position);
    }
}

static void put_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    const struct put *p = context;
    const struct attention_cache *c = p->cache;
    for (size_t r = begin; r < end; r++) {
        size_t slot = (size_t)p->slot[r], position = (size_t)p->position[r], at = r * p->stride;
        assert(slot < (size_t)c->slots && position < (size_t)c->capacity);
        if (c->keys.f32)
            put_f32(c, slot, position, p->k.f32 + at, p->v.f32 + at);
        else
            put_bf16(c, slot, position, p->k.b16 + at, p->v.b16 + at);
    }
}

void attention_cache_put(const struct attention_cache *cache, int rows, const int *slot, const int *position,
                         struct values k, struct values v, int stride) {
    struct put put = {cache, slot, position, k, v, (size_t)stride};
    threads_for((size_t)rows, 8, put_task, &put);
}

void attention_cache_fill(const struct attention_cache *c, int slot, int count, struct values k,
                          struct values v, int stride) {
    size_t heads = (size_t)c->heads, width = (size_t)c->width, first = (size_t)slot * heads,
           row = (size_t)stride;
    assert(slot >= 0 && slot < c->slots && count <= c->capacity);
    if (c->keys.f32) {
        for (size_t i = 0; i < (size_t)count; i++)
            put_f32(c, (size_t)slot, i, k.f32 + i * row, v.f32 + i * row);
        return;
    }
    for (size_t h = 0; h < heads; h++) {
        bf16_pack_transposed(c->keys.b16 + (first + h) * packed_keys(c), k.b16 + h * width, row, c->width,
                             count);
        bf16_pack_within(c->values.b16 + (first + h) * packed_values(c), v.b16 + h * width, row, count,
                         c->width, bf16_packed_pairs(c->capacity));
    }
}

size_t attention_cache_scratch_count(const struct attention_cache *c) {
    return ((size_t)c->capacity + BF16_PANEL - 1) / BF16_PANEL * BF16_PANEL;
}

struct step {
    struct values out, q;
    const struct attention_cache *cache;
    const struct attention_step_shape *shape;
    float *scratch;
};

static void step_f32(const struct step *step, size_t row, size_t head, const float *bias, float *scores) {
    const struct attention_cache *c = step->cache;
    size_t width = (size_t)c->width, inner = (size_t)c->heads * width, at = row * inner + head * width;
    const float *q = step->q.f32 + row * (size_t)step->shape->q_stride + head * width;
    size_t cached = (size_t)step->shape->slot[row] * (size_t)c->capacity * inner + head * width;
    lane_ops->attend(step->out.f32 + at, q, c->keys.f32 + cached, c->values.f32 + cached, bias, scores,
                     (size_t)step->shape->count[row], inner, width);
}

static void step_bf16(const struct step *step, size_t row, size_t head, const float *bias, float *scores) {
    const struct attention_cache *c = step->cache;
    size_t width = (size_t)c->width, heads = (size_t)c->heads, at = (row * heads + head) * width;
    size_t piece = (size_t)step->shape->slot[row] * heads + head;
    gemm_bf16_attend(
        &(struct gemm_bf16_row){.out = step->out.b16 + at,
                                .q = step->q.b16 + row * (size_t)step->shape->q_stride + head * width,
                                .keys = c->keys.b16 + piece * packed_keys(c),
                                .values = c->values.b16 + piece * packed_values(c),
                                .bias = bias,
                                .width = c->width,
                                .capacity = c->capacity,
                                .count = (size_t)step->shape->count[row]},
        scores);
}

static void step_task(void *context, size_t begin, size_t end, int worker) {
    const struct step *step = context;
    const struct attention_step_shape *s = step->shape;
    size_t heads = (size_t)step->cache->heads, length = (size_t)s->length;
    float *scores = step->scratch + (size_t)worker * attention_cache_scratch_count(step->cache);
    for (size_t i = begin; i < end; i++) {
        size_t row = i / heads, head = i % heads, count = (size_t)s->count[row];
        const float *bias = s->bias ? s->bias + head * (2 * length - 1) + length - count : NULL;
        assert(count >= 1 && count <= (size_t)step->cache->capacity && (!s->bias || count <= length));
        (step->cache->keys.f32 ? step_f32 : step_bf16)(step, row, head, bias, scores);
    }
}

void attention_cache_step(struct values out, struct values q, const struct attention_cache *cache,
                          const struct attention_step_shape *shape, float *scratch) {
    struct step step = {out, q, cache, shape, scratch};
    threads_for((size_t)shape->rows * (size_t)cache->heads, 4, step_task, &step);
}
