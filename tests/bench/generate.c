/* laconic bench generate: batched sampling at temperature 1 with a key/value cache (t5/generate.h). No row
 * stops early, so every run emits batch x tgt tokens. */
#include <stdlib.h>
#include "bench.h"
#include "kernels/ceiling.h"
#include "t5/flops.h"
#include "t5/generate.h"

struct generate_work {
    const struct bench_settings *settings;
    struct t5_model model;
    struct t5_generator *generator;
    int32_t *ids, *source_start, *target_start;
    int emitted; /* tokens of the last run */
};

static struct t5_rows source_rows(const struct generate_work *w) {
    return (struct t5_rows){(int)w->settings->batch, w->ids, w->source_start};
}

static void generate(void *context) {
    static const struct t5_sampling sampling = {.temperature = 1};
    struct generate_work *w = context;
    struct t5_rows source = source_rows(w);
    const struct t5_generated *generated = t5_generate(w->generator, &w->model, &source, &sampling, NULL);
    w->emitted = generated->rows.start[source.count];
}

/* An end token outside the vocabulary is never drawn. */
static enum status open_generator(struct generate_work *w) {
    const struct bench_settings *s = w->settings;
    struct t5_config endless = w->model.config;
    endless.eos_token_id = -1;
    return t5_generator_open(&w->generator, &endless, (int)s->batch, (int)s->source, (int)s->target,
                             w->model.packed != NULL);
}

static enum status open_work(struct generate_work *w) {
    const struct bench_settings *s = w->settings;
    size_t rows = (size_t)s->batch, tokens = rows * (size_t)s->source;
    TRY(bench_model_open(&w->model, s));
    TRY(open_generator(w));
    w->ids = calloc(tokens, sizeof *w->ids);
    w->source_start = calloc(rows + 1, sizeof *w->source_start);
    w->target_start = calloc(rows + 1, sizeof *w->target_start);
    if (!w->ids || !w->source_start || !w->target_start)
        return fail(STATUS_MEMORY, "no memory for %zu random ids", tokens);
    bench_random_ids(w->ids, tokens, &w->model.config, "source");
    bench_row_starts(w->source_start, s->batch, s->source);
    bench_row_starts(w->target_start, s->batch, s->target);
    return STATUS_OK;
}

static void close_work(struct generate_work *w) {
    free(w->ids);
    free(w->source_start);
    free(w->target_start);
    t5_generator_close(w->generator);
    t5_close(&w->model);
}

static enum status measure(struct generate_work *w) {
    const struct bench_settings *s = w->settings;
    struct progress progress;
    struct bench_result result = {.model = &w->model};
    struct t5_batch batch = {.source = source_rows(w), .target = {(int)s->batch, NULL, w->target_start}};
    result.flops = t5_flops(&w->model.config, &batch, false);
    result.ceiling = ceiling_flops(!bench_wants(s, "fp32"));
    progress_begin(&progress, "bench generate", "run", (double)s->repeat + 1, 0, 10);
    result.timing = timing_measure(
        &(struct timing_plan){.run = generate, .context = w, .repeat = s->repeat, .progress = &progress});
    progress_end(&progress);
    result.tokens = w->emitted;
    bench_report(s, &result);
    return STATUS_OK;
}

enum status bench_generate(const struct bench_settings *settings) {
    struct generate_work work = {.settings = settings};
    enum status status = open_work(&work);
    if (status == STATUS_OK)
        status = measure(&work);
    close_work(&work);
    return status;
}
