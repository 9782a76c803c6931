/* Batched cached decoding. Slot r of every cache belongs to row r; a step works on the active rows only,
 * packed. */
#include "t5/generate.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/threads.h"
#include "kernels/attention_cache.h"
#include "kernels/embedding.h"
#include "kernels/norm.h"
#include "kernels/position.h"
#include "kernels/sample.h"
#include "kernels/vector.h"
#include "t5/stack.h"

struct block_cache {
    struct attention_cache self, cross;
};

struct t5_generator {
    struct t5_config config;
    int rows, source_length, target_length, threads;
    bool bf16;
    struct arena arena;
    struct t5_stack encoder;
    struct t5_context context;
    struct block_cache *caches;
    int *source_count, *filled; /* [rows] keys of the memory, of the decoder so far */
    int *counts, *positions;    /* [rows] of the active rows, in their order */
    float *bias;                /* [heads, 2 length - 1] */
    float *x, *inv;             /* [rows, d_model], [rows] */
    struct values normed, projected, attended, active, hidden, gate; /* [rows, ...] */
    struct values memory_kv;                                         /* [rows * source_length, 2 inner] */
    float *logits, *scores, *sample_scratch;
    /* results */
    int32_t *ids, *start, *output;
    float *log_probability, *end_log_probability;
    uint8_t *ended;
    int *active_rows, *length;
    const uint8_t *mask; /* of the next sources; NULL: all visible */
    struct t5_generated generated;
};

static void lay_out_caches(struct t5_generator *g, struct arena *arena) {
    const struct t5_config *c = &g->config;
    for (int b = 0; b < c->num_decoder_layers; b++) {
        struct block_cache *cache = &g->caches[b];
        cache->self = (struct attention_cache){
            .slots = g->rows, .capacity = g->target_length + 1, .heads = c->num_heads, .width = c->d_kv};
        cache->cross = cache->self;
        cache->cross.capacity = g->source_length;
        attention_cache_lay_out(&cache->self, g->bf16, arena);
        attention_cache_lay_out(&cache->cross, g->bf16, arena);
    }
}

static size_t step_scratch_size(const struct t5_generator *g) {
    size_t self = attention_cache_scratch_count(&g->caches[0].self);
    size_t cross = attention_cache_scratch_count(&g->caches[0].cross);
    return self > cross ? self : cross;
}

/* What one step of the decoder works on. */
static void lay_out_step(struct t5_generator *g, struct arena *arena) {
    const struct t5_config *c = &g->config;
    size_t rows = (size_t)g->rows, target = (size_t)g->target_length + 1, source = (size_t)g->source_length;
    size_t d = (size_t)c->d_model, inner = (size_t)c->num_heads * (size_t)c->d_kv, ff = (size_t)c->d_ff;
    size_t vocabulary = (size_t)c->vocab_size;
    g->bias = ARENA_TAKE(arena, float, (size_t)c->num_heads *(2 * target - 1));
    g->x = ARENA_TAKE(arena, float, rows *d);
    g->inv = ARENA_TAKE(arena, float, rows);
    g->normed = t5_take_values(arena, g->bf16, rows * d);
    g->projected = t5_take_values(arena, g->bf16, rows * 3 * inner);
    g->attended = t5_take_values(arena, g->bf16, rows * inner);
    g->active = t5_take_values(arena, g->bf16, rows * ff);
    g->hidden = c->gated_gelu ? t5_take_values(arena, g->bf16, rows * ff) : (struct values){0};
    g->gate = c->gated_gelu ? t5_take_values(arena, g->bf16, rows * ff) : (struct values){0};
    g->memory_kv = t5_take_values(arena, g->bf16, rows * source * 2 * inner);
    g->logits = ARENA_TAKE(arena, float, rows *vocabulary);
    g->scores = ARENA_TAKE(arena, float, step_scratch_size(g) * (size_t)g->threads);
    g->sample_scratch = ARENA_TAKE(arena, float, vocabulary *(size_t)g->threads);
}

