/* What stands between the matrix products: norm, activation, loss, embedding, sampling, AdamW. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/threads.h"
#include "kernel_case.h"
#include "kernels/activation.h"
#include "kernels/embedding.h"
#include "kernels/loss.h"
#include "kernels/norm.h"
#include "kernels/optimizer.h"
#include "kernels/sample.h"
#include "t5/parameters.h"

struct layers {
    struct arena arena;
    bool gated;
    int tokens, targets, rows, d, ff, vocabulary; /* tokens: of the sources */
    size_t weight_count;
    /* [tokens, d] and what belongs to it */
    float *x, *y, *dx, *inv, *norm_weight, *norm_gradient; /* inv [tokens], the last two [d] */
    /* [tokens, ff] */
    float *hidden, *gate, *active, *dhidden, *dgate;
    /* [targets, vocabulary] and [targets] */
    float *logits, *gradient, *token_weights, *nll;
    int32_t *labels, *argmax;
    float *table, *dtable;                                           /* [vocabulary, d] */
    int32_t *ids;                                                    /* [tokens] */
    float *scratch;                                                  /* [threads, vocabulary] */
    int32_t *chosen;                                                 /* [rows] */
    float *probability;                                              /* [rows] */
    float *weights, *first_moment, *second_moment, *weight_gradient; /* [weight_count] */
};

static size_t area(int rows, int columns) {
    return (size_t)rows * (size_t)columns;
}

/* ---- kernels ---- */

static void run_norm(void *context) {
    struct layers *l = context;
    norm_forward((struct values){.f32 = l->y}, l->inv, NULL, l->x, l->norm_weight, l->tokens, l->d, 1e-6f);
}

/* Gradients add up, so both start at zero; inv is what the forward pass kept. */
static void prepare_norm_backward(void *context) {
    struct layers *l = context;
    memset(l->dx, 0, area(l->tokens, l->d) * sizeof *l->dx);
    memset(l->norm_gradient, 0, (size_t)l->d * sizeof *l->norm_gradient);
    run_norm(context);
}

static void run_norm_backward(void *context) {
    struct layers *l = context;
    norm_backward(l->dx, l->norm_gradient, l->y, l->x, l->inv, l->norm_weight, l->tokens, l->d);
}

static void run_activation(void *context) {
    struct layers *l = context;
    size_t n = area(l->tokens, l->ff);
    if (l->gated)
        gated_gelu_forward(l->active, l->hidden, l->gate, n);
    else
        relu_forward(l->active, l->hidden, n);
}

static void run_activation_backward(void *context) {
    struct layers *l = context;
    size_t n = area(l->tokens, l->ff);
    if (l->gated)
        gated_gelu_backward(l->dhidden, l->dgate, l->active, l->hidden, l->gate, n);
    else
        relu_backward(l->dhidden, l->active, l->hidden, n);
}

/* The loss works in place. */
static void prepare_loss(void *context) {
    struct layers *l = context;
    memcpy(l->gradient, l->logits, area(l->targets, l->vocabulary) * sizeof *l->logits);
}

static void run_loss(void *context) {
    struct layers *l = context;
    loss_weighted_nll(l->gradient, l->labels, l->token_weights, l->targets, l->vocabulary, l->nll, l->argmax);
}

static void run_embedding(void *context) {
    struct layers *l = context;
    embedding_forward(l->y, l->table, l->ids, l->tokens, l->d);
}

static void prepare_embedding_backward(void *context) {
    struct layers *l = context;
    memset(l->dtable, 0, area(l->vocabulary, l->d) * sizeof *l->dtable);
}

static void run_embedding_backward(void *context) {
    struct layers *l = context;
    embedding_backward(l->dtable, l->x, l->ids, l->tokens, l->d);
}

static void sample_task(void *context, size_t begin, size_t end, int worker) {
    struct layers *l = context;
    for (size_t r = begin; r < end; r++)
        l->chosen[r] = sample_token(l->logits + r * (size_t)l->vocabulary, l->vocabulary, 1.0f, 0, 1.0f, 0.5f,
                                    l->scratch + area(worker, l->vocabulary), &l->probability[r]);
}

static void run_sampling(void *context) {
    struct layers *l = context;
    threads_for((size_t)l->rows, 4, sample_task, l);
}

