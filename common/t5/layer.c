/* Attention and feed-forward sublayers, forward and backward. */
#include "t5/layer.h"
#include <string.h>
#include "kernels/activation.h"
#include "kernels/dropout.h"
#include "kernels/gemm.h"
#include "kernels/norm.h"
#include "kernels/vector.h"

void t5_dropout(const struct t5_context *t, float *x, size_t n, int place) {
    if (t->dropout_rate > 0.0f)
        dropout_apply(x, x, n, t->dropout_rate, dropout_key(t->dropout_key, (uint32_t)place), 0);
}

void t5_linear_forward(float *y, const float *x, const float *w, int tokens, int in, int out) {
    gemm(false, true, tokens, out, in, x, in, w, in, 0.0f, y, out);
}

void t5_linear_backward(float *dx, bool add, float *dw, const float *dy, const float *x, const float *w,
                        int tokens, int in, int out) {
    gemm(false, false, tokens, in, out, dy, out, w, in, add ? 1.0f : 0.0f, dx, in);
    gemm(true, false, out, in, tokens, dy, out, x, in, 1.0f, dw, in);
}

static struct attention_shape with_dropout(const struct t5_context *t, struct attention_shape shape,
                                           int place) {
    shape.dropout_rate = t->dropout_rate;
    shape.dropout_key = dropout_key(t->dropout_key, (uint32_t)(place * T5_PLACES + T5_PLACE_INSIDE));
    return shape;
}

void t5_attention_forward(struct t5_context *t, struct t5_attention_memory *m,
                          const struct t5_attention_weights *w, struct attention_shape shape,
                          const float *memory, int place, float *out) {
    int d = t->config->d_model, inner = t->config->num_heads * t->config->d_kv;
    int tokens = shape.q_start[shape.rows], keys = shape.k_start[shape.rows];
    const float *source = memory ? memory : m->normed;
    shape = with_dropout(t, shape, place);

    norm_forward(m->normed, m->inv, m->x, t->weights + w->norm, tokens, d, t->config->layer_norm_epsilon);
    t5_linear_forward(m->q, m->normed, t->weights + w->q, tokens, d, inner);
    t5_linear_forward(m->k, source, t->weights + w->k, keys, d, inner);
    t5_linear_forward(m->v, source, t->weights + w->v, keys, d, inner);
    attention_forward(m->context, m->probabilities, m->q, m->k, m->v, &shape, t->attention_scratch,
                      t->attention_scratch_size);
    float *result = t->dropout_rate > 0.0f ? t->scratch_wide : out;
    if (result == out) { /* out = x + context Wo^T in one product */
        if (out != m->x)
            memcpy(out, m->x, (size_t)tokens * (size_t)d * sizeof *out);
        gemm(false, true, tokens, d, inner, m->context, inner, t->weights + w->o, inner, 1.0f, out, d);
        return;
    }
    t5_linear_forward(result, m->context, t->weights + w->o, tokens, inner, d);
    t5_dropout(t, result, (size_t)tokens * (size_t)d, place * T5_PLACES + T5_PLACE_RESULT);
    if (out != m->x)
        memcpy(out, m->x, (size_t)tokens * (size_t)d * sizeof *out);
    vector_add(out, result, (size_t)tokens * (size_t)d);
}

