/* A T5 model and one pass of a batch through it. */
#include "t5/model.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/threads.h"
#include "kernels/position.h"
#include "t5/head.h"
#include "t5/stack.h"

enum status t5_open_shape(struct t5_model *model, const struct t5_config *config) {
    *model = (struct t5_model){.config = *config};
    TRY(t5_config_check(config));
    TRY(t5_layout_open(&model->layout, config));
    model->parameters = model->layout->parameters;
    model->parameter_count = model->layout->parameter_count;
    model->weight_count = model->layout->weight_count;
    return STATUS_OK;
}

enum status t5_open_weights(struct t5_model *model) {
    size_t bytes = (model->weight_count * sizeof(float) + 63) / 64 * 64;
    model->weights = aligned_alloc(64, bytes);
    if (!model->weights)
        return fail(STATUS_MEMORY, "no memory for the %zu MiB of weights of a T5 model", bytes >> 20);
    memset(model->weights, 0, bytes);
    return STATUS_OK;
}

enum status t5_open(struct t5_model *model, const struct t5_config *config) {
    TRY(t5_open_shape(model, config));
    enum status status = t5_open_weights(model);
    if (status != STATUS_OK)
        t5_close(model);
    return status;
}

void t5_close(struct t5_model *model) {
    t5_layout_close(model->layout);
    free(model->weights);
    free(model->packed);
    if (model->int8)
        t5_int8_close(model->int8);
    free(model->int8);
    model->layout = NULL;
    model->parameters = NULL;
    model->parameter_count = 0;
    model->weights = NULL;
    model->int8 = NULL;
    model->packed = NULL;
}

enum status t5_take_int8(struct t5_int8 *int8, const struct t5_model *model) {
    if (model->int8) {
        *int8 = *model->int8;
        return STATUS_OK;
    }
    TRY(t5_int8_open(int8, model->layout));
    enum status status = t5_int8_quantise(int8, model->layout, model->weights);
    if (status != STATUS_OK)
        t5_int8_close(int8);
    return status;
}

void t5_release_int8(struct t5_int8 *int8, const struct t5_model *model) {
    if (!model->int8)
        t5_int8_close(int8);
    *int8 = (struct t5_int8){0};
}

enum status t5_dequantise(struct t5_model *model) {
    if (model->weights || !model->int8)
        return STATUS_OK;
    TRY(t5_open_weights(model));
    t5_int8_dequantise(model->int8, model->layout, model->weights);
    return STATUS_OK;
}

enum status t5_use_bf16(struct t5_model *model) {
    if (model->packed)
        return STATUS_OK;
    if (model->config.d_kv % 2)
        return fail(STATUS_CONFIG, "d_kv is %d and bf16 works on pairs: use an even d_kv or precision fp32",
                    model->config.d_kv);
    size_t bytes = (model->layout->packed_count * sizeof(bf16) + 63) / 64 * 64;
    model->packed = aligned_alloc(64, bytes);
    if (!model->packed)
        return fail(STATUS_MEMORY, "no memory for the %zu MiB of bf16 weights of a T5 model", bytes >> 20);
    memset(model->packed, 0, bytes);
    t5_refresh(model);
    return STATUS_OK;
}

void t5_refresh(struct t5_model *model) {
    for (int i = 0; model->packed && i < model->layout->linear_count; i++) {
        const struct t5_linear *l = &model->layout->linears[i];
        bf16_pack_matrix(model->packed + l->forward, model->packed + l->backward, model->weights + l->w,
                         l->in, l->out);
    }
}

void t5_initialise(struct t5_model *model, struct rng *rng) {
    for (int i = 0; i < model->parameter_count; i++) {
        const struct t5_parameter *p = &model->parameters[i];
        float *w = model->weights + p->offset;
        size_t n = (size_t)p->rows * (size_t)p->columns;
        for (size_t j = 0; j < n; j++)
            w[j] = p->deviation == 0.0f ? 1.0f : p->deviation * rng_normal(rng);
    }
}

/* The mean distance of each bucket; the last one is full of all that is far. */
static void localise_table(float *table, const struct position_buckets *buckets, int heads, float slope) {
    for (int b = 0; b < buckets->buckets; b++) {
        float sum = 0.0f, count = 0.0f;
        for (int d = -buckets->largest_distance; d <= (buckets->both_sides ? buckets->largest_distance : 0);
             d++)
            if (position_bucket(buckets, d) == b) {
                sum += (float)abs(d);
                count += 1.0f;
            }
        float bias = count > 0.0f ? slope * (sum / count) : 0.0f; /* a bucket may be empty */
        for (int h = 0; h < heads; h++, bias /= 4.0f)
            table[b * heads + h] -= bias;
    }
}

void t5_localise(struct t5_model *model, float slope) {
    const struct t5_config *c = &model->config;
    const struct t5_layout *layout = model->layout;
    struct position_buckets encoder = t5_stack_buckets(c, false), decoder = t5_stack_buckets(c, true);
    localise_table(model->weights + layout->encoder.relative_bias, &encoder, c->num_heads, slope);
    localise_table(model->weights + layout->decoder.relative_bias, &decoder, c->num_heads, slope);
}