static void run_gradient_norm(void *context) {
    struct layers *l = context;
    l->nll[0] = (float)gradient_norm(l->weight_gradient, l->weight_count);
}

static void prepare_adamw(void *context) {
    struct layers *l = context;
    kernel_fill(l->weight_gradient, l->weight_count, "gradient"); /* the update leaves zeros */
    memcpy(l->weights, l->weight_gradient, l->weight_count * sizeof *l->weights);
    memset(l->first_moment, 0, l->weight_count * sizeof *l->first_moment);
    memset(l->second_moment, 0, l->weight_count * sizeof *l->second_moment);
}

static void run_adamw(void *context) {
    static const struct adamw settings = {1e-4f, 0.9f, 0.999f, 1e-8f, 0.01f};
    struct layers *l = context;
    adamw_update(l->weights, l->first_moment, l->second_moment, l->weight_gradient, l->weight_count,
                 &settings, 1, 0.5f, NULL, 0);
}

/* ---- cases ---- */

/* Operations and bytes are per element of the shape; operations where they are few and plain enough to count.
 */
struct row {
    const char *kernel;
    size_t rows, columns; /* rows 1: shown as a plain number */
    double flops, bytes;
    bench_action *prepare, *run;
    const float *result;
    size_t result_size;
};

static void add_row(struct kernel_table *table, struct layers *layers, const struct row *r) {
    struct kernel_case *row = kernel_table_add(table);
    double elements = (double)r->rows * (double)r->columns;
    row->kernel = r->kernel;
    row->flops = r->flops * elements;
    row->bytes = r->bytes * elements;
    row->prepare = r->prepare;
    row->run = r->run;
    row->operands = layers;
    row->result = r->result;
    row->result_size = r->result_size;
    if (r->rows == 1)
        snprintf(row->shape, sizeof row->shape, "%zu", r->columns);
    else
        snprintf(row->shape, sizeof row->shape, "%zu x %zu", r->rows, r->columns);
}

