/* Attention's scratch and how its work is cut: into (row, head) pieces, a group of rows of one head after the
 * other. Groups do not depend on the threads, and each has a partial sum of the bias gradient. */
#include "kernels/attention.h"
#include <assert.h>
#include <float.h>
#include <string.h>
#include "base/threads.h"
#include "kernels/attention_piece.h"
#include "kernels/dropout.h"

enum { GROUPS = 64 }; /* of rows, at most */

static size_t padded_span(int length) {
    return (size_t)length * 2 + ATTENTION_PADDING;
}

/* The zeros between a strip's rows stand before its first one too. */
static float *take_strip(struct arena *arena, size_t rows, size_t keys) {
    float *start =
        ARENA_TAKE(arena, float, rows *(attention_whole_panels(keys) + ATTENTION_GAP) + ATTENTION_GAP);
    return start ? start + ATTENTION_GAP : NULL;
}

static bf16 *take_packed(struct arena *arena, size_t k, size_t n) {
    return ARENA_TAKE(arena, bf16, bf16_packed_count((int)k, (int)n));
}

static void take_bf16(struct attention_buffers *b, const struct attention_limits *l, size_t strip,
                      struct arena *arena) {
    size_t keys = (size_t)l->keys, width = (size_t)l->width;
    b->k_transposed = take_packed(arena, width, keys);
    b->v = take_packed(arena, keys, width);
    b->p = ARENA_TAKE(arena, bf16, strip * (attention_whole_panels(keys) + ATTENTION_GAP));
    b->product = ARENA_TAKE(arena, float, strip *attention_whole_panels(width));
    if (!l->backward)
        return;
    b->v_transposed = take_packed(arena, width, keys);
    b->k = take_packed(arena, keys, width);
    b->q_strip = take_packed(arena, strip, width);
    b->dout_strip = take_packed(arena, strip, width);
    b->p_pairs = take_packed(arena, strip, keys);
    b->ds_pairs = take_packed(arena, strip, keys);
    b->dk = ARENA_TAKE(arena, float, keys *attention_whole_panels(width));
    b->dv = ARENA_TAKE(arena, float, keys *attention_whole_panels(width));
}

static struct attention_buffers take_buffers(const struct attention_limits *l, struct arena *arena) {
    struct attention_buffers b = {0};
    size_t strip = l->queries < ATTENTION_STRIP ? (size_t)l->queries : ATTENTION_STRIP;
    b.bias = ARENA_TAKE(arena, float, padded_span(l->length));
    b.penalty = ARENA_TAKE(arena, float, attention_whole_panels((size_t)l->keys));
    b.scores = take_strip(arena, strip, (size_t)l->keys);
    b.statistics = ARENA_TAKE(arena, float, strip * 2);
    if (l->backward) {
        b.dscores = take_strip(arena, strip, (size_t)l->keys);
        b.common = ARENA_TAKE(arena, float, strip);
    }
    if (l->bf16)
        take_bf16(&b, l, strip, arena);
    return b;
}

void attention_scratch_lay_out(struct attention_scratch *scratch, const struct attention_limits *limits,
                               struct arena *arena) {
    struct arena one = arena_measuring();
    take_buffers(limits, &one);
    scratch->limits = *limits;
    scratch->worker_size = one.used;
    scratch->workers = ARENA_TAKE(arena, unsigned char, (size_t)limits->threads *one.used);
    scratch->dbias = limits->backward ? ARENA_TAKE(arena, float,
                                                   GROUPS *(size_t)limits->heads *padded_span(limits->length))
                                      : NULL;
}

