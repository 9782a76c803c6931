/* laconic bench train: one step of `laconic train`, the learner's own (train/learner.h): forward pass,
 * cross-entropy over the target, backward pass, clipping to norm 1, AdamW. */
#include <math.h>
#include <stdlib.h>
#include "bench.h"
#include "kernels/ceiling.h"
#include "t5/flops.h"
#include "train/learner.h"

struct train_work {
    const struct bench_settings *settings;
    struct t5_model model;
    struct learner learner;
    struct batch batch;
    int32_t *source, *target; /* [batch, src - 1], [batch, tgt - 1]: the batch adds a token to each row */
    struct learner_result last;
};

/* The step scales the batch's weights, so the batch is made anew each time, as in a run. */
static void fill_batch(struct train_work *w) {
    int source = (int)w->settings->source - 1, target = (int)w->settings->target - 1;
    batch_clear(&w->batch);
    for (long r = 0; r < w->settings->batch; r++)
        batch_add(&w->batch, w->source + r * source, source, w->target + r * target, target, 1.0f);
}

static void train_step(void *context) {
    static const struct adamw adamw = {1e-4f, 0.9f, 0.999f, 1e-8f, 0.01f}; /* as the peer's */
    struct train_work *w = context;
    fill_batch(w);
    w->last = learner_step(&w->learner, &w->batch, &adamw, 1.0);
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
    if (!w->source || !w->target)
        return fail(STATUS_MEMORY, "no memory for %d rows of random ids", rows);
    bench_random_ids(w->source, (size_t)rows * (size_t)(source - 1), &w->model.config, "source");
    bench_random_ids(w->target, (size_t)rows * (size_t)(target - 1), &w->model.config, "target");
    return STATUS_OK;
}

static void close_work(struct train_work *w) {
    free(w->source);
    free(w->target);
    batch_close(&w->batch);
    learner_close(&w->learner);
    t5_close(&w->model);
}

static enum status measure(struct train_work *w) {
    const struct bench_settings *s = w->settings;
    struct progress progress;
    struct bench_result result = {.model = &w->model,
                                  .tokens = (double)s->batch * (double)(s->source + s->target)};
    result.ceiling = ceiling_flops(!bench_wants(s, "fp32"));
    progress_begin(&progress, "bench train", "step", (double)s->repeat + 1, 0, 10);
    result.timing = timing_measure(
        &(struct timing_plan){.run = train_step, .context = w, .repeat = s->repeat, .progress = &progress});
    progress_end(&progress);
    if (!isfinite(w->last.loss))
        return fail(STATUS_LIMIT, "the gradient of %s is not finite, so the weights were not updated",
                    s->model);
    struct t5_batch batch = batch_view(&w->batch);
    result.flops = t5_flops(&w->model.config, &batch, true);
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
