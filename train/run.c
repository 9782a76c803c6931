/* Going through a run: steps, reports, evaluations, checkpoints. */
#include <math.h>
#include <stdio.h>
#include "base/log.h"
#include "base/signals.h"
#include "train/trainer.h"

static enum status save_if_best(struct trainer *t) {
    if (!(t->evaluation.bits_per_byte < t->best_bits))
        return STATUS_OK;
    t->best_bits = t->evaluation.bits_per_byte;
    return checkpoint_save_pair(t, "best.h5");
}

enum status trainer_evaluate(struct trainer *t) {
    struct evaluator evaluator = {&t->environment, t->generator, &t->decompressor, &t->batch};
    enum dataset_split split = dataset_count(t->data, SPLIT_VALID) > 0  ? SPLIT_VALID
                               : dataset_count(t->data, SPLIT_TEST) > 0 ? SPLIT_TEST
                                                                        : SPLIT_TRAIN;
    const struct train_settings *s = &t->settings;
    struct evaluation *e = &t->evaluation;
    TRY(evaluate_prior(&evaluator, trainer_progress(t) < 1 ? s->evaluation.chunks : s->evaluation.prior,
                       &t->pair));
    TRY(evaluate_split(&evaluator, split, s->evaluation.chunks, e));
    TRY(metrics_begin_row(&t->metrics));
    metrics_set(&t->metrics, "phase", t->phase);
    metrics_set(&t->metrics, "step", (double)t->steps[t->phase]);
    metrics_set(&t->metrics, "held_out_exact", e->exact);
    metrics_set(&t->metrics, "held_out_exact_fallback", e->exact_fallback);
    metrics_set(&t->metrics, "held_out_tokens_per_byte", e->tokens_per_byte);
    metrics_set(&t->metrics, "held_out_loss", e->loss);
    metrics_set(&t->metrics, "held_out_bits_per_byte", e->bits_per_byte);
    TRY(metrics_end_row(&t->metrics));
    log_info("%s step %lld: held-out exact %.1f%% (%.1f%% with fallback), %.4f tokens/byte, "
             "D %.4f bits/byte given z, z %.3f bits/byte",
             phase_names[t->phase], (long long)t->steps[t->phase], 100 * e->exact, 100 * e->exact_fallback,
             e->tokens_per_byte, e->loss / log(2.0), e->bits_per_byte);
    return save_if_best(t);
}

/* What the loop keeps between steps; nothing here changes the future of the run. */
struct loop {
    struct trainer *trainer;
    struct progress progress;
    double saved, tokens_before;
    int64_t steps_left;
    bool limited;
    double compressor_loss, decompressor_loss; /* smoothed, for the display */
};

static void show(struct loop *l, struct step_result result) {
    struct trainer *t = l->trainer;
    char detail[96];
    bool fresh = l->compressor_loss == 0;
    l->compressor_loss =
        fresh ? result.compressor_loss : 0.95 * l->compressor_loss + 0.05 * result.compressor_loss;
    l->decompressor_loss =
        fresh ? result.decompressor_loss : 0.95 * l->decompressor_loss + 0.05 * result.decompressor_loss;
    snprintf(detail, sizeof detail, "step %lld  loss C %.3f D %.3f", (long long)t->steps[t->phase],
             l->compressor_loss, l->decompressor_loss);
    progress_update(&l->progress, trainer_progress(t), t->tokens - l->tokens_before, detail);
}

static enum status one_step(struct loop *l) {
    struct trainer *t = l->trainer;
    double begun = progress_clock();
    TRY(metrics_begin_row(&t->metrics));
    struct step_result result = t->phase == PHASE_SUPERVISED ? supervised_step(t) : reinforce_step(t);
    t->seconds[t->phase] += progress_clock() - begun;
    metrics_set(&t->metrics, "phase", t->phase);
    metrics_set(&t->metrics, "step", (double)t->steps[t->phase]);
    metrics_set(&t->metrics, "compressor_loss", result.compressor_loss);
    metrics_set(&t->metrics, "decompressor_loss", result.decompressor_loss);
    if (!isfinite(result.compressor_loss) || !isfinite(result.decompressor_loss))
        return fail(STATUS_LIMIT,
                    "the loss of %s step %lld is not a number: lower the learning rates and resume from "
                    "the last checkpoint",
                    phase_names[t->phase], (long long)t->steps[t->phase]);
    show(l, result);
    return metrics_end_row(&t->metrics);
}

static bool due(const struct trainer *t) {
    int64_t every = t->settings.evaluation.every;
    if (t->phase == PHASE_REINFORCE)
        every = every / 20 > 0 ? every / 20 : 1;
    return t->steps[t->phase] % every == 0;
}

static bool must_stop(struct loop *l) {
    return signals_stop_requested() || (l->limited && l->steps_left <= 0);
}

static enum status save_if_due(struct loop *l) {
    struct trainer *t = l->trainer;
    if (progress_clock() - l->saved < 60 * t->settings.checkpoint.minutes)
        return STATUS_OK;
    l->saved = progress_clock();
    return checkpoint_save(t);
}

static enum status run_phase(struct loop *l) {
    struct trainer *t = l->trainer;
    enum status status = STATUS_OK;
    double at = trainer_progress(t);
    if (at >= 1)
        return STATUS_OK;
    l->compressor_loss = 0;
    l->tokens_before = t->tokens;
    progress_begin(&l->progress, phase_names[t->phase], "tokens", 1.0, at, 10);
    while (status == STATUS_OK && trainer_progress(t) < 1 && !must_stop(l)) {
        status = one_step(l);
        l->steps_left--;
        if (status == STATUS_OK && due(t) && trainer_progress(t) < 1)
            status = trainer_evaluate(t);
        if (status == STATUS_OK)
            status = save_if_due(l);
    }
    progress_end(&l->progress);
    return status;
}

enum status trainer_run(struct trainer *t, const struct run_limits *limits) {
    struct loop loop = {
        .trainer = t, .saved = progress_clock(), .steps_left = limits->steps, .limited = limits->steps > 0};
    while (t->phase < PHASE_COUNT) {
        if (t->phase == PHASE_REINFORCE && t->steps[PHASE_REINFORCE] == 0)
            reinforce_begin(t);
        enum status status = run_phase(&loop);
        if (status != STATUS_OK)
            return status;
        if (trainer_progress(t) < 1) {
            TRY(checkpoint_save(t));
            log_info("stopped after %s step %lld; `--resume` continues", phase_names[t->phase],
                     (long long)t->steps[t->phase]);
            return signals_stop_requested()
                       ? fail(STATUS_INTERRUPTED, "interrupted; %s/checkpoint.h5 is saved", t->folder)
                       : STATUS_OK;
        }
        if (t->steps[t->phase] > 0)
            TRY(trainer_evaluate(t));
        if (t->phase == PHASE_SUPERVISED && t->settings.rl.steps > 0)
            TRY(checkpoint_save_pair(t, "supervised.h5"));
        t->phase++;
        TRY(checkpoint_save(t));
    }
    return STATUS_OK;
}