struct attention_strip attention_strip_at(const struct attention_piece *piece, size_t first) {
    const struct attention_shape *s = piece->shape;
    struct attention_strip strip = {.first = first, .rows = piece->queries - first, .columns = piece->keys};
    if (strip.rows > ATTENTION_STRIP)
        strip.rows = ATTENTION_STRIP;
    if (s->causal && first + strip.rows < piece->keys)
        strip.columns = first + strip.rows;
    size_t columns = attention_whole_panels(strip.columns);
    strip.scores = (struct lane_scores){.scores = piece->buffers->scores,
                                        .rows = strip.rows,
                                        .stride = columns + ATTENTION_GAP,
                                        .columns = columns,
                                        .keys = piece->keys,
                                        .seen = s->causal ? first + 1 : piece->keys,
                                        .growth = s->causal};
    if (s->bias)
        strip.scores.bias = piece->buffers->bias + (size_t)s->length - 1 - first;
    if (s->key_mask)
        strip.scores.penalty = piece->buffers->penalty;
    if (s->dropout_rate != 0.0f) {
        strip.scores.threshold = dropout_threshold(s->dropout_rate);
        strip.scores.seed = (uint32_t)dropout_key(s->dropout_key, (uint32_t)(piece->number >> 32));
        strip.scores.first = (uint32_t)(piece->number + first * piece->keys);
        strip.scores.keep = 1.0f / (1.0f - s->dropout_rate);
    }
    return strip;
}

struct lane_gradient attention_gradient_of(const struct attention_piece *piece,
                                           const struct attention_strip *strip) {
    const struct attention_buffers *b = piece->buffers;
    size_t step = 2 * (size_t)piece->shape->heads;
    return (struct lane_gradient){.statistics = piece->saved + strip->first * step,
                                  .step = step,
                                  .common = b->common,
                                  .dscores = b->dscores,
                                  .keep_dscores = piece->dbias != NULL,
                                  .ds = b->p,
                                  .p_pairs = (uint32_t *)(void *)b->p_pairs,
                                  .ds_pairs = (uint32_t *)(void *)b->ds_pairs,
                                  .pairs = bf16_packed_pairs((int)strip->rows)};
}

void attention_add_dbias(const struct attention_piece *piece, const struct attention_strip *strip) {
    if (piece->dbias) /* distance -(rows - 1) first */
        lane_ops->diagonal_sums(piece->dbias + (size_t)piece->shape->length - strip->first - strip->rows,
                                piece->buffers->dscores, strip->scores.stride, strip->rows,
                                strip->scores.columns);
}

/* A call: one kind of work on all pieces. */
struct attention_call {
    void (*run)(const struct attention_piece *piece);
    const struct attention_shape *shape;
    const struct attention_scratch *scratch;
    const struct attention_operands *in, *gradient; /* gradient: NULL in the forward pass */
    struct values out, dout;
    float *statistics;
    const float *saved;
    bool with_dbias;
};

static size_t groups_of(const struct attention_call *c) {
    return c->shape->rows < GROUPS ? (size_t)c->shape->rows : GROUPS;
}

/* Probabilities of the rows before `row`. */
static uint64_t probabilities_before(const struct attention_shape *s, size_t row) {
    uint64_t count = 0;
    for (size_t r = 0; r < row; r++)
        count +=
            (uint64_t)(s->q_start[r + 1] - s->q_start[r]) * (uint64_t)(s->k_start[r + 1] - s->k_start[r]);
    return count * (uint64_t)s->heads;
}

static struct attention_operands operands_at(const struct attention_operands *all, size_t query, size_t key,
                                             size_t column) {
    struct attention_operands part = *all;
    part.q = values_at(all->q, query * (size_t)all->q_stride + column);
    part.k = values_at(all->k, key * (size_t)all->k_stride + column);
    part.v = values_at(all->v, key * (size_t)all->v_stride + column);
    return part;
}

/* Fills what depends on the row: piece->head, buffers and dbias are there. */
static void place_piece(const struct attention_call *c, struct attention_piece *piece, size_t row) {
    const struct attention_shape *s = c->shape;
    size_t query = (size_t)s->q_start[row], key = (size_t)s->k_start[row];
    size_t column = piece->head * (size_t)s->width;
    size_t statistics = (query * (size_t)s->heads + piece->head) * 2;
    piece->queries = (size_t)s->q_start[row + 1] - query;
    piece->keys = (size_t)s->k_start[row + 1] - key;
    piece->inner = (size_t)s->heads * (size_t)s->width;
    piece->in = operands_at(c->in, query, key, column);
    piece->out = values_at(c->out, query * piece->inner + column);
    if (c->gradient) {
        piece->gradient = operands_at(c->gradient, query, key, column);
        piece->dout = values_at(c->dout, query * piece->inner + column);
        piece->saved = c->saved + statistics;
    }
    piece->statistics = c->statistics ? c->statistics + statistics : NULL;
    if (s->key_mask)
        for (size_t j = 0; j < piece->keys; j++)
            piece->buffers->penalty[j] = s->key_mask[key + j] ? 0.0f : -FLT_MAX;
}

