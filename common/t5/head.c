/* The head over pieces of the target tokens. */
#include "t5/head.h"
#include <math.h>
#include <string.h>
#include "base/threads.h"
#include "kernels/lane_ops.h"
#include "kernels/loss.h"
#include "kernels/vector.h"

/* A piece fills the second-level caches with small vocabularies and stays within tens of megabytes with
 * large. */
enum { PIECE_TOKENS = 512, PIECE_LOGITS = 16 << 20, PIECE_LEAST = 32 };

static int piece_of(int tokens, int vocabulary) {
    int piece = PIECE_LOGITS / vocabulary / PIECE_LEAST * PIECE_LEAST;
    piece = piece < PIECE_LEAST ? PIECE_LEAST : piece > PIECE_TOKENS ? PIECE_TOKENS : piece;
    return piece < tokens ? piece : tokens;
}

void t5_head_lay_out(struct t5_head *h, const struct t5_config *c, int target_tokens, bool in_bf16,
                     bool with_backward, struct arena *arena) {
    size_t d = (size_t)c->d_model, vocabulary = (size_t)c->vocab_size;
    h->piece = piece_of(target_tokens, c->vocab_size);
    h->scale = c->tie_word_embeddings ? 1.0f / sqrtf((float)d) : 1.0f;
    h->copies = !in_bf16;
    h->input = in_bf16 ? (struct values){0} : t5_take_values(arena, false, (size_t)target_tokens * d);
    h->logits = ARENA_TAKE(arena, float, (size_t)h->piece *vocabulary);
    t5_value_lay_out(&h->value_scratch, c, in_bf16, arena);
    if (!in_bf16 || !with_backward)
        return;
    h->dlogits = ARENA_TAKE(arena, bf16, (size_t)h->piece * vocabulary);
    h->scratch.packed_x = ARENA_TAKE(arena, bf16, bf16_packed_count(h->piece, c->d_model));
    h->scratch.packed_dy = ARENA_TAKE(arena, bf16, bf16_packed_count(h->piece, c->vocab_size));
}

void t5_head_begin(struct t5_head *h, const struct t5_context *t, struct values output, int tokens) {
    size_t size = (size_t)tokens * (size_t)t->config->d_model;
    h->tokens = tokens;
    h->output = output;
    if (!h->copies) {
        h->input = output;
        return;
    }
    memcpy(h->input.f32, output.f32, size * sizeof(float));
    if (h->scale != 1.0f)
        vector_scale(h->input.f32, h->scale, size);
}

/* In bf16 the scale of the logits is in their gradient, and rounds with it. */
struct rounding {
    bf16 *to;
    float *from, scale;
};

static void round_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct rounding *r = context;
    if (r->scale != 1.0f)
        lane_ops->scale(r->from + begin, r->scale, end - begin);
    lane_ops->bf16_round(r->to + begin, r->from + begin, end - begin);
}

static struct values gradient_of(struct t5_head *h, size_t size) {
    if (h->copies)
        return (struct values){.f32 = h->logits};
    struct rounding r = {h->dlogits, h->logits, h->scale};
    threads_for(size, 8192, round_task, &r);
    return (struct values){.b16 = h->dlogits};
}

/* The gradient of one piece goes on to the head's input and weights. */
static void backward(struct t5_head *h, const struct t5_context *t, const struct t5_linear *weights,
                     const struct linear *linear, struct values x, int count, float *dx) {
    struct values dlogits = gradient_of(h, (size_t)count * (size_t)linear->out);
    struct gemm_result result = {
        .write = GEMM_STORE, .c = {.f32 = dx}, .ldc = linear->in, .scale = h->copies ? h->scale : 1.0f};
    linear_backward_input(linear, dlogits, count, &result, &h->scratch);
    linear_backward_weight(t->gradients + weights->w, linear, dlogits, x, count, &h->scratch);
}

void t5_head_run(struct t5_head *h, const struct t5_context *t, const struct t5_linear *weights,
                 const struct t5_loss *loss, float *doutput) {
    struct linear linear = t5_linear_at(t, weights);
    size_t d = (size_t)linear.in;
    struct gemm_result result = {.write = GEMM_STORE,
                                 .c = {.f32 = h->logits},
                                 .ldc = linear.out,
                                 .scale = h->copies ? 1.0f : h->scale};
    for (int first = 0; first < h->tokens; first += h->piece) {
        int count = h->tokens - first < h->piece ? h->tokens - first : h->piece;
        size_t at = (size_t)first * d;
        struct values x = values_at(h->input, at), output = values_at(h->output, at);
        linear_forward(&linear, x, count, &result, &h->scratch);
        if (loss->value)
            t5_value_forward(loss->value, output, first, count, &h->value_scratch);
        loss->run(loss->context, h->logits, first, count);
        if (doutput)
            backward(h, t, weights, &linear, x, count, doutput + at);
        if (doutput && loss->value)
            t5_value_backward(loss->value, output, doutput + at, first, count, &h->value_scratch);
    }
}

static void run_cross_entropy(void *context, float *logits, int first, int count) {
    struct t5_targets *targets = context;
    int32_t *argmax = targets->argmax ? targets->argmax + first : NULL;
    if (targets->weights)
        loss_weighted_nll(logits, targets->labels + first, targets->weights + first, count,
                          targets->vocabulary, targets->nll + first, argmax);
    else
        loss_token_nll(logits, targets->labels + first, count, targets->vocabulary, targets->nll + first,
                       argmax);
}

struct t5_loss t5_cross_entropy(struct t5_targets *targets) {
    return (struct t5_loss){.run = run_cross_entropy, .context = targets};
}