static void add_rows(struct kernel_table *table, struct layers *l) {
    size_t tokens = (size_t)l->tokens, targets = (size_t)l->targets, batch = (size_t)l->rows,
           d = (size_t)l->d;
    size_t ff = (size_t)l->ff, vocabulary = (size_t)l->vocabulary, n = l->weight_count;
    const char *act = l->gated ? "gated gelu" : "relu",
               *act_back = l->gated ? "gated gelu backward" : "relu backward";
    double in = l->gated ? 8 : 4;
    const struct row rows[] = {
        {"norm", tokens, d, 4, 8, NULL, run_norm, l->y, tokens * d},
        {"norm backward", tokens, d, 11, 16, prepare_norm_backward, run_norm_backward, l->dx, tokens * d},
        {act, tokens, ff, 0, in + 4, NULL, run_activation, l->active, tokens * ff},
        {act_back, tokens, ff, 0, 4 + 2 * in, run_activation, run_activation_backward, l->dhidden,
         tokens * ff},
        {"loss", targets, vocabulary, 0, 8, prepare_loss, run_loss, l->gradient, targets * vocabulary},
        {"embedding", tokens, d, 0, 8, NULL, run_embedding, NULL, 0},
        {"embedding backward", tokens, d, 1, 12, prepare_embedding_backward, run_embedding_backward,
         l->dtable, vocabulary * d},
        {"sampling", batch, vocabulary, 0, 4, NULL, run_sampling, l->probability, batch},
        {"gradient norm", 1, n, 2, 4, NULL, run_gradient_norm, NULL, 0},
        {"adamw", 1, n, 14, 32, prepare_adamw, run_adamw, l->weights, n},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        add_row(table, l, &rows[i]);
}

/* ---- memory ---- */

static void lay_out(struct layers *l, struct arena *arena) {
    size_t residual = area(l->tokens, l->d), wide = area(l->tokens, l->ff), d = (size_t)l->d;
    size_t logits = area(l->targets > l->rows ? l->targets : l->rows, l->vocabulary);
    size_t targets = (size_t)l->targets, rows = (size_t)l->rows, n = l->weight_count;
    l->x = ARENA_TAKE(arena, float, residual);
    l->y = ARENA_TAKE(arena, float, residual);
    l->dx = ARENA_TAKE(arena, float, residual);
    l->inv = ARENA_TAKE(arena, float, l->tokens);
    l->norm_weight = ARENA_TAKE(arena, float, d);
    l->norm_gradient = ARENA_TAKE(arena, float, d);
    l->hidden = ARENA_TAKE(arena, float, wide);
    l->gate = ARENA_TAKE(arena, float, wide);
    l->active = ARENA_TAKE(arena, float, wide);
    l->dhidden = ARENA_TAKE(arena, float, wide);
    l->dgate = ARENA_TAKE(arena, float, wide);
    l->logits = ARENA_TAKE(arena, float, logits);
    l->gradient = ARENA_TAKE(arena, float, logits);
    l->token_weights = ARENA_TAKE(arena, float, targets);
    l->nll = ARENA_TAKE(arena, float, targets);
    l->labels = ARENA_TAKE(arena, int32_t, targets);
    l->argmax = ARENA_TAKE(arena, int32_t, targets);
    l->table = ARENA_TAKE(arena, float, area(l->vocabulary, l->d));
    l->dtable = ARENA_TAKE(arena, float, area(l->vocabulary, l->d));
    l->ids = ARENA_TAKE(arena, int32_t, l->tokens);
    l->scratch = ARENA_TAKE(arena, float, area(threads_count(), l->vocabulary));
    l->chosen = ARENA_TAKE(arena, int32_t, rows);
    l->probability = ARENA_TAKE(arena, float, rows);
    l->weights = ARENA_TAKE(arena, float, n);
    l->first_moment = ARENA_TAKE(arena, float, n);
    l->second_moment = ARENA_TAKE(arena, float, n);
    l->weight_gradient = ARENA_TAKE(arena, float, n);
}

static void fill(struct layers *l, const struct t5_config *config) {
    kernel_fill(l->x, area(l->tokens, l->d), "x");
    kernel_fill(l->norm_weight, (size_t)l->d, "norm");
    kernel_fill(l->hidden, area(l->tokens, l->ff), "hidden");
    kernel_fill(l->gate, area(l->tokens, l->ff), "gate");
    kernel_fill(l->logits, area(l->targets > l->rows ? l->targets : l->rows, l->vocabulary), "logits");
    kernel_fill(l->table, area(l->vocabulary, l->d), "table");
    kernel_fill(l->weight_gradient, l->weight_count, "gradient");
    for (int i = 0; i < l->targets; i++)
        l->token_weights[i] = 1.0f / (float)l->targets;
    bench_random_ids(l->labels, (size_t)l->targets, config, "labels");
    bench_random_ids(l->ids, (size_t)l->tokens, config, "ids");
}

/* At most so many, which is far beyond any cache. */
static enum status count_weights(size_t *count, const struct t5_config *config) {
    enum { MOST_WEIGHTS = 1 << 26 };
    struct t5_layout *layout;
    TRY(t5_layout_open(&layout, config));
    *count = layout->weight_count < MOST_WEIGHTS ? layout->weight_count : MOST_WEIGHTS;
    t5_layout_close(layout);
    return STATUS_OK;
}

static void close_layers(void *family) {
    struct layers *l = family;
    if (l)
        arena_close(&l->arena);
    free(l);
}

static enum status open_layers(void **family, const struct kernel_shape *shape, struct kernel_table *table) {
    const struct t5_config *c = &shape->config;
    struct layers *l = calloc(1, sizeof *l);
    struct arena measuring = arena_measuring();
    if (!l)
        return fail(STATUS_MEMORY, "no memory to measure the layers");
    *l = (struct layers){.gated = c->gated_gelu,
                         .tokens = shape->rows * shape->source,
                         .targets = shape->rows * shape->target,
                         .rows = shape->rows,
                         .d = c->d_model,
                         .ff = c->d_ff,
                         .vocabulary = c->vocab_size};
    enum status status = count_weights(&l->weight_count, c);
    lay_out(l, &measuring);
    if (status == STATUS_OK)
        status = arena_open(&l->arena, measuring.used, "the arrays of the layers");
    if (status != STATUS_OK) {
        close_layers(l);
        return status;
    }
    lay_out(l, &l->arena);
    fill(l, c);
    add_rows(table, l);
    *family = l;
    return STATUS_OK;
}

const struct kernel_family bench_layers = {open_layers, close_layers};