const struct t5_parameter *t5_find_parameter(const struct t5_model *model, const char *name) {
    for (int i = 0; i < model->parameter_count; i++)
        if (strcmp(model->parameters[i].name, name) == 0)
            return &model->parameters[i];
    return NULL;
}

struct t5_pass {
    struct t5_config config;
    struct t5_limits limits;
    bool with_backward;
    int threads; /* the pool that the scratch was sized for */
    struct arena arena;
    struct t5_context context;
    struct t5_stack encoder, decoder;
    struct t5_head head;
    struct t5_batch batch;
};

static int larger(int a, int b) {
    return a > b ? a : b;
}

/* What the backward pass keeps for one sublayer at a time. */
static void lay_out_gradients(struct t5_context *t, const struct t5_config *c, const struct t5_limits *l,
                              struct arena *arena) {
    size_t inner = (size_t)c->num_heads * (size_t)c->d_kv, d = (size_t)c->d_model, ff = (size_t)c->d_ff;
    size_t most = (size_t)larger(l->source_tokens, l->target_tokens);
    int widest = larger(larger(c->d_ff, c->d_model), 3 * (int)inner);
    t->dx = ARENA_TAKE(arena, float, most *d);
    t->dnormed = ARENA_TAKE(arena, float, most *d);
    t->dresult = t5_take_values(arena, l->bf16, most * d);
    t->dprojected = t5_take_values(arena, l->bf16, most * 3 * inner);
    t->dmemory = t5_take_values(arena, l->bf16, (size_t)l->source_tokens * 2 * inner);
    t->dcontext = t5_take_values(arena, l->bf16, most * inner);
    t->dhidden = t5_take_values(arena, l->bf16, most * ff);
    t->dgate = c->gated_gelu ? t5_take_values(arena, l->bf16, most * ff) : (struct values){0};
    if (l->bf16) {
        t->linear.packed_x = ARENA_TAKE(arena, bf16, bf16_packed_count((int)most, widest));
        t->linear.packed_dy = ARENA_TAKE(arena, bf16, bf16_packed_count((int)most, widest));
    } else {
        t->linear.product = ARENA_TAKE(arena, float, most *d);
    }
}

static void lay_out(struct t5_pass *pass, struct arena *arena) {
    const struct t5_config *c = &pass->config;
    const struct t5_limits *l = &pass->limits;
    struct t5_context *t = &pass->context;
    struct t5_stack_size size = {.tokens = l->source_tokens,
                                 .length = l->row_length,
                                 .with_backward = pass->with_backward,
                                 .bf16 = l->bf16};
    t5_stack_lay_out(&pass->encoder, c, &size, arena);
    size.tokens = l->target_tokens;
    size.memory_tokens = l->source_tokens;
    t5_stack_lay_out(&pass->decoder, c, &size, arena);
    t5_head_lay_out(&pass->head, c, l->target_tokens, l->bf16, pass->with_backward, arena);
    struct attention_limits attention = {.heads = c->num_heads,
                                         .width = c->d_kv,
                                         .length = l->row_length,
                                         .queries = l->row_length,
                                         .keys = l->row_length,
                                         .threads = pass->threads,
                                         .bf16 = l->bf16,
                                         .backward = pass->with_backward};
    attention_scratch_lay_out(&t->attention, &attention, arena);
    if (pass->with_backward)
        lay_out_gradients(t, c, l, arena);
}

static enum status open_stack(struct t5_stack *stack, int depth, bool decoder) {
    stack->depth = depth;
    stack->decoder = decoder;
    stack->blocks = calloc((size_t)depth, sizeof *stack->blocks);
    return stack->blocks ? STATUS_OK
                         : fail(STATUS_MEMORY, "no memory for the %d blocks of a T5 stack", depth);
}

enum status t5_pass_open(struct t5_pass **out, const struct t5_config *config, const struct t5_limits *limits,
                         bool with_backward) {
    struct t5_pass *pass = calloc(1, sizeof *pass);
    *out = pass;
    if (!pass)
        return fail(STATUS_MEMORY, "no memory for a T5 pass");
    pass->config = *config;
    pass->limits = *limits;
    pass->with_backward = with_backward;
    pass->threads = threads_count();
    enum status status = open_stack(&pass->encoder, config->num_layers, false);
    if (status == STATUS_OK)
        status = open_stack(&pass->decoder, config->num_decoder_layers, true);
    if (status == STATUS_OK) {
        struct arena measuring = arena_measuring();
        lay_out(pass, &measuring);
        status = arena_open(&pass->arena, measuring.used, "the activations of a T5 pass");
    }
    if (status == STATUS_OK) {
        lay_out(pass, &pass->arena);
    } else {
        t5_pass_close(pass);
        *out = NULL;
    }
    return status;
}