void t5_attention_backward(struct t5_context *t, struct t5_attention_memory *m,
                           const struct t5_attention_weights *w, struct attention_shape shape,
                           const float *memory, int place, float *dx, float *dmemory, float *dbias) {
    int d = t->config->d_model, inner = t->config->num_heads * t->config->d_kv;
    int tokens = shape.q_start[shape.rows], keys = shape.k_start[shape.rows];
    float *g = t->gradients, *dcontext = t->scratch_wide;
    const float *p = t->weights, *dresult = dx;
    shape = with_dropout(t, shape, place);

    if (t->dropout_rate > 0.0f) {
        memcpy(t->dnormed, dx, (size_t)tokens * (size_t)d * sizeof *dx);
        t5_dropout(t, t->dnormed, (size_t)tokens * (size_t)d, place * T5_PLACES + T5_PLACE_RESULT);
        dresult = t->dnormed;
    }
    t5_linear_backward(dcontext, false, g + w->o, dresult, m->context, p + w->o, tokens, inner, d);
    attention_backward(t->dq, t->dk, t->dv, dbias, dcontext, m->probabilities, m->q, m->k, m->v, &shape,
                       t->attention_scratch, t->attention_scratch_size);
    t5_linear_backward(t->dnormed, false, g + w->q, t->dq, m->normed, p + w->q, tokens, d, inner);
    const float *source = memory ? memory : m->normed;
    float *dsource = memory ? dmemory : t->dnormed;
    t5_linear_backward(dsource, true, g + w->k, t->dk, source, p + w->k, keys, d, inner);
    t5_linear_backward(dsource, true, g + w->v, t->dv, source, p + w->v, keys, d, inner);
    norm_backward(dx, g + w->norm, t->dnormed, m->x, m->inv, p + w->norm, tokens, d);
}

void t5_feed_forward_forward(struct t5_context *t, struct t5_feed_forward_memory *m,
                             const struct t5_feed_forward_weights *w, int tokens, int place, float *out) {
    int d = t->config->d_model, ff = t->config->d_ff;
    size_t wide = (size_t)tokens * (size_t)ff, narrow = (size_t)tokens * (size_t)d;
    const float *p = t->weights;

    norm_forward(m->normed, m->inv, m->x, p + w->norm, tokens, d, t->config->layer_norm_epsilon);
    t5_linear_forward(m->hidden, m->normed, p + w->wi, tokens, d, ff);
    if (t->config->gated_gelu) {
        t5_linear_forward(m->gate, m->normed, p + w->gate, tokens, d, ff);
        gated_gelu_forward(m->active, m->hidden, m->gate, wide);
    } else {
        relu_forward(m->active, m->hidden, wide);
    }
    t5_dropout(t, m->active, wide, place * T5_PLACES + T5_PLACE_INSIDE);
    if (out != m->x)
        memcpy(out, m->x, narrow * sizeof *out);
    if (t->dropout_rate == 0.0f) {
        gemm(false, true, tokens, d, ff, m->active, ff, p + w->wo, ff, 1.0f, out, d);
        return;
    }
    t5_linear_forward(t->scratch_wide, m->active, p + w->wo, tokens, ff, d);
    t5_dropout(t, t->scratch_wide, narrow, place * T5_PLACES + T5_PLACE_RESULT);
    vector_add(out, t->scratch_wide, narrow);
}

void t5_feed_forward_backward(struct t5_context *t, struct t5_feed_forward_memory *m,
                              const struct t5_feed_forward_weights *w, int tokens, int place, float *dx) {
    int d = t->config->d_model, ff = t->config->d_ff;
    size_t wide = (size_t)tokens * (size_t)ff, narrow = (size_t)tokens * (size_t)d;
    const float *p = t->weights, *dresult = dx;
    float *g = t->gradients;

    if (t->dropout_rate > 0.0f) {
        memcpy(t->scratch_wide, dx, narrow * sizeof *dx);
        t5_dropout(t, t->scratch_wide, narrow, place * T5_PLACES + T5_PLACE_RESULT);
        dresult = t->scratch_wide;
    }
    t5_linear_backward(t->dhidden, false, g + w->wo, dresult, m->active, p + w->wo, tokens, ff, d);
    t5_dropout(t, t->dhidden, wide, place * T5_PLACES + T5_PLACE_INSIDE);
    if (t->config->gated_gelu) {
        gated_gelu_backward(t->dhidden, t->dgate, t->dhidden, m->hidden, m->gate, wide);
        t5_linear_backward(t->dnormed, false, g + w->gate, t->dgate, m->normed, p + w->gate, tokens, d, ff);
    } else {
        relu_backward(t->dhidden, t->dhidden, m->hidden, wide);
    }
    t5_linear_backward(t->dnormed, t->config->gated_gelu, g + w->wi, t->dhidden, m->normed, p + w->wi, tokens,
                       d, ff);
    norm_backward(dx, g + w->norm, t->dnormed, m->x, m->inv, p + w->norm, tokens, d);
}
