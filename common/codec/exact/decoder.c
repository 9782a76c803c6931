/* The decoder: each worker takes whole pieces through all blocks, so threads meet once per call. */
#include "codec/exact/decoder.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/threads.h"
#include "codec/exact/encoder.h"

struct memory {
    int length;      /* tokens of the source */
    float *constant; /* [blocks, model_stride] what cross-attention adds when there is one key only */
};

struct slot {
    size_t position; /* of the next token */
    int memory;
};

struct worker {
    struct exact_work work;
    struct exact_encoder encoder;
    struct exact_cache *encoder_caches; /* [heads] */
};

struct exact_decoder {
    const struct exact_model *model;
    struct exact_decoder_size size;
    int window; /* in use, at most the one it was opened with */
    int workers;
    struct arena arena;
    struct worker *worker;              /* [workers] */
    struct exact_cache *self, *cross;   /* [blocks, slots, heads], [blocks, memories, heads] */
    struct exact_cache *encoder_caches; /* [workers, heads] */
    struct memory *memories;
    struct slot *slots;
    struct exact_bias bias;
    int *start;    /* [slots + 1] of the run that is on */
    float *logits; /* [tokens_per_call, vocabulary padded] */
};

/* ---- opening ---- */

static struct exact_cache *self_of(const struct exact_decoder *d, int block, int slot) {
    return d->self +
           ((size_t)block * (size_t)d->size.slots + (size_t)slot) * (size_t)d->model->config.num_heads;
}

static struct exact_cache *cross_of(const struct exact_decoder *d, int block, int memory) {
    return d->cross +
           ((size_t)block * (size_t)d->size.memories + (size_t)memory) * (size_t)d->model->config.num_heads;
}

static size_t most_keys(const struct exact_decoder *d) {
    size_t source = exact_padded(d->size.source_length, EXACT_KEYS), window = (size_t)d->size.window;
    return source > window ? source : window;
}

/* A group of rows is put into the caches before the first of them looks, so one more block is needed. */
static void lay_out_caches(struct exact_decoder *d, struct arena *arena) {
    const struct t5_config *c = &d->model->config;
    size_t window = (size_t)d->size.window + EXACT_KEYS, source = (size_t)d->size.source_length;
    size_t heads = (size_t)c->num_heads, blocks = (size_t)c->num_decoder_layers;
    for (size_t i = 0; i < blocks * (size_t)d->size.slots * heads; i++)
        exact_cache_lay_out(&d->self[i], c, window, arena);
    for (size_t i = 0; i < blocks * (size_t)d->size.memories * heads; i++)
        exact_cache_lay_out(&d->cross[i], c, source, arena);
}

static void lay_out(struct exact_decoder *d, struct arena *arena) {
    const struct t5_config *c = &d->model->config;
    size_t model_stride = exact_padded(c->d_model, EXACT_OUTPUTS), blocks = (size_t)c->num_decoder_layers;
    lay_out_caches(d, arena);
    for (int i = 0; i < d->size.memories; i++)
        d->memories[i].constant = ARENA_TAKE(arena, float, blocks *model_stride);
    for (int i = 0; i < d->workers; i++) {
        struct worker *w = &d->worker[i];
        w->encoder.caches = d->encoder_caches + i * c->num_heads;
        exact_work_lay_out(&w->work, c, most_keys(d), arena);
        exact_encoder_lay_out(&w->encoder, d->model, d->size.source_length, arena);
    }
    exact_bias_lay_out(&d->bias, c, (size_t)d->size.window, 0, arena);
    d->start = ARENA_TAKE(arena, int, d->size.slots + 1);
    d->logits = ARENA_TAKE(arena, float, (size_t)d->size.tokens_per_call *(size_t)d->model->head.outputs);
}

