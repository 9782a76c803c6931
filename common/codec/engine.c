/* Batches of rows through the pair's T5 models in exact arithmetic. */
#include "codec/engine.h"

#include <stdlib.h>
#include "codec/exact/decoder.h"

/* Rows of one batch: what the key/value caches of both models may take, and bounds that make sense. */
enum { CACHE_BYTES = 64 << 20, BATCH_MINIMUM = 1, BATCH_MAXIMUM = 256 };

/* One of the pair's models, given streams at first use. */
struct writer {
    const struct exact_model *model;
    struct exact_decoder *decoder;
};

struct exact_engine {
    struct engine engine; /* first, so that one pointer is both */
    const struct model_pair *pair;
    struct exact_model compressor; /* in 8 bits at its first use */
    struct writer writers[2];      /* by role */
    /* of one batch */
    int32_t *ids, *output, *start, *next; /* [rows]: ids so far; [rows, length]; [rows + 1]; [rows] */
    int *length, *active;                 /* [rows] */
    struct exact_piece *pieces;           /* [rows] */
    uint8_t *ended;                       /* [rows] */
};

static int length_of(const struct model_pair *pair) {
    return pair->chunking.size + 1; /* the end token, or the start token */
}

/* Keys and values of every decoder layer, for the row's own tokens and for its source. */
static size_t cache_bytes_per_row(const struct t5_config *config, int length) {
    size_t width = (size_t)config->num_heads * (size_t)config->d_kv;
    return 4 * (size_t)config->num_decoder_layers * width * (size_t)(length + EXACT_KEYS);
}

static int choose_batch_rows(const struct model_pair *pair) {
    int length = length_of(pair);
    size_t compressor = cache_bytes_per_row(&pair->compressor.config, length);
    size_t decompressor = cache_bytes_per_row(&pair->decompressor.config, length);
    size_t rows = CACHE_BYTES / (compressor > decompressor ? compressor : decompressor);
    return rows < BATCH_MINIMUM ? BATCH_MINIMUM : rows > BATCH_MAXIMUM ? BATCH_MAXIMUM : (int)rows;
}

static enum status open_writer(struct exact_engine *self, enum engine_role role) {
    struct writer *w = &self->writers[role];
    int length = length_of(self->pair), rows = self->engine.batch_rows;
    if (w->decoder)
        return STATUS_OK;
    if (!w->model) {
        TRY(exact_model_open(&self->compressor, &self->pair->compressor));
        w->model = &self->compressor;
    }
    struct exact_decoder_size size = {.slots = rows,
                                      .memories = rows,
                                      .source_length = length,
                                      .window = (length + EXACT_KEYS - 1) / EXACT_KEYS * EXACT_KEYS,
                                      .tokens_per_call = rows};
    return exact_decoder_open(&w->decoder, w->model, &size);
}

/* The most probable id, the smallest among equals. */
static int32_t most_probable(const float *logits, int vocabulary) {
    int32_t best = 0;
    for (int32_t id = 1; id < vocabulary; id++)
        if (logits[id] > logits[best])
            best = id;
    return best;
}

/* One more id for every active row; rows that end or are full leave. Returns how many stay. */
static int step(struct exact_engine *self, struct writer *w, int active, const int *limits) {
    const struct t5_config *c = &w->model->config;
    int outputs = w->model->head.outputs, left = 0, capacity = self->pair->chunking.size;
    for (int i = 0; i < active; i++)
        self->pieces[i] = (struct exact_piece){self->active[i], 1, &self->next[self->active[i]]};
    const float *logits = exact_decoder_run(w->decoder, self->pieces, active, 0, outputs);
    for (int i = 0; i < active; i++) {
        int row = self->active[i], *length = &self->length[row];
        int32_t id = most_probable(logits + (size_t)i * (size_t)outputs, c->vocab_size);
        self->ended[row] = id == c->eos_token_id;
        if (self->ended[row] || *length >= limits[row] || *length >= capacity)
            continue;
        self->ids[(size_t)row * (size_t)capacity + (size_t)(*length)++] = self->next[row] = id;
        self->active[left++] = row;
    }
    return left;
}

static struct engine_rows pack(struct exact_engine *self, int rows) {
    int capacity = self->pair->chunking.size;
    for (int r = 0; r < rows; r++) {
        const int32_t *from = self->ids + (size_t)r * (size_t)capacity;
        for (int i = 0; i < self->length[r]; i++)
            self->output[self->start[r] + i] = from[i];
        self->start[r + 1] = self->start[r] + self->length[r];
    }
    return (struct engine_rows){.rows = {rows, self->output, self->start}, .ended = self->ended};
}

