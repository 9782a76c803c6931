/* Batched cached decoding. Slot r of every cache belongs to row r; a step works on the active rows only,
 * packed. */
#include "t5/generate.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/threads.h"
#include "kernels/activation.h"
#include "kernels/attention.h"
#include "kernels/embedding.h"
#include "kernels/norm.h"
#include "kernels/position.h"
#include "kernels/sample.h"
#include "kernels/vector.h"
#include "t5/stack.h"

/* One decoder block's caches: [rows, length, inner]. */
struct block_cache {
    float *self_k, *self_v, *cross_k, *cross_v;
};

struct t5_generator {
    struct t5_config config;
    int rows, source_length, target_length, threads;
    struct arena arena;
    struct t5_stack encoder;
    struct t5_context context;
    struct block_cache *caches;
    int *source_count, *filled; /* [rows] keys of the memory, of the decoder so far */
    int *counts;                /* [rows] of the active rows, in their order */
    float *bias;                /* [heads, 2 length - 1] */
    float *x, *normed, *q, *k, *v, *attended, *hidden, *gate, *inv; /* [rows, ...] */
    float *logits, *scores, *sample_scratch;
    int scores_size;
    /* results */
    int32_t *ids, *start, *output;
    float *log_probability, *end_log_probability;
    uint8_t *ended;
    int *active, *length;
    const uint8_t *mask; /* of the next sources; NULL: all visible */
    struct t5_generated generated;
};

static void lay_out_caches(struct t5_generator *g, struct arena *arena, size_t inner) {
    size_t rows = (size_t)g->rows, target = (size_t)g->target_length + 1, source = (size_t)g->source_length;
    for (int b = 0; b < g->config.num_decoder_layers; b++) {
        struct block_cache *cache = &g->caches[b];
        cache->self_k = ARENA_TAKE(arena, float, rows *target *inner);
        cache->self_v = ARENA_TAKE(arena, float, rows *target *inner);
        cache->cross_k = ARENA_TAKE(arena, float, rows *source *inner);
        cache->cross_v = ARENA_TAKE(arena, float, rows *source *inner);
    }
}

static void lay_out(struct t5_generator *g, struct arena *arena) {
    const struct t5_config *c = &g->config;
    size_t rows = (size_t)g->rows, target = (size_t)g->target_length + 1, source = (size_t)g->source_length;
    size_t d = (size_t)c->d_model, inner = (size_t)c->num_heads * (size_t)c->d_kv, ff = (size_t)c->d_ff;
    size_t vocabulary = (size_t)c->vocab_size, longest = target > source ? target : source;
    struct t5_stack_size size = {.tokens = g->rows * g->source_length, .length = g->source_length};
    t5_stack_lay_out(&g->encoder, c, &size, arena);
    g->context.attention_scratch_size = attention_scratch_size(g->source_length, g->source_length);
    g->context.attention_scratch =
        ARENA_TAKE(arena, float, g->context.attention_scratch_size *(size_t)g->threads);
    lay_out_caches(g, arena, inner);

    g->bias = ARENA_TAKE(arena, float, (size_t)c->num_heads *(2 * target - 1));
    g->x = ARENA_TAKE(arena, float, rows *d);
    g->normed = ARENA_TAKE(arena, float, rows *d);
    g->inv = ARENA_TAKE(arena, float, rows);
    g->q = ARENA_TAKE(arena, float, rows *inner);
    g->k = ARENA_TAKE(arena, float, rows *source *inner); /* also the packed cross keys */
    g->v = ARENA_TAKE(arena, float, rows *source *inner);
    g->attended = ARENA_TAKE(arena, float, rows *inner);
    g->hidden = ARENA_TAKE(arena, float, rows *ff);
    g->gate = c->gated_gelu ? ARENA_TAKE(arena, float, rows *ff) : NULL;
    g->logits = ARENA_TAKE(arena, float, rows *vocabulary);
    g->scores_size = (int)longest;
    g->scores = ARENA_TAKE(arena, float, longest *(size_t)g->threads);
    g->sample_scratch = ARENA_TAKE(arena, float, vocabulary *(size_t)g->threads);

    g->source_count = ARENA_TAKE(arena, int, rows);
    g->filled = ARENA_TAKE(arena, int, rows);
    g->counts = ARENA_TAKE(arena, int, rows);
    g->active = ARENA_TAKE(arena, int, rows);
    g->length = ARENA_TAKE(arena, int, rows);
    g->ids = ARENA_TAKE(arena, int32_t, rows);
    g->output = ARENA_TAKE(arena, int32_t, rows * target);
    g->log_probability = ARENA_TAKE(arena, float, rows *target);
    g->end_log_probability = ARENA_TAKE(arena, float, rows);
    g->ended = ARENA_TAKE(arena, uint8_t, rows);
    g->start = ARENA_TAKE(arena, int32_t, rows + 1);
}

