/* Attention and feed-forward sublayers, forward and backward. */
#include "t5/layer.h"
#include <string.h>
#include "kernels/dropout.h"
#include "kernels/norm.h"

struct values t5_take_values(struct arena *arena, bool in_bf16, size_t n) {
    if (in_bf16)
        return (struct values){.b16 = ARENA_TAKE(arena, bf16, n)};
    return (struct values){.f32 = ARENA_TAKE(arena, float, n)};
}

void t5_dropout(const struct t5_context *t, struct values x, size_t n, int place) {
    if (t->dropout_rate > 0.0f)
        dropout_values(x, n, t->dropout_rate, dropout_key(t->dropout_key, (uint32_t)place));
}

struct linear t5_linear_at(const struct t5_context *t, const struct t5_linear *l) {
    return (struct linear){.in = l->in,
                           .out = l->out,
                           .w = t->weights + l->w,
                           .forward = t->packed ? t->packed + l->forward : NULL,
                           .backward = t->packed ? t->packed + l->backward : NULL};
}

static struct gemm_result with_dropout(const struct t5_context *t, struct gemm_result r, int place) {
    r.dropout_rate = t->dropout_rate;
    r.dropout_key = dropout_key(t->dropout_key, (uint32_t)place);
    return r;
}

static void forward(const struct t5_context *t, const struct t5_linear *l, struct values x, int tokens,
                    struct gemm_result result) {
    struct linear linear = t5_linear_at(t, l);
    linear_forward(&linear, x, tokens, &result, &t->linear);
}

static void backward(const struct t5_context *t, const struct t5_linear *l, struct values dy, struct values x,
                     int tokens, struct gemm_result dx) {
    struct linear linear = t5_linear_at(t, l);
    linear_backward_input(&linear, dy, tokens, &dx, &t->linear);
    linear_backward_weight(t->gradients + l->w, &linear, dy, x, tokens, &t->linear);
}

/* The gradient of a sublayer's result before it joined the residual stream, as products read it. */
static struct values result_gradient(const struct t5_context *t, int tokens, int place) {
    size_t n = (size_t)tokens * (size_t)t->config->d_model;
    if (!t->packed && t->dropout_rate == 0.0f)
        return (struct values){.f32 = t->dx};
    if (t->packed)
        bf16_from_float(t->dresult.b16, t->dx, n);
    else
        memcpy(t->dresult.f32, t->dx, n * sizeof *t->dx);
    t5_dropout(t, t->dresult, n, place * T5_PLACES + T5_PLACE_RESULT);
    return t->dresult;
}

static struct attention_shape shape_with_dropout(const struct t5_context *t, struct attention_shape shape,
                                                 int place) {
    shape.dropout_rate = t->dropout_rate;
    shape.dropout_key = dropout_key(t->dropout_key, (uint32_t)(place * T5_PLACES + T5_PLACE_INSIDE));
    return shape;
}

/* Queries, keys and values: thirds of one product, or the query's and the halves of the memory's. */
static struct attention_operands operands_of(struct values projected, struct values from_memory, int inner,
                                             bool self) {
    size_t n = (size_t)inner;
    if (self)
        return (struct attention_operands){
            projected, values_at(projected, n), values_at(projected, 2 * n), 3 * inner, 3 * inner, 3 * inner};
    return (struct attention_operands){projected, from_memory, values_at(from_memory, n),
                                       inner,     2 * inner,   2 * inner};
}

static bool is_self(struct values memory) {
    return !memory.f32 && !memory.b16;
}

void t5_attention_forward(const struct t5_context *t, struct t5_attention_memory *m,
                          const struct t5_attention_weights *w, struct attention_shape shape,
                          struct values memory, int place, float *out) {
    int d = t->config->d_model, inner = t->config->num_heads * t->config->d_kv;
    int tokens = shape.q_start[shape.rows], keys = shape.k_start[shape.rows];
    bool self = is_self(memory);
    struct attention_operands operands = operands_of(m->projected, m->from_memory, inner, self);
    shape = shape_with_dropout(t, shape, place);

    norm_forward(m->normed, m->inv, out, m->x, t->weights + w->norm, tokens, d,
                 t->config->layer_norm_epsilon);
    if (self) {
        forward(t, &w->qkv, m->normed, tokens, gemm_into(m->projected, 3 * inner));
    } else {
        forward(t, &w->q, m->normed, tokens, gemm_into(m->projected, inner));
        forward(t, &w->kv, memory, keys, gemm_into(m->from_memory, 2 * inner));
    }
    attention_forward(m->context, m->statistics, &operands, &shape, &t->attention);
    forward(t, &w->o, m->context, tokens,
            with_dropout(t, gemm_onto(out, d), place * T5_PLACES + T5_PLACE_RESULT));
}

