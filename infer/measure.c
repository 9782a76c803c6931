/* Batches of chunks through the compressor and, with its z, through the decompressor's forward pass. */
#include "measure.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_ROWS = 32, BATCH_TOKENS = 8192 };

/* Ragged rows under construction. */
struct rows {
    int count;
    int32_t *ids, *start;
};

struct measure {
    const struct model_pair *pair;
    struct engine *engine;
    struct t5_pass *pass;
    int most_rows;
    struct rows texts, codes, inputs; /* x and end, z and end, start and x */
    int32_t *limits;
    float *nll;
};

static enum status open_rows(struct rows *rows, int most_rows, int most_tokens) {
    rows->ids = malloc((size_t)most_tokens * sizeof *rows->ids);
    rows->start = calloc((size_t)most_rows + 1, sizeof *rows->start);
    return rows->ids && rows->start ? STATUS_OK : fail(STATUS_MEMORY, "no memory for a batch of rows");
}

static void close_rows(struct rows *rows) {
    free(rows->ids);
    free(rows->start);
}

/* The next row is `count` ids, before and behind which stand other tokens (negative: none). */
static void add_row(struct rows *rows, int32_t before, const int32_t *ids, size_t count, int32_t behind) {
    int32_t *at = rows->ids + rows->start[rows->count];
    if (before >= 0)
        *at++ = before;
    memcpy(at, ids, count * sizeof *ids);
    at += count;
    if (behind >= 0)
        *at++ = behind;
    rows->start[++rows->count] = (int32_t)(at - rows->ids);
}

static struct t5_rows view(const struct rows *rows) {
    return (struct t5_rows){.count = rows->count, .ids = rows->ids, .start = rows->start};
}

static enum status open_parts(struct measure *measure) {
    const struct model_pair *pair = measure->pair;
    int length = pair->chunking.size + 1;
    int rows = BATCH_TOKENS / length;
    measure->most_rows = rows = rows < 1 ? 1 : rows > BATCH_ROWS ? BATCH_ROWS : rows;
    struct t5_limits limits = {rows, rows * length, rows * length, length, false};
    TRY(open_rows(&measure->texts, rows, rows * length));
    TRY(open_rows(&measure->codes, rows, rows * length));
    TRY(open_rows(&measure->inputs, rows, rows * length));
    measure->limits = malloc((size_t)rows * sizeof *measure->limits);
    measure->nll = malloc((size_t)rows * (size_t)length * sizeof *measure->nll);
    if (!measure->limits || !measure->nll)
        return fail(STATUS_MEMORY, "no memory for measuring");
    return t5_pass_open(&measure->pass, &pair->decompressor.config, &limits, false);
}

enum status measure_open(struct measure **out, const struct model_pair *pair, struct engine *engine) {
    struct measure *measure = calloc(1, sizeof *measure);
    *out = NULL;
    if (!measure)
        return fail(STATUS_MEMORY, "no memory for measuring");
    measure->pair = pair;
    measure->engine = engine;
    enum status status = open_parts(measure);
    if (status != STATUS_OK) {
        measure_close(measure);
        return status;
    }
    *out = measure;
    return STATUS_OK;
}

void measure_close(struct measure *measure) {
    if (!measure)
        return;
    t5_pass_close(measure->pass);
    free(measure->nll);
    free(measure->limits);
    close_rows(&measure->inputs);
    close_rows(&measure->codes);
    close_rows(&measure->texts);
    free(measure);
}

static void clear_batch(struct measure *measure) {
    measure->texts.count = measure->inputs.count = measure->codes.count = 0;
}

static void add_text(struct measure *measure, const uint8_t *bytes, size_t size) {
    const struct model_pair *pair = measure->pair;
    int32_t ids[CHUNK_MAXIMUM], start_id = pair->decompressor.config.decoder_start_token_id;
    size_t count = model_pair_encode_text(pair, bytes, size, ids);
    measure->limits[measure->texts.count] = (int)count;
    add_row(&measure->texts, -1, ids, count, TOKEN_EOS);
    add_row(&measure->inputs, start_id, ids, count, -1);
}

static enum status keep_code(void *context, int row, const int32_t *ids, int count, bool ended) {
    struct measure *measure = context;
    (void)row, (void)ended;
    add_row(&measure->codes, -1, ids, (size_t)count, TOKEN_EOS);
    return STATUS_OK;
}

/* The labels of the inputs are the texts with their end tokens: both rows are equally long. */
static void add_cross_entropy(struct measure *measure, struct measurement *sum) {
    const struct t5_model *model = &measure->pair->decompressor;
    struct t5_batch batch = {.source = view(&measure->codes), .target = view(&measure->inputs)};
    int tokens = measure->inputs.start[measure->inputs.count];
    struct t5_targets targets = {
        .labels = measure->texts.ids, .nll = measure->nll, .vocabulary = model->config.vocab_size};
    struct t5_loss loss = t5_cross_entropy(&targets);
    t5_forward(measure->pass, model, &batch, NULL);
    t5_head(measure->pass, model, &loss);
    for (int i = 0; i < tokens; i++)
        sum->nll += (double)measure->nll[i];
}

static void add_empty_codes(struct measure *measure) {
    for (int row = 0; row < measure->texts.count; row++)
        add_row(&measure->codes, -1, measure->codes.ids, 0, TOKEN_EOS);
}

static enum status measure_batch(struct measure *measure, bool empty_codes, struct measurement *sum) {
    struct t5_rows texts = view(&measure->texts);
    if (empty_codes)
        add_empty_codes(measure);
    else
        TRY(engine_generate(measure->engine, ENGINE_COMPRESSOR, &texts, measure->limits, keep_code, measure));
    add_cross_entropy(measure, sum);
    uint64_t rows = (uint64_t)texts.count;
    sum->text_tokens += (uint64_t)texts.start[texts.count] - rows;
    sum->ir_tokens += (uint64_t)measure->codes.start[measure->codes.count] - rows;
    clear_batch(measure);
    return STATUS_OK;
}

/* As much of the content as cutting a chunk needs. */
struct window {
    uint8_t bytes[CHUNK_MAXIMUM];
    size_t filled;
};

/* The next chunk becomes a row; *size 0: the content has ended. */
static enum status take_chunk(struct measure *measure, struct content *content, struct window *window,
                              size_t *size) {
    size_t got;
    TRY(content_read(content, window->bytes + window->filled, CHUNK_MAXIMUM - window->filled, &got));
    window->filled += got;
    *size = 0;
    if (window->filled == 0)
        return STATUS_OK;
    bool at_end = window->filled < CHUNK_MAXIMUM;
    *size = chunking_next(&measure->pair->chunking, window->bytes, window->filled, at_end);
    add_text(measure, window->bytes, *size);
    window->filled -= *size;
    memmove(window->bytes, window->bytes + *size, window->filled);
    return STATUS_OK;
}

enum status measure_content(struct measure *measure, struct content *content, bool empty_codes,
                            struct measurement *sum, codec_progress *progress, void *context) {
    struct window window = {.filled = 0};
    uint64_t done = 0;
    size_t size;
    TRY(content_rewind(content));
    clear_batch(measure);
    do {
        TRY(take_chunk(measure, content, &window, &size));
        done += size;
        if (measure->texts.count == measure->most_rows || (size == 0 && measure->texts.count > 0)) {
            TRY(measure_batch(measure, empty_codes, sum));
            if (progress)
                progress(context, done);
        }
    } while (size > 0);
    return STATUS_OK;
}