enum status t5_generator_open(struct t5_generator **out, const struct t5_config *config, int rows,
                              int source_length, int target_length) {
    struct t5_generator *g = calloc(1, sizeof *g);
    *out = NULL;
    if (!g)
        return fail(STATUS_MEMORY, "no memory for a T5 generator");
    g->config = *config;
    g->rows = rows;
    g->source_length = source_length;
    g->target_length = target_length;
    g->threads = threads_count();
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

/* Spreads the visible ones of packed [tokens, inner] to slots of `length` tokens each. */
static void scatter_visible(const struct t5_generator *g, float *slots, const float *packed,
                            const struct t5_rows *source, size_t inner) {
    for (int r = 0; r < source->count; r++) {
        float *to = slots + (size_t)r * (size_t)g->source_length * inner;
        bool all = visible_count(g, source, r) == source->start[r + 1] - source->start[r];
        for (int i = source->start[r]; i < source->start[r + 1]; i++)
            if (all || g->mask[i]) {
                memcpy(to, packed + (size_t)i * inner, inner * sizeof(float));
                to += inner;
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

void t5_generate_begin(struct t5_generator *g, const struct t5_model *model, const struct t5_rows *source) {
    const struct t5_config *c = &g->config;
    const struct t5_layout *layout = model->layout;
    int d = c->d_model, inner = c->num_heads * c->d_kv, tokens = source->start[source->count];
    check_sources(g, source);
    g->context.config = c;
    g->context.weights = model->weights;
    struct t5_stack_input in = {.rows = *source, .mask = g->mask};
    t5_stack_forward(&g->context, &g->encoder, &layout->encoder, layout->embedding, &in);
    for (int b = 0; b < c->num_decoder_layers; b++) {
        const struct t5_attention_weights *w = &layout->decoder.blocks[b].cross;
        t5_linear_forward(g->k, g->encoder.output, model->weights + w->k, tokens, d, inner);
        t5_linear_forward(g->v, g->encoder.output, model->weights + w->v, tokens, d, inner);
        scatter_visible(g, g->caches[b].cross_k, g->k, source, (size_t)inner);
        scatter_visible(g, g->caches[b].cross_v, g->v, source, (size_t)inner);
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

/* x += Wo attention(norm(x)) over one pair of caches. */
static void attend(struct t5_generator *g, const float *weights, const struct t5_attention_weights *w,
                   const float *keys, const float *values, const struct attention_step_shape *shape) {
    int d = g->config.d_model, inner = shape->heads * shape->width;
    attention_step(g->attended, g->q, keys, values, shape, g->scores, (size_t)g->scores_size);
    t5_linear_forward(g->normed, g->attended, weights + w->o, shape->rows, inner, d);
    vector_add(g->x, g->normed, (size_t)shape->rows * (size_t)d);
}

static void self_attention(struct t5_generator *g, const float *weights, const struct t5_attention_weights *w,
                           struct block_cache *cache, const int *active, int count) {
    const struct t5_config *c = &g->config;
    int d = c->d_model, inner = c->num_heads * c->d_kv, room = g->target_length + 1;
    size_t width = (size_t)inner * sizeof(float);
    norm_forward(g->normed, g->inv, g->x, weights + w->norm, count, d, c->layer_norm_epsilon);
    t5_linear_forward(g->q, g->normed, weights + w->q, count, d, inner);
    t5_linear_forward(g->k, g->normed, weights + w->k, count, d, inner);
    t5_linear_forward(g->v, g->normed, weights + w->v, count, d, inner);
    for (int i = 0; i < count; i++) {
        size_t at = ((size_t)active[i] * (size_t)room + (size_t)g->filled[active[i]]) * (size_t)inner;
        memcpy(cache->self_k + at, g->k + (size_t)i * (size_t)inner, width);
        memcpy(cache->self_v + at, g->v + (size_t)i * (size_t)inner, width);
        g->counts[i] = g->filled[active[i]] + 1;
    }
    struct attention_step_shape shape = {.rows = count,
                                         .heads = c->num_heads,
                                         .width = c->d_kv,
                                         .slot = active,
                                         .count = g->counts,
                                         .slot_stride = (size_t)room * (size_t)inner,
                                         .bias = g->bias,
                                         .length = room};
    attend(g, weights, w, cache->self_k, cache->self_v, &shape);
}

static void cross_attention(struct t5_generator *g, const float *weights,
                            const struct t5_attention_weights *w, const struct block_cache *cache,
                            const int *active, int count) {
    const struct t5_config *c = &g->config;
    int d = c->d_model, inner = c->num_heads * c->d_kv;
    norm_forward(g->normed, g->inv, g->x, weights + w->norm, count, d, c->layer_norm_epsilon);
    t5_linear_forward(g->q, g->normed, weights + w->q, count, d, inner);
    for (int i = 0; i < count; i++)
        g->counts[i] = g->source_count[active[i]];
    struct attention_step_shape shape = {.rows = count,
                                         .heads = c->num_heads,
                                         .width = c->d_kv,
                                         .slot = active,
                                         .count = g->counts,
                                         .slot_stride = (size_t)g->source_length * (size_t)inner};
    attend(g, weights, w, cache->cross_k, cache->cross_v, &shape);
}

static void feed_forward(struct t5_generator *g, const float *weights,
                         const struct t5_feed_forward_weights *w, int count) {
    const struct t5_config *c = &g->config;
    int d = c->d_model, ff = c->d_ff;
    size_t wide = (size_t)count * (size_t)ff;
    norm_forward(g->normed, g->inv, g->x, weights + w->norm, count, d, c->layer_norm_epsilon);
    t5_linear_forward(g->hidden, g->normed, weights + w->wi, count, d, ff);
    if (c->gated_gelu) {
        t5_linear_forward(g->gate, g->normed, weights + w->gate, count, d, ff);
        gated_gelu_forward(g->hidden, g->hidden, g->gate, wide);
    } else {
        relu_forward(g->hidden, g->hidden, wide);
    }
    t5_linear_forward(g->normed, g->hidden, weights + w->wo, count, ff, d);
    vector_add(g->x, g->normed, (size_t)count * (size_t)d);
}

const float *t5_generate_step(struct t5_generator *g, const struct t5_model *model, const int *active,
                              int active_count, const int32_t *ids) {
    const struct t5_config *c = &g->config;
    const struct t5_layout *layout = model->layout;
    const float *weights = model->weights;
    int d = c->d_model;
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
        self_attention(g, weights, &w->self, &g->caches[b], active, active_count);
        cross_attention(g, weights, &w->cross, &g->caches[b], active, active_count);
        feed_forward(g, weights, &w->feed_forward, active_count);
    }
    for (int i = 0; i < active_count; i++)
        g->filled[active[i]]++;
    norm_forward(g->normed, g->inv, g->x, weights + layout->decoder.final_norm, active_count, d,
                 c->layer_norm_epsilon);
    if (c->tie_word_embeddings)
        vector_scale(g->normed, 1.0f / sqrtf((float)d), (size_t)active_count * (size_t)d);
    t5_linear_forward(g->logits, g->normed, weights + layout->head, active_count, d, c->vocab_size);
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
        if (s->temperature <= 0.0f) {
            g->ids[i] = sample_argmax(logits, vocabulary);
            choice->log_probability[i] = 0.0f; /* a greedy policy is certain */
            continue;
        }
        /* the random number belongs to (seed, row, position): neighbours do not matter */
        struct rng rng;
        int row = choice->active[i];
        rng_seed(&rng, s->seed + ((uint64_t)row << 32) + (uint64_t)g->length[row], "sample");
        g->ids[i] = sample_token(logits, vocabulary, s->temperature, s->top_k, s->top_p, rng_uniform(&rng),
                                 scratch, &choice->log_probability[i]);
    }
}

/* Files the chosen ids, drops rows that ended or are full; returns how many stay active. */
static int file_choices(struct t5_generator *g, int active_count, const float *log_probability,
                        const int *limits) {
    int room = g->target_length + 1, left = 0;
    for (int i = 0; i < active_count; i++) {
        int row = g->active[i], *length = &g->length[row];
        int limit = limits ? limits[row] : g->target_length;
        if (g->ids[i] == g->config.eos_token_id) {
            g->ended[row] = 1;
            g->end_log_probability[row] = log_probability[i];
            continue;
        }
        if (*length >= limit || *length >= g->target_length)
            continue;
        g->output[(size_t)row * (size_t)room + (size_t)*length] = g->ids[i];
        g->log_probability[(size_t)row * (size_t)room + (size_t)*length] = log_probability[i];
        ++*length;
        g->ids[left] = g->ids[i];
        g->active[left++] = row;
    }
    return left;
}

/* Moves the rows of `output` and `log_probability` together and describes them. */
static const struct t5_generated *pack_results(struct t5_generator *g, int rows) {
    size_t room = (size_t)g->target_length + 1;
    g->start[0] = 0;
    for (int r = 0; r < rows; r++) {
        size_t length = (size_t)g->length[r], to = (size_t)g->start[r], from = (size_t)r * room;
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
        g->active[r] = r;
        g->length[r] = 0;
        g->ended[r] = 0;
        g->end_log_probability[r] = 0.0f;
        g->ids[r] = g->config.decoder_start_token_id;
    }
    while (active_count > 0) {
        const float *logits = t5_generate_step(g, model, g->active, active_count, g->ids);
        struct choice choice = {
            .g = g, .sampling = sampling, .logits = logits, .log_probability = g->inv, .active = g->active};
        threads_for((size_t)active_count, 4, choose_task, &choice);
        active_count = file_choices(g, active_count, g->inv, limits);
    }
    return pack_results(g, source->count);
}