static void lay_out(struct t5_generator *g, struct arena *arena) {
    size_t rows = (size_t)g->rows, target = (size_t)g->target_length + 1;
    struct t5_stack_size size = {
        .tokens = g->rows * g->source_length, .length = g->source_length, .bf16 = g->bf16};
    t5_stack_lay_out(&g->encoder, &g->config, &size, arena);
    struct attention_limits attention = {.heads = g->config.num_heads,
                                         .width = g->config.d_kv,
                                         .length = g->source_length,
                                         .queries = g->source_length,
                                         .keys = g->source_length,
                                         .threads = g->threads,
                                         .bf16 = g->bf16};
    attention_scratch_lay_out(&g->context.attention, &attention, arena);
    lay_out_caches(g, arena);
    lay_out_step(g, arena);

    g->source_count = ARENA_TAKE(arena, int, rows);
    g->filled = ARENA_TAKE(arena, int, rows);
    g->counts = ARENA_TAKE(arena, int, rows);
    g->positions = ARENA_TAKE(arena, int, rows);
    g->active_rows = ARENA_TAKE(arena, int, rows);
    g->length = ARENA_TAKE(arena, int, rows);
    g->ids = ARENA_TAKE(arena, int32_t, rows);
    g->output = ARENA_TAKE(arena, int32_t, rows * target);
    g->log_probability = ARENA_TAKE(arena, float, rows *target);
    g->end_log_probability = ARENA_TAKE(arena, float, rows);
    g->ended = ARENA_TAKE(arena, uint8_t, rows);
    g->start = ARENA_TAKE(arena, int32_t, rows + 1);
}

enum status t5_generator_open(struct t5_generator **out, const struct t5_config *config, int rows,
                              int source_length, int target_length, bool in_bf16) {
    struct t5_generator *g = calloc(1, sizeof *g);
    *out = NULL;
    if (!g)
        return fail(STATUS_MEMORY, "no memory for a T5 generator");
    g->config = *config;
    g->rows = rows;
    g->source_length = source_length;
    g->target_length = target_length;
    g->threads = threads_count();
    g->bf16 = in_bf16;
    g->encoder.depth = config->num_layers;
    g->encoder.blocks = calloc((size_t)config->num_layers, sizeof *g->encoder.blocks);
    g->caches = calloc((size_t)config->num_decoder_layers, sizeof *g->caches);
    enum status status =
        g->encoder.blocks && g->caches ? STATUS_OK : fail(STATUS_MEMORY, "no memory for a T5 generator");
    if (status == STATUS_OK) {
        struct arena measuring = arena_measuring();
        lay_out(g, &measuring);
        status = arena_open(&g->arena, measuring.used, "the key/value cache of a T5 generator");
    }
    if (status != STATUS_OK) {
        t5_generator_close(g);
        return status;
    }
    lay_out(g, &g->arena);
    *out = g;
    return STATUS_OK;
}

void t5_generator_close(struct t5_generator *g) {
    if (!g)
        return;
    arena_close(&g->arena);
    free(g->encoder.blocks);
    free(g->caches);
    free(g);
}

void t5_generator_mask(struct t5_generator *generator, const uint8_t *mask) {
    generator->mask = mask;
}

/* Visible positions of a source row; a row without any attends to all of them alike, as Hugging Face's does.
 */
static int visible_count(const struct t5_generator *g, const struct t5_rows *source, int row) {
    int first = source->start[row], length = source->start[row + 1] - first, visible = 0;
    for (int i = 0; i < length; i++)
        visible += !g->mask || g->mask[first + i];
    return visible ? visible : length;
}

/* Puts the visible ones of keys and values [tokens, 2 inner] into a cache, one task per row. */
struct spreading {
    const struct t5_generator *g;
    struct attention_cache *cache;
    const struct t5_rows *source;
};