void t5_attention_backward(const struct t5_context *t, struct t5_attention_memory *m,
                           const struct t5_attention_weights *w, struct attention_shape shape,
                           struct values memory, int place, float *dmemory, float *dbias) {
    int d = t->config->d_model, inner = t->config->num_heads * t->config->d_kv;
    int tokens = shape.q_start[shape.rows], keys = shape.k_start[shape.rows];
    bool self = is_self(memory);
    struct attention_operands operands = operands_of(m->projected, m->from_memory, inner, self);
    struct attention_operands gradient = operands_of(t->dprojected, t->dmemory, inner, self);
    struct values dnormed = {.f32 = t->dnormed};
    shape = shape_with_dropout(t, shape, place);

    backward(t, &w->o, result_gradient(t, tokens, place), m->context, tokens, gemm_into(t->dcontext, inner));
    attention_backward(&gradient, dbias, t->dcontext, m->context, m->statistics, &operands, &shape,
                       &t->attention);
    if (self) {
        backward(t, &w->qkv, t->dprojected, m->normed, tokens, gemm_into(dnormed, d));
    } else {
        backward(t, &w->q, t->dprojected, m->normed, tokens, gemm_into(dnormed, d));
        backward(t, &w->kv, t->dmemory, memory, keys, gemm_onto(dmemory, d));
    }
    norm_backward(t->dx, t->gradients + w->norm, t->dnormed, m->x, m->inv, t->weights + w->norm, tokens, d);
}

void t5_feed_forward_forward(const struct t5_context *t, struct t5_feed_forward_memory *m,
                             const struct t5_feed_forward_weights *w, int tokens, int place, float *out) {
    int d = t->config->d_model, ff = t->config->d_ff, inside = place * T5_PLACES + T5_PLACE_INSIDE;
    struct gemm_result active = with_dropout(t, gemm_into(m->active, ff), inside);

    norm_forward(m->normed, m->inv, out, m->x, t->weights + w->norm, tokens, d,
                 t->config->layer_norm_epsilon);
    if (t->config->gated_gelu) {
        forward(t, &w->wi, m->normed, tokens, gemm_into(m->hidden, ff));
        active.write = GEMM_GATED_GELU;
        active.x = m->hidden;
        active.other = m->gate;
        forward(t, &w->gate, m->normed, tokens, active);
    } else {
        active.write = GEMM_RELU;
        forward(t, &w->wi, m->normed, tokens, active);
    }
    forward(t, &w->wo, m->active, tokens,
            with_dropout(t, gemm_onto(out, d), place * T5_PLACES + T5_PLACE_RESULT));
}

void t5_feed_forward_backward(const struct t5_context *t, struct t5_feed_forward_memory *m,
                              const struct t5_feed_forward_weights *w, int tokens, int place) {
    int d = t->config->d_model, ff = t->config->d_ff, inside = place * T5_PLACES + T5_PLACE_INSIDE;
    struct gemm_result dhidden = with_dropout(t, gemm_into(t->dhidden, ff), inside);
    struct values dnormed = {.f32 = t->dnormed};

    if (t->config->gated_gelu) {
        dhidden.write = GEMM_GATED_GELU_BACKWARD;
        dhidden.x = m->hidden;
        dhidden.gate = m->gate;
        dhidden.other = t->dgate;
    } else {
        dhidden.write = GEMM_RELU_BACKWARD;
        dhidden.x = m->active;
    }
    backward(t, &w->wo, result_gradient(t, tokens, place), m->active, tokens, dhidden);
    backward(t, &w->wi, t->dhidden, m->normed, tokens, gemm_into(dnormed, d));
    if (t->config->gated_gelu)
        backward(t, &w->gate, t->dgate, m->normed, tokens, gemm_onto(t->dnormed, d));
    norm_backward(t->dx, t->gradients + w->norm, t->dnormed, m->x, m->inv, t->weights + w->norm, tokens, d);
}