static enum status open_lists(struct exact_decoder *d) {
    const struct t5_config *c = &d->model->config;
    size_t heads = (size_t)c->num_heads, blocks = (size_t)c->num_decoder_layers;
    d->worker = calloc((size_t)d->workers, sizeof *d->worker);
    d->encoder_caches = calloc((size_t)d->workers * heads, sizeof *d->encoder_caches);
    d->self = calloc(blocks * (size_t)d->size.slots * heads, sizeof *d->self);
    d->cross = calloc(blocks * (size_t)d->size.memories * heads, sizeof *d->cross);
    d->memories = calloc((size_t)d->size.memories, sizeof *d->memories);
    d->slots = calloc((size_t)d->size.slots, sizeof *d->slots);
    if (d->worker && d->encoder_caches && d->self && d->cross && d->memories && d->slots)
        return STATUS_OK;
    return fail(STATUS_MEMORY, "no memory for a decoder of %d streams", d->size.slots);
}

enum status exact_decoder_open(struct exact_decoder **out, const struct exact_model *model,
                               const struct exact_decoder_size *size) {
    struct exact_decoder *d = calloc(1, sizeof *d);
    struct arena measuring = arena_measuring();
    *out = NULL;
    assert(size->window > 0 && size->window % EXACT_KEYS == 0 && size->tokens_per_call >= size->slots);
    if (!d)
        return fail(STATUS_MEMORY, "no memory for a decoder");
    d->model = model;
    d->size = *size;
    d->window = size->window;
    d->workers = threads_count();
    enum status status = open_lists(d);
    if (status == STATUS_OK) {
        lay_out(d, &measuring);
        status = arena_open(&d->arena, measuring.used, "the streams of a decoder");
    }
    if (status != STATUS_OK) {
        exact_decoder_close(d);
        return status;
    }
    lay_out(d, &d->arena);
    exact_bias_fill(&d->bias, &model->config, model->decoder.relative_bias, true);
    for (int i = 0; i < d->workers; i++)
        exact_encoder_begin(&d->worker[i].encoder);
    *out = d;
    return STATUS_OK;
}

void exact_decoder_close(struct exact_decoder *d) {
    if (!d)
        return;
    arena_close(&d->arena);
    free(d->worker);
    free(d->encoder_caches);
    free(d->self);
    free(d->cross);
    free(d->memories);
    free(d->slots);
    free(d);
}

/* ---- memories ---- */

/* With one key its probability is 1 whatever the query: what the layer adds is the same for every token. */
static void find_constant(struct exact_decoder *d, struct exact_work *w, int memory, int block) {
    const struct exact_attention_weights *a = &d->model->decoder.blocks[block].cross;
    memset(w->projected, 0, w->inner_stride * sizeof *w->projected);
    exact_attend(w, 0, w->projected, cross_of(d, block, memory), (struct exact_view){.end = 1}, NULL, 0);
    exact_project(w, &a->o, w->attended, w->inner_stride, 1,
                  &(struct exact_target){.y = d->memories[memory].constant + (size_t)block * w->model_stride,
                                         .stride = w->model_stride});
}

static void store_keys_and_values(struct exact_decoder *d, struct worker *worker, int memory, int block,
                                  int first, int count) {
    struct exact_work *w = &worker->work;
    const struct exact_matrix *kv = &d->model->decoder.blocks[block].cross.kv;
    size_t inner = (size_t)(w->config->num_heads * w->config->d_kv), stride = (size_t)kv->outputs;
    exact_project(w, kv, worker->encoder.x + (size_t)first * w->model_stride, w->model_stride, count,
                  &(struct exact_target){.y = w->projected, .stride = stride});
    for (int r = 0; r < count; r++) {
        const float *row = w->projected + (size_t)r * stride;
        exact_cache_store(w, cross_of(d, block, memory), (size_t)(first + r), row, row + inner);
    }
}

static void encode_source(struct exact_decoder *d, struct worker *worker, int memory, const int32_t *ids,
                          int count) {
    exact_encode(&worker->encoder, &worker->work, ids, count);
    d->memories[memory].length = count;
    for (int b = 0; b < d->model->decoder.depth; b++) {
        for (int i = 0; i < count; i += EXACT_ROWS)
            store_keys_and_values(d, worker, memory, b, i, count - i < EXACT_ROWS ? count - i : EXACT_ROWS);
        if (count == 1)
            find_constant(d, &worker->work, memory, b);
    }
}

