/* laconic bench train: one step of `laconic train`, the learner's own (train/learning/learner.h): forward
 * pass, cross-entropy over the target, backward pass, clipping to norm 1, AdamW. */
#include <math.h>
#include <stdlib.h>
#include "bench.h"
#include "kernels/ceiling.h"
#include "t5/flops.h"
#include "train/learning/learner.h"

struct train_work {
    const struct bench_settings *settings;
    struct t5_model model;
    struct learner learner;
    struct batch batch;
    int32_t *source, *target; /* [batch, src - 1], [batch, tgt - 1]: the batch adds a token to each row */
    int *source_length, *target_length; /* [batch] of which so many count */
    struct learner_result last;
};

/* The step scales the batch's weights, so the batch is made anew each time, as in a run. */
static void fill_batch(struct train_work *w) {
    long source = w->settings->source - 1, target = w->settings->target - 1;
    batch_clear(&w->batch);
    for (long r = 0; r < w->settings->batch; r++)
        batch_add(&w->batch, w->source + r * source, w->source_length[r], w->target + r * target,
                  w->target_length[r], 1.0f);
}

static void train_step(void *context) {
    static const struct adamw adamw = {1e-4f, 0.9f, 0.999f, 1e-8f, 0.01f}; /* as PyTorch's */
    struct train_work *w = context;
    fill_batch(w);
    w->last = learner_step(&w->learner, &w->batch, &adamw, 1.0);
}

/* Full rows, or as long as the lines of the text. */
static enum status choose_lengths(struct train_work *w) {
    const struct bench_settings *s = w->settings;
    int source = (int)s->source - 1, target = (int)s->target - 1;
    if (s->lines)
        TRY(bench_line_lengths(s->lines, w->source_length, s->batch));
    for (long r = 0; r < s->batch; r++) {
        int length = s->lines ? w->source_length[r] : source > target ? source : target;
        w->source_length[r] = length < source ? length : source;
        w->target_length[r] = length < target ? length : target;
    }
    return STATUS_OK;
}

static enum status open_work(struct train_work *w) {
    const struct bench_settings *s = w->settings;
    int rows = (int)s->batch, source = (int)s->source, target = (int)s->target;
    int longest = source > target ? source : target;
    struct t5_limits limits = {rows, rows * source, rows * target, longest, false};
    TRY(bench_model_open(&w->model, s));
    TRY(learner_open(&w->learner, &w->model, &limits, 0));
    TRY(batch_open(&w->batch, rows, longest));
    w->source = calloc((size_t)rows * (size_t)source, sizeof *w->source);
    w->target = calloc((size_t)rows * (size_t)target, sizeof *w->target);
    w->source_length = calloc((size_t)rows, sizeof *w->source_length);
    w->target_length = calloc((size_t)rows, sizeof *w->target_length);
    if (!w->source || !w->target || !w->source_length || !w->target_length)
        return fail(STATUS_MEMORY, "no memory for %d rows of random ids", rows);
    bench_random_ids(w->source, (size_t)rows * (size_t)(source - 1), &w->model.config, "source");
    bench_random_ids(w->target, (size_t)rows * (size_t)(target - 1), &w->model.config, "target");
    return choose_lengths(w);
}

static void close_work(struct train_work *w) {
    free(w->source);
    free(w->target);
    free(w->source_length);
    free(w->target_length);
    batch_close(&w->batch);
    learner_close(&w->learner);
    t5_close(&w->model);
}

static enum status time_steps(struct train_work *w, const char *label, struct timing *timing) {
    const struct bench_settings *s = w->settings;
    struct progress progress;
    progress_begin(&progress, label, "step", (double)s->repeat + 1, 0, 10);
    *timing = timing_measure(
        &(struct timing_plan){.run = train_step, .context = w, .repeat = s->repeat, .progress = &progress});
    progress_end(&progress);
    if (!isfinite(w->last.loss))
        return fail(STATUS_LIMIT, "the gradient of %s is not finite, so the weights were not updated",
                    s->model);
    return STATUS_OK;
}

static void lengthen(int *length, long rows) {
    int longest = 0;
    for (long r = 0; r < rows; r++)
        longest = length[r] > longest ? length[r] : longest;
    for (long r = 0; r < rows; r++)
        length[r] = longest;
}

/* The same rows as others batch them: all as long as the longest. */
static enum status time_padded(struct train_work *w, struct bench_result *result) {
    lengthen(w->source_length, w->settings->batch);
    lengthen(w->target_length, w->settings->batch);
    TRY(time_steps(w, "bench train, padded", &result->padded));
    result->padded_tokens = w->batch.source_start[w->batch.rows] + batch_target_tokens(&w->batch);
    return STATUS_OK;
}

static enum status measure(struct train_work *w) {
    const struct bench_settings *s = w->settings;
    struct bench_result result = {.model = &w->model, .ceiling = ceiling_flops(!bench_wants(s, "fp32"))};
    TRY(time_steps(w, "bench train", &result.timing));
    struct t5_batch batch = batch_view(&w->batch);
    result.tokens = w->batch.source_start[w->batch.rows] + batch_target_tokens(&w->batch);
    result.flops = t5_flops(&w->model.config, &batch, true);
    if (s->lines)
        TRY(time_padded(w, &result));
    bench_report(s, &result);
    return STATUS_OK;
}

enum status bench_train(const struct bench_settings *settings) {
    struct train_work work = {.settings = settings};
    enum status status = open_work(&work);
    if (status == STATUS_OK)
        status = measure(&work);
    close_work(&work);
    return status;
}
