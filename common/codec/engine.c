/* Batches of rows through the pair's T5 models, with matrix products that are the same everywhere. */
#include "codec/engine.h"

#include <stdlib.h>
#include "kernels/gemm.h"
#include "t5/generate.h"

/* Rows of one batch: what the key/value caches of both models may take, and bounds that make sense. */
enum { CACHE_BYTES = 64 << 20, BATCH_MINIMUM = 1, BATCH_MAXIMUM = 256 };

struct t5_engine {
    struct engine engine; /* first, so that one pointer is both */
    const struct model_pair *pair;
    struct t5_generator *generators[2]; /* by role, opened at first use */
};

static const struct t5_model *model_of(const struct t5_engine *self, enum engine_role role) {
    return role == ENGINE_COMPRESSOR ? &self->pair->compressor : &self->pair->decompressor;
}

/* Keys and values of every decoder layer, for the row's own tokens and for its source. */
static size_t cache_bytes_per_row(const struct t5_config *config, int length) {
    size_t width = (size_t)config->num_heads * (size_t)config->d_kv;
    return 4 * sizeof(float) * (size_t)config->num_decoder_layers * width * (size_t)length;
}

static int choose_batch_rows(const struct model_pair *pair) {
    int length = pair->chunking.size + 1;
    size_t compressor = cache_bytes_per_row(&pair->compressor.config, length);
    size_t decompressor = cache_bytes_per_row(&pair->decompressor.config, length);
    size_t rows = CACHE_BYTES / (compressor > decompressor ? compressor : decompressor);
    return rows < BATCH_MINIMUM ? BATCH_MINIMUM : rows > BATCH_MAXIMUM ? BATCH_MAXIMUM : (int)rows;
}

static enum status t5_engine_generate(struct engine *engine, enum engine_role role,
                                      const struct t5_rows *sources, const int *limits,
                                      struct engine_rows *out) {
    struct t5_engine *self = (struct t5_engine *)engine;
    const struct t5_model *model = model_of(self, role);
    struct t5_generator **generator = &self->generators[role];
    int length = self->pair->chunking.size;
    if (!*generator)
        TRY(t5_generator_open(generator, &model->config, engine->batch_rows, length + 1, length, false));

    const struct t5_sampling greedy = {.temperature = 0};
    enum gemm_backend before = gemm_selected();
    gemm_select(GEMM_PORTABLE);
    const struct t5_generated *generated = t5_generate(*generator, model, sources, &greedy, limits);
    gemm_select(before);
    *out = (struct engine_rows){.rows = generated->rows, .ended = generated->ended};
    return STATUS_OK;
}

static void t5_engine_close(struct engine *engine) {
    struct t5_engine *self = (struct t5_engine *)engine;
    t5_generator_close(self->generators[ENGINE_COMPRESSOR]);
    t5_generator_close(self->generators[ENGINE_DECOMPRESSOR]);
    free(self);
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

enum status engine_open_t5(struct engine **engine, const struct model_pair *pair) {
    *engine = NULL;
    TRY(check_positions(&pair->compressor.config, "compressor", pair->chunking.size));
    TRY(check_positions(&pair->decompressor.config, "decompressor", pair->chunking.size));
    struct t5_engine *self = calloc(1, sizeof *self);
    if (!self)
        return fail(STATUS_MEMORY, "no memory for the codec's engine");
    self->pair = pair;
    self->engine = (struct engine){choose_batch_rows(pair), t5_engine_generate, t5_engine_close};
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