struct encoding {
    struct exact_decoder *decoder;
    const struct t5_rows *sources;
};

static void encode_task(void *context, size_t begin, size_t end, int worker) {
    const struct encoding *r = context;
    for (size_t i = begin; i < end; i++) {
        int first = r->sources->start[i];
        encode_source(r->decoder, &r->decoder->worker[worker], (int)i, r->sources->ids + first,
                      r->sources->start[i + 1] - first);
    }
}

void exact_decoder_encode_sources(struct exact_decoder *d, const struct t5_rows *sources) {
    struct encoding encoding = {d, sources};
    assert(sources->count <= d->size.memories);
    threads_for((size_t)sources->count, 1, encode_task, &encoding);
}

/* Shorter rings too, so that what is seen lies close together. */
void exact_decoder_set_window(struct exact_decoder *d, int window) {
    size_t count =
        (size_t)d->model->decoder.depth * (size_t)d->size.slots * (size_t)d->model->config.num_heads;
    assert(window > 0 && window % EXACT_KEYS == 0 && window <= d->size.window);
    d->window = window;
    for (size_t i = 0; i < count; i++)
        d->self[i].ring = (size_t)window / EXACT_KEYS + 1;
}

void exact_decoder_begin(struct exact_decoder *d, int slot, int memory) {
    d->slots[slot] = (struct slot){.position = 0, .memory = memory};
}

/* ---- steps ---- */

/* A token on its way through the blocks. */
struct row {
    int slot;
    size_t position;
    int32_t id;
};

static void embed_row(const struct exact_decoder *d, struct exact_work *w, int r, const struct row *row) {
    float *x = w->x + (size_t)r * w->model_stride;
    size_t width = (size_t)w->config->d_model;
    exact_embed(x, d->model, row->id);
    if (d->model->decoder.positions)
        exact_ops->add(x, d->model->decoder.positions + row->position * width, width);
}

/* The first position that a token sees. */
static size_t first_seen(const struct exact_decoder *d, size_t position) {
    size_t block = position / EXACT_KEYS * EXACT_KEYS, before = (size_t)d->window - EXACT_KEYS;
    return block > before ? block - before : 0;
}

static void self_attention(struct exact_decoder *d, struct exact_work *w, int block, const struct row *rows,
                           int count) {
    const struct exact_attention_weights *a = &d->model->decoder.blocks[block].self;
    size_t inner = (size_t)(w->config->num_heads * w->config->d_kv), stride = (size_t)a->qkv.outputs;
    exact_normalise(w, a->norm, count);
    exact_project(w, &a->qkv, w->normed, w->model_stride, count,
                  &(struct exact_target){.y = w->projected, .stride = stride});
    for (int r = 0; r < count; r++) {
        const float *row = w->projected + (size_t)r * stride;
        exact_cache_store(w, self_of(d, block, rows[r].slot), rows[r].position, row + inner, row + 2 * inner);
    }
    for (int r = 0; r < count; r++) {
        size_t first = first_seen(d, rows[r].position), back = rows[r].position - first;
        exact_attend(w, r, w->projected + (size_t)r * stride, self_of(d, block, rows[r].slot),
                     (struct exact_view){.first = first, .end = rows[r].position + 1},
                     d->bias.bias + (d->bias.behind - back), d->bias.stride);
    }
    exact_project(w, &a->o, w->attended, w->inner_stride, count,
                  &(struct exact_target){.y = w->x, .stride = w->model_stride, .add = true});
}

static const struct memory *memory_of(const struct exact_decoder *d, const struct row *row) {
    return &d->memories[d->slots[row->slot].memory];
}