static void check_piece(const struct attention_call *c, const struct attention_piece *piece) {
    const struct attention_limits *limits = &c->scratch->limits;
    size_t length = c->shape->bias ? (size_t)c->shape->length : SIZE_MAX;
    assert(piece->queries <= (size_t)limits->queries && piece->queries <= length);
    assert(piece->keys <= (size_t)limits->keys && piece->keys <= length);
    assert(piece->keys > 0 || piece->queries == 0);
    (void)limits;
    (void)length;
}

static void run_group(const struct attention_call *c, size_t group, struct attention_piece *piece) {
    size_t rows = (size_t)c->shape->rows, groups = groups_of(c), heads = (size_t)c->shape->heads;
    size_t row = group * rows / groups, end = (group + 1) * rows / groups;
    uint64_t before = probabilities_before(c->shape, row);
    for (; row < end; row++) {
        place_piece(c, piece, row);
        check_piece(c, piece);
        piece->number = before + piece->head * piece->queries * piece->keys;
        before += heads * piece->queries * piece->keys;
        c->run(piece);
    }
}

static void groups_task(void *context, size_t begin, size_t end, int worker) {
    const struct attention_call *c = context;
    const struct attention_shape *s = c->shape;
    const struct attention_scratch *scratch = c->scratch;
    size_t heads = (size_t)s->heads, span = 2 * (size_t)s->length - 1;
    struct arena arena = {.base = scratch->workers + (size_t)worker * scratch->worker_size,
                          .size = scratch->worker_size};
    struct attention_buffers buffers = take_buffers(&scratch->limits, &arena);
    for (size_t i = begin; i < end; i++) {
        struct attention_piece piece = {.shape = s, .buffers = &buffers, .head = i % heads};
        if (s->bias)
            memcpy(buffers.bias, s->bias + piece.head * span, span * sizeof(float));
        if (c->with_dbias) {
            piece.dbias = scratch->dbias + i * padded_span(s->length);
            memset(piece.dbias, 0, padded_span(s->length) * sizeof(float));
        }
        run_group(c, i / heads, &piece);
    }
}

static void run_call(struct attention_call *c) {
    const struct attention_limits *limits = &c->scratch->limits;
    assert(threads_count() <= limits->threads && c->shape->heads <= limits->heads);
    assert(c->shape->width <= limits->width && (!c->shape->bias || c->shape->length <= limits->length));
    assert(!c->in->q.b16 || (limits->bf16 && c->shape->width % 2 == 0));
    assert(!c->gradient || limits->backward);
    assert(!c->with_dbias || c->shape->bias);
    (void)limits;
    threads_for(groups_of(c) * (size_t)c->shape->heads, 1, groups_task, c);
}

void attention_forward(struct values out, float *statistics, const struct attention_operands *in,
                       const struct attention_shape *shape, const struct attention_scratch *scratch) {
    struct attention_call call = {.run = in->q.f32 ? attention_forward_f32 : attention_forward_bf16,
                                  .shape = shape,
                                  .scratch = scratch,
                                  .in = in,
                                  .out = out,
                                  .statistics = statistics};
    run_call(&call);
}

void attention_backward(const struct attention_operands *gradient, float *dbias, struct values dout,
                        struct values out, const float *statistics, const struct attention_operands *in,
                        const struct attention_shape *shape, const struct attention_scratch *scratch) {
    struct attention_call call = {.run = in->q.f32 ? attention_backward_f32 : attention_backward_bf16,
                                  .shape = shape,
                                  .scratch = scratch,
                                  .in = in,
                                  .gradient = gradient,
                                  .out = out,
                                  .dout = dout,
                                  .saved = statistics,
                                  .with_dbias = dbias != NULL};
    run_call(&call);
    size_t heads = (size_t)shape->heads, span = 2 * (size_t)shape->length - 1;
    if (dbias)
        for (size_t i = 0; i < groups_of(&call) * heads; i++)
            lane_ops->axpy(dbias + i % heads * span, 1.0f, scratch->dbias + i * padded_span(shape->length),
                           span);
}
