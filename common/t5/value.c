/* The value head over a piece of the target tokens: v = output . weights + bias. */
#include "t5/value.h"
#include "base/threads.h"
#include "kernels/lane_ops.h"

void t5_value_lay_out(struct t5_value_scratch *s, const struct t5_config *c, bool in_bf16,
                      struct arena *arena) {
    s->width = c->d_model;
    s->rows = in_bf16 ? ARENA_TAKE(arena, float, threads_count() * c->d_model) : NULL;
}

/* One piece of tokens, cut by tokens or by columns. */
struct piece {
    const struct t5_value *value;
    const struct t5_value_scratch *scratch;
    struct values output; /* [tokens, width] */
    float *doutput;       /* [tokens, width] */
    float *values;        /* [tokens] */
    const float *dvalues; /* [tokens] */
    size_t tokens;
};

/* Columns [begin, end) of a token's output in float32. */
static const float *columns(const struct piece *p, size_t token, size_t begin, size_t end, int worker) {
    size_t width = (size_t)p->scratch->width, at = token * width + begin;
    if (p->output.f32)
        return p->output.f32 + at;
    float *row = p->scratch->rows + (size_t)worker * width;
    lane_ops->bf16_widen(row, p->output.b16 + at, end - begin);
    return row;
}

static void forward_task(void *context, size_t begin, size_t end, int worker) {
    const struct piece *p = context;
    size_t width = (size_t)p->scratch->width;
    for (size_t t = begin; t < end; t++)
        p->values[t] = lane_ops->dot(columns(p, t, 0, width, worker), p->value->weights, width) +
                       p->value->weights[width];
}

void t5_value_forward(const struct t5_value *value, struct values output, int first, int count,
                      const struct t5_value_scratch *scratch) {
    struct piece piece = {
        .value = value, .scratch = scratch, .output = output, .values = value->values + first};
    threads_for((size_t)count, 16, forward_task, &piece);
}

static void input_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    const struct piece *p = context;
    size_t width = (size_t)p->scratch->width;
    for (size_t t = begin; t < end; t++)
        lane_ops->axpy(p->doutput + t * width, p->dvalues[t], p->value->weights, width);
}

/* A thread owns columns and sums their tokens in order, so that the sums do not depend on the threads. */
static void weight_task(void *context, size_t begin, size_t end, int worker) {
    const struct piece *p = context;
    for (size_t t = 0; t < p->tokens; t++)
        lane_ops->axpy(p->value->gradients + begin, p->dvalues[t], columns(p, t, begin, end, worker),
                       end - begin);
}

void t5_value_backward(const struct t5_value *value, struct values output, float *doutput, int first,
                       int count, const struct t5_value_scratch *scratch) {
    if (!value->dvalues)
        return;
    size_t width = (size_t)scratch->width;
    struct piece piece = {.value = value,
                          .scratch = scratch,
                          .output = output,
                          .doutput = doutput,
                          .dvalues = value->dvalues + first,
                          .tokens = (size_t)count};
    threads_for(piece.tokens, 16, input_task, &piece);
    threads_for(width, 64, weight_task, &piece);
    for (int t = 0; t < count; t++)
        value->gradients[width] += piece.dvalues[t];
}