static void spread_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    const struct spreading *s = context;
    const struct t5_generator *g = s->g;
    size_t inner = (size_t)g->config.num_heads * (size_t)g->config.d_kv;
    for (size_t r = begin; r < end; r++) {
        int first = s->source->start[r], after = s->source->start[r + 1], position = 0;
        int slot = (int)r, stride = 2 * (int)inner;
        if (visible_count(g, s->source, slot) == after - first) {
            struct values k = values_at(g->memory_kv, (size_t)first * 2 * inner);
            attention_cache_fill(s->cache, slot, after - first, k, values_at(k, inner), stride);
            continue;
        }
        for (int i = first; i < after; i++)
            if (g->mask[i]) {
                struct values k = values_at(g->memory_kv, (size_t)i * 2 * inner);
                attention_cache_put(s->cache, 1, &slot, &position, k, values_at(k, inner), stride);
                position++;
            }
    }
}

static void check_sources(const struct t5_generator *g, const struct t5_rows *source) {
    int tokens = source->start[source->count], positions = g->config.absolute_positions;
    assert(source->count <= g->rows && threads_count() <= g->threads);
    assert(!positions || (g->source_length <= positions && g->target_length < positions));
    for (int r = 0; r < source->count; r++) {
        int length = source->start[r + 1] - source->start[r];
        assert(length >= 1 && length <= g->source_length);
        (void)length;
    }
    for (int i = 0; i < tokens; i++)
        assert(source->ids[i] >= 0 && source->ids[i] < g->config.vocab_size);
    (void)positions;
}

static void project(struct t5_generator *g, const struct t5_linear *l, struct values x, int rows,
                    struct gemm_result result) {
    struct linear linear = t5_linear_at(&g->context, l);
    linear_forward(&linear, x, rows, &result, &g->context.linear);
}

void t5_generate_begin(struct t5_generator *g, const struct t5_model *model, const struct t5_rows *source) {
    const struct t5_config *c = &g->config;
    const struct t5_layout *layout = model->layout;
    int inner = c->num_heads * c->d_kv, tokens = source->start[source->count];
    check_sources(g, source);
    assert(!g->bf16 || model->packed);
    g->context.config = c;
    g->context.weights = model->weights;
    g->context.packed = g->bf16 ? model->packed : NULL;
    struct t5_stack_input in = {.rows = *source, .mask = g->mask};
    t5_stack_forward(&g->context, &g->encoder, &layout->encoder, layout->embedding, &in);
    for (int b = 0; b < c->num_decoder_layers; b++) {
        struct spreading spreading = {g, &g->caches[b].cross, source};
        project(g, &layout->decoder.blocks[b].cross.kv, g->encoder.output, tokens,
                gemm_into(g->memory_kv, 2 * inner));
        threads_for((size_t)source->count, 1, spread_task, &spreading);
    }
    for (int r = 0; r < source->count; r++) {
        g->source_count[r] = visible_count(g, source, r);
        g->filled[r] = 0;
    }
    g->mask = NULL;
    struct position_buckets buckets = t5_stack_buckets(c, true);
    position_bias_forward(g->bias, model->weights + layout->decoder.relative_bias, &buckets, c->num_heads,
                          g->target_length + 1);
}

/* x += Wo attention(q) over one cache. */
static void attend(struct t5_generator *g, const struct t5_attention_weights *w, struct values q,
                   const struct attention_cache *cache, const struct attention_step_shape *shape) {
    attention_cache_step(g->attended, q, cache, shape, g->scores);
    project(g, &w->o, g->attended, shape->rows, gemm_onto(g->x, g->config.d_model));
}

static void normalise(struct t5_generator *g, size_t norm, int count) {
    norm_forward(g->normed, g->inv, NULL, g->x, g->context.weights + norm, count, g->config.d_model,
                 g->config.layer_norm_epsilon);
}

static void self_attention(struct t5_generator *g, const struct t5_attention_weights *w,
                           struct attention_cache *cache, const int *active, int count) {
    int inner = g->config.num_heads * g->config.d_kv;
    size_t n = (size_t)inner;
    normalise(g, w->norm, count);
    project(g, &w->qkv, g->normed, count, gemm_into(g->projected, 3 * inner));
    for (int i = 0; i < count; i++) {
        g->positions[i] = g->filled[active[i]];
        g->counts[i] = g->positions[i] + 1;
    }
    attention_cache_put(cache, count, active, g->positions, values_at(g->projected, n),
                        values_at(g->projected, 2 * n), 3 * inner);
    struct attention_step_shape shape = {.rows = count,
                                         .q_stride = 3 * inner,
                                         .slot = active,
                                         .count = g->counts,
                                         .bias = g->bias,
                                         .length = g->target_length + 1};
    attend(g, w, g->projected, cache, &shape);
}