static enum status exact_engine_generate(struct engine *engine, enum engine_role role,
                                         const struct t5_rows *sources, const int *limits,
                                         struct engine_rows *out) {
    struct exact_engine *self = (struct exact_engine *)engine;
    struct writer *w = &self->writers[role];
    TRY(open_writer(self, role));
    exact_decoder_encode_sources(w->decoder, sources);
    for (int r = 0; r < sources->count; r++) {
        exact_decoder_begin(w->decoder, r, r);
        self->active[r] = r;
        self->length[r] = 0;
        self->next[r] = w->model->config.decoder_start_token_id;
    }
    for (int active = sources->count; active > 0;)
        active = step(self, w, active, limits);
    *out = pack(self, sources->count);
    return STATUS_OK;
}

static void exact_engine_close(struct engine *engine) {
    struct exact_engine *self = (struct exact_engine *)engine;
    for (int role = 0; role < 2; role++)
        exact_decoder_close(self->writers[role].decoder);
    exact_model_close(&self->compressor);
    free(self->ids);
    free(self->output);
    free(self->start);
    free(self->next);
    free(self->length);
    free(self->active);
    free(self->pieces);
    free(self->ended);
    free(self);
}

static enum status open_rows(struct exact_engine *self) {
    size_t rows = (size_t)self->engine.batch_rows, capacity = (size_t)self->pair->chunking.size;
    self->ids = calloc(rows * capacity, sizeof *self->ids);
    self->output = calloc(rows * capacity, sizeof *self->output);
    self->start = calloc(rows + 1, sizeof *self->start);
    self->next = calloc(rows, sizeof *self->next);
    self->length = calloc(rows, sizeof *self->length);
    self->active = calloc(rows, sizeof *self->active);
    self->pieces = calloc(rows, sizeof *self->pieces);
    self->ended = calloc(rows, sizeof *self->ended);
    if (self->ids && self->output && self->start && self->next && self->length && self->active &&
        self->pieces && self->ended)
        return STATUS_OK;
    return fail(STATUS_MEMORY, "no memory for a batch of %zu rows", rows);
}

/* The longest row is chunking.size ids behind a start token or in front of an end token. */
static enum status check_positions(const struct t5_config *config, const char *role, int chunk_size) {
    if (config->absolute_positions == 0 || config->absolute_positions > chunk_size)
        return STATUS_OK;
    return fail(STATUS_CONFIG,
                "the %s has positions for %d tokens and its chunks need %d; train it with more positions or "
                "shorter chunks",
                role, config->absolute_positions, chunk_size + 1);
}

enum status engine_open_exact(struct engine **engine, const struct model_pair *pair,
                              const struct exact_model *decompressor) {
    *engine = NULL;
    TRY(check_positions(&pair->compressor.config, "compressor", pair->chunking.size));
    TRY(check_positions(&pair->decompressor.config, "decompressor", pair->chunking.size));
    struct exact_engine *self = calloc(1, sizeof *self);
    if (!self)
        return fail(STATUS_MEMORY, "no memory for the codec's engine");
    self->pair = pair;
    self->writers[ENGINE_DECOMPRESSOR].model = decompressor;
    self->engine = (struct engine){choose_batch_rows(pair), exact_engine_generate, exact_engine_close};
    enum status status = open_rows(self);
    if (status != STATUS_OK) {
        exact_engine_close(&self->engine);
        return status;
    }
    *engine = &self->engine;
    return STATUS_OK;
}

void engine_close(struct engine *engine) {
    if (engine)
        engine->close(engine);
}

/* Rows [first, first + count) of `sources`, with starts counted from the first of them. */
static enum status run_batch(struct engine *engine, enum engine_role role, const struct t5_rows *sources,
                             const int *limits, int first, int count, int32_t *starts, engine_sink *sink,
                             void *context) {
    int32_t origin = sources->start[first];
    struct t5_rows batch = {.count = count, .ids = sources->ids + origin, .start = starts};
    struct engine_rows out;
    for (int row = 0; row <= count; row++)
        starts[row] = sources->start[first + row] - origin;
    TRY(engine->generate(engine, role, &batch, limits + first, &out));
    for (int row = 0; row < count; row++) {
        int32_t begin = out.rows.start[row], end = out.rows.start[row + 1];
        TRY(sink(context, first + row, out.rows.ids + begin, end - begin, out.ended[row]));
    }
    return STATUS_OK;
}

enum status engine_generate(struct engine *engine, enum engine_role role, const struct t5_rows *sources,
                            const int *limits, engine_sink *sink, void *context) {
    enum status status = STATUS_OK;
    int32_t *starts = malloc(((size_t)engine->batch_rows + 1) * sizeof *starts);
    if (!starts)
        return fail(STATUS_MEMORY, "no memory for a batch of %d rows", engine->batch_rows);
    for (int first = 0; first < sources->count && status == STATUS_OK; first += engine->batch_rows) {
        int left = sources->count - first;
        int count = left < engine->batch_rows ? left : engine->batch_rows;
        status = run_batch(engine, role, sources, limits, first, count, starts, sink, context);
    }
    free(starts);
    return status;
}