void t5_pass_close(struct t5_pass *pass) {
    if (!pass)
        return;
    arena_close(&pass->arena);
    free(pass->encoder.blocks);
    free(pass->decoder.blocks);
    free(pass);
}

static int longest_row(const struct t5_rows *rows) {
    int longest = 0;
    for (int r = 0; r < rows->count; r++)
        longest = larger(longest, rows->start[r + 1] - rows->start[r]);
    return longest;
}

static bool ids_within(const struct t5_rows *rows, int vocabulary) {
    for (int i = 0; i < rows->start[rows->count]; i++)
        if (rows->ids[i] < 0 || rows->ids[i] >= vocabulary)
            return false;
    return true;
}

static void check_batch(const struct t5_pass *pass, const struct t5_batch *b) {
    const struct t5_limits *l = &pass->limits;
    assert(b->source.count == b->target.count && b->source.count <= l->rows);
    assert(b->source.start[b->source.count] <= l->source_tokens);
    assert(b->target.start[b->target.count] <= l->target_tokens);
    assert(longest_row(&b->source) <= l->row_length && longest_row(&b->target) <= l->row_length);
    assert(ids_within(&b->source, pass->config.vocab_size) &&
           ids_within(&b->target, pass->config.vocab_size));
    for (int r = 0; r < b->source.count; r++)
        assert(b->source.start[r + 1] > b->source.start[r]);
    assert(threads_count() <= pass->threads);
    assert(!pass->config.absolute_positions || (longest_row(&b->source) <= pass->config.absolute_positions &&
                                                longest_row(&b->target) <= pass->config.absolute_positions));
    (void)l;
}

static struct t5_stack_input encoder_input(const struct t5_batch *b) {
    return (struct t5_stack_input){.rows = b->source, .mask = b->source_mask};
}

static struct t5_stack_input decoder_input(const struct t5_pass *pass) {
    const struct t5_batch *b = &pass->batch;
    return (struct t5_stack_input){.rows = b->target,
                                   .mask = b->source_mask,
                                   .memory = pass->encoder.output,
                                   .memory_start = b->source.start};
}

void t5_forward(struct t5_pass *pass, const struct t5_model *model, const struct t5_batch *batch,
                const struct t5_dropout *dropout) {
    const struct t5_layout *layout = model->layout;
    struct t5_context *t = &pass->context;
    check_batch(pass, batch);
    assert(!dropout || dropout->rate == 0.0f || pass->with_backward);
    assert(!pass->limits.bf16 || model->packed);
    pass->batch = *batch;
    t->config = &pass->config;
    t->weights = model->weights;
    t->packed = pass->limits.bf16 ? model->packed : NULL;
    t->gradients = NULL;
    t->dropout_rate = dropout ? dropout->rate : 0.0f;
    t->dropout_key = dropout ? dropout->key : 0;

    struct t5_stack_input in = encoder_input(batch);
    t5_stack_forward(t, &pass->encoder, &layout->encoder, layout->embedding, &in);
    in = decoder_input(pass);
    t5_stack_forward(t, &pass->decoder, &layout->decoder, layout->embedding, &in);
    t5_head_begin(&pass->head, t, pass->decoder.output, batch->target.start[batch->target.count]);
}

void t5_head(struct t5_pass *pass, const struct t5_model *model, const struct t5_loss *loss) {
    t5_head_run(&pass->head, &pass->context, &model->layout->head, loss, NULL);
}

void t5_backward(struct t5_pass *pass, const struct t5_model *model, const struct t5_loss *loss,
                 float *gradients) {
    const struct t5_layout *layout = model->layout;
    struct t5_context *t = &pass->context;
    assert(pass->with_backward);
    t->gradients = gradients;
    t5_head_run(&pass->head, t, &layout->head, loss, pass->decoder.doutput);

    int source_tokens = pass->batch.source.start[pass->batch.source.count];
    memset(pass->encoder.doutput, 0, (size_t)source_tokens * (size_t)pass->config.d_model * sizeof(float));
    struct t5_stack_input in = decoder_input(pass);
    t5_stack_backward(t, &pass->decoder, &layout->decoder, layout->embedding, &in, pass->encoder.doutput);
    in = encoder_input(&pass->batch);
    t5_stack_backward(t, &pass->encoder, &layout->encoder, layout->embedding, &in, NULL);
}

struct copying {
    float *to;
    size_t vocabulary;
};

static void copy_logits(void *context, float *logits, int first, int count) {
    struct copying *c = context;
    memcpy(c->to + (size_t)first * c->vocabulary, logits, (size_t)count * c->vocabulary * sizeof *logits);
}

void t5_logits(struct t5_pass *pass, const struct t5_model *model, float *logits) {
    struct copying copying = {logits, (size_t)pass->config.vocab_size};
    t5_head(pass, model, &(struct t5_loss){.run = copy_logits, .context = &copying});
}

const float *t5_encoder_output(const struct t5_pass *pass) {
    return pass->encoder.output.f32;
}