static void cross_attention(struct t5_generator *g, const struct t5_attention_weights *w,
                            const struct attention_cache *cache, const int *active, int count) {
    int inner = g->config.num_heads * g->config.d_kv;
    normalise(g, w->norm, count);
    project(g, &w->q, g->normed, count, gemm_into(g->projected, inner));
    for (int i = 0; i < count; i++)
        g->counts[i] = g->source_count[active[i]];
    struct attention_step_shape shape = {
        .rows = count, .q_stride = inner, .slot = active, .count = g->counts};
    attend(g, w, g->projected, cache, &shape);
}

static void feed_forward(struct t5_generator *g, const struct t5_feed_forward_weights *w, int count) {
    int ff = g->config.d_ff;
    struct gemm_result active = gemm_into(g->active, ff);
    normalise(g, w->norm, count);
    if (g->config.gated_gelu) {
        project(g, &w->wi, g->normed, count, gemm_into(g->hidden, ff));
        active.write = GEMM_GATED_GELU;
        active.x = g->hidden;
        active.other = g->gate;
        project(g, &w->gate, g->normed, count, active);
    } else {
        active.write = GEMM_RELU;
        project(g, &w->wi, g->normed, count, active);
    }
    project(g, &w->wo, g->active, count, gemm_onto(g->x, g->config.d_model));
}

/* The last norm and the head; its scale is on the input in float32 (t5/head.h) and on the logits in bf16. */
static void write_logits(struct t5_generator *g, const struct t5_layout *layout, int count) {
    const struct t5_config *c = &g->config;
    float scale = c->tie_word_embeddings ? 1.0f / sqrtf((float)c->d_model) : 1.0f;
    struct gemm_result logits = gemm_into((struct values){.f32 = g->logits}, c->vocab_size);
    normalise(g, layout->decoder.final_norm, count);
    if (g->bf16)
        logits.scale = scale;
    else if (c->tie_word_embeddings)
        vector_scale(g->normed.f32, scale, (size_t)count * (size_t)c->d_model);
    project(g, &layout->head, g->normed, count, logits);
}

const float *t5_generate_step(struct t5_generator *g, const struct t5_model *model, const int *active,
                              int active_count, const int32_t *ids) {
    const struct t5_config *c = &g->config;
    const struct t5_layout *layout = model->layout;
    const float *weights = model->weights;
    int d = c->d_model;
    assert(weights == g->context.weights);
    embedding_forward(g->x, weights + layout->embedding, ids, active_count, d);
    for (int i = 0; i < active_count; i++) {
        assert(g->filled[active[i]] <= g->target_length);
        if (c->absolute_positions) {
            const float *position =
                weights + layout->decoder.positions + (size_t)g->filled[active[i]] * (size_t)d;
            for (int j = 0; j < d; j++)
                g->x[(size_t)i * (size_t)d + (size_t)j] += position[j];
        }
    }
    for (int b = 0; b < c->num_decoder_layers; b++) {
        const struct t5_block_weights *w = &layout->decoder.blocks[b];
        self_attention(g, &w->self, &g->caches[b].self, active, active_count);
        cross_attention(g, &w->cross, &g->caches[b].cross, active, active_count);
        feed_forward(g, &w->feed_forward, active_count);
    }
    for (int i = 0; i < active_count; i++)
        g->filled[active[i]]++;
    write_logits(g, layout, active_count);
    return g->logits;
}

/* Chooses the next id of every active row. */
struct choice {
    struct t5_generator *g;
    const struct t5_sampling *sampling;
    const float *logits;
    float *log_probability; /* [active] */
    const int *active;
};