/* Rows whose memory is a single key have their answer already. */
static void cross_attention(struct exact_decoder *d, struct exact_work *w, int block, const struct row *rows,
                            int count) {
    const struct exact_attention_weights *a = &d->model->decoder.blocks[block].cross;
    size_t stride = (size_t)a->q.outputs;
    bool asks = false;
    for (int r = 0; r < count; r++)
        asks = asks || memory_of(d, &rows[r])->length > 1;
    if (!asks) {
        for (int r = 0; r < count; r++)
            exact_ops->add(w->x + (size_t)r * w->model_stride,
                           memory_of(d, &rows[r])->constant + (size_t)block * w->model_stride,
                           (size_t)w->config->d_model);
        return;
    }
    exact_normalise(w, a->norm, count);
    exact_project(w, &a->q, w->normed, w->model_stride, count,
                  &(struct exact_target){.y = w->projected, .stride = stride});
    for (int r = 0; r < count; r++)
        exact_attend(w, r, w->projected + (size_t)r * stride,
                     cross_of(d, block, d->slots[rows[r].slot].memory),
                     (struct exact_view){.end = (size_t)memory_of(d, &rows[r])->length}, NULL, 0);
    exact_project(w, &a->o, w->attended, w->inner_stride, count,
                  &(struct exact_target){.y = w->x, .stride = w->model_stride, .add = true});
}

/* Which outputs are wanted, and where they go. */
struct wanted {
    float *logits;
    size_t first, outputs;
};

static void run_rows(struct exact_decoder *d, struct exact_work *w, const struct row *rows, int count,
                     const struct wanted *wanted) {
    const struct t5_config *c = w->config;
    for (int r = 0; r < count; r++)
        embed_row(d, w, r, &rows[r]);
    for (int b = 0; b < d->model->decoder.depth; b++) {
        self_attention(d, w, b, rows, count);
        cross_attention(d, w, b, rows, count);
        exact_feed_forward(w, &d->model->decoder.blocks[b], count);
    }
    exact_normalise(w, d->model->decoder.final_norm, count);
    if (c->tie_word_embeddings)
        exact_ops->scale(w->normed, 1.0f / __builtin_sqrtf((float)c->d_model),
                         (size_t)count * w->model_stride);
    exact_project(w, &d->model->head, w->normed, w->model_stride, count,
                  &(struct exact_target){.y = wanted->logits,
                                         .stride = wanted->outputs,
                                         .first = wanted->first,
                                         .outputs = wanted->outputs});
}

struct run {
    struct exact_decoder *decoder;
    const struct exact_piece *pieces;
    const int *start; /* [count + 1] tokens before each piece */
    struct wanted wanted;
};

/* Whole pieces, EXACT_ROWS tokens at a time. */
static void run_task(void *context, size_t begin, size_t end, int worker) {
    const struct run *run = context;
    struct exact_decoder *d = run->decoder;
    struct row rows[EXACT_ROWS];
    struct wanted wanted = run->wanted;
    int count = 0, done = run->start[begin], last = run->start[end];
    for (size_t i = begin; i < end; i++) {
        const struct exact_piece *piece = &run->pieces[i];
        for (int k = 0; k < piece->count; k++) {
            rows[count++] =
                (struct row){piece->slot, d->slots[piece->slot].position + (size_t)k, piece->ids[k]};
            if (count < EXACT_ROWS && done + count < last)
                continue;
            wanted.logits = run->wanted.logits + (size_t)done * wanted.outputs;
            run_rows(d, &d->worker[worker].work, rows, count, &wanted);
            done += count;
            count = 0;
        }
    }
}

float *exact_decoder_run(struct exact_decoder *d, const struct exact_piece *pieces, int count, int first,
                         int outputs) {
    int *start = d->start;
    struct run run = {d, pieces, start, {d->logits, (size_t)first, (size_t)outputs}};
    assert(count <= d->size.slots);
    start[0] = 0;
    for (int i = 0; i < count; i++)
        start[i + 1] = start[i] + pieces[i].count;
    assert(start[count] <= d->size.tokens_per_call && first + outputs <= d->model->head.outputs);
    threads_for((size_t)count, 1, run_task, &run);
    for (int i = 0; i < count; i++)
        d->slots[pieces[i].slot].position += (size_t)pieces[i].count;
    return d->logits;
}