static void choose_task(void *context, size_t begin, size_t end, int worker) {
    struct choice *choice = context;
    struct t5_generator *g = choice->g;
    const struct t5_sampling *s = choice->sampling;
    int vocabulary = g->config.vocab_size;
    float *scratch = g->sample_scratch + (size_t)worker * (size_t)vocabulary;
    for (size_t i = begin; i < end; i++) {
        const float *logits = choice->logits + i * (size_t)vocabulary;
        if (s->temperature <= 0.0f && s->epsilon <= 0.0f) {
            g->ids[i] = sample_argmax(logits, vocabulary);
            choice->log_probability[i] = 0.0f; /* a greedy policy is certain */
            continue;
        }
        /* the random number belongs to (seed, row, position): neighbours do not matter */
        struct rng rng;
        int row = choice->active[i];
        rng_seed(&rng, s->seed + ((uint64_t)row << 32) + (uint64_t)g->length[row], "sample");
        float *log_probability = &choice->log_probability[i];
        if (s->epsilon > 0.0f)
            g->ids[i] = sample_exploring(logits, vocabulary, s->temperature, s->top_k, s->top_p, s->epsilon,
                                         &rng, scratch, log_probability);
        else
            g->ids[i] = sample_token(logits, vocabulary, s->temperature, s->top_k, s->top_p,
                                     rng_uniform(&rng), scratch, log_probability);
    }
}

/* Files the chosen ids, drops rows that ended or are full; returns how many stay active. */
static int file_choices(struct t5_generator *g, int active_count, const float *log_probability,
                        const int *limits) {
    int capacity = g->target_length + 1, left = 0;
    for (int i = 0; i < active_count; i++) {
        int row = g->active_rows[i], *length = &g->length[row];
        int limit = limits ? limits[row] : g->target_length;
        if (g->ids[i] == g->config.eos_token_id) {
            g->ended[row] = 1;
            g->end_log_probability[row] = log_probability[i];
            continue;
        }
        if (*length >= limit || *length >= g->target_length)
            continue;
        g->output[(size_t)row * (size_t)capacity + (size_t)*length] = g->ids[i];
        g->log_probability[(size_t)row * (size_t)capacity + (size_t)*length] = log_probability[i];
        ++*length;
        g->ids[left] = g->ids[i];
        g->active_rows[left++] = row;
    }
    return left;
}

/* Moves the rows of `output` and `log_probability` together and describes them. */
static const struct t5_generated *pack_results(struct t5_generator *g, int rows) {
    size_t capacity = (size_t)g->target_length + 1;
    g->start[0] = 0;
    for (int r = 0; r < rows; r++) {
        size_t length = (size_t)g->length[r], to = (size_t)g->start[r], from = (size_t)r * capacity;
        memmove(g->output + to, g->output + from, length * sizeof *g->output);
        memmove(g->log_probability + to, g->log_probability + from, length * sizeof *g->log_probability);
        g->start[r + 1] = g->start[r] + g->length[r];
    }
    g->generated = (struct t5_generated){.rows = {.count = rows, .ids = g->output, .start = g->start},
                                         .log_probability = g->log_probability,
                                         .end_log_probability = g->end_log_probability,
                                         .ended = g->ended};
    return &g->generated;
}

const struct t5_generated *t5_generate(struct t5_generator *g, const struct t5_model *model,
                                       const struct t5_rows *source, const struct t5_sampling *sampling,
                                       const int *limits) {
    int active_count = source->count;
    t5_generate_begin(g, model, source);
    for (int r = 0; r < source->count; r++) {
        g->active_rows[r] = r;
        g->length[r] = 0;
        g->ended[r] = 0;
        g->end_log_probability[r] = 0.0f;
        g->ids[r] = g->config.decoder_start_token_id;
    }
    while (active_count > 0) {
        const float *logits = t5_generate_step(g, model, g->active_rows, active_count, g->ids);
        struct choice choice = {.g = g,
                                .sampling = sampling,
                                .logits = logits,
                                .log_probability = g->inv,
                                .active = g->active_rows};
        threads_for((size_t)active_count, 4, choose_task, &choice);
        active_count = file_choices(g, active_count, g->inv, limits);
    }
    return pack_results(g, source->count);
}
