/* Going through a run: steps, reports, evaluations, checkpoints. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/log.h"
#include "base/number.h"
#include "base/signals.h"
#include "kernels/ceiling.h"
#include "train/run/stages.h"

/* What the loop keeps between steps; nothing here changes the future of the run. */
struct loop {
    struct trainer *trainer;
    struct progress progress;
    double saved, tokens_before;
    int64_t steps_left;
    bool limited;
    double compressor_loss, decompressor_loss; /* smoothed, for the display; NaN before the first */
    double ceiling;                            /* operations per second that this machine could do */
    double flops_before, seconds_before;       /* of both learners, when the phase began */
};

static double smooth(double before, double now) {
    return isnan(before) ? now : 0.95 * before + 0.05 * now;
}

static double learner_flops(const struct trainer *t) {
    return t->compressor.flops + t->decompressor.flops + t->scorer.flops;
}

static double learner_seconds(const struct trainer *t) {
    return t->compressor.seconds + t->decompressor.seconds + t->scorer.seconds;
}

/* What models have not done has no figure. */
static void show(struct loop *l) {
    struct trainer *t = l->trainer;
    double share =
        (learner_flops(t) - l->flops_before) / ((learner_seconds(t) - l->seconds_before) * l->ceiling);
    char detail[256];
    snprintf(detail, sizeof detail, "%s%% of the ceiling  step %lld  loss C %s D %s",
             number_text(100 * share, 0).text, (long long)t->steps[t->phase],
             number_text(l->compressor_loss, 3).text, number_text(l->decompressor_loss, 3).text);
    progress_update(&l->progress, trainer_progress(t), t->tokens - l->tokens_before, detail);
}

/* What the models learned in this step; nothing of one that made no update. */
static void record_learned(struct loop *l, const struct step_result *result, bool c, bool d) {
    struct metrics *m = &l->trainer->metrics;
    if (c)
        metrics_set(m, "compressor_loss", result->compressor.loss);
    if (d)
        metrics_set(m, "decompressor_loss", result->decompressor.loss);
    if (c)
        metrics_set(m, "compressor_gradient", result->compressor.gradient_norm);
    if (d)
        metrics_set(m, "decompressor_gradient", result->decompressor.gradient_norm);
    l->compressor_loss = c ? smooth(l->compressor_loss, result->compressor.loss) : l->compressor_loss;
    l->decompressor_loss = d ? smooth(l->decompressor_loss, result->decompressor.loss) : l->decompressor_loss;
}

/* Weights are as they were before the update that failed, so they may be kept. */
static enum status end_by_numbers(struct trainer *t) {
    TRY(metrics_end_row(&t->metrics));
    TRY(checkpoint_save(t));
    return fail(
        STATUS_LIMIT,
        "the loss or the gradient of step %lld of the %s is not a number; %s/checkpoint.h5 is saved as it "
        "was before that update: `--resume` with lower learning rates (--set), or begin anew from "
        "best.h5 (--from)",
        (long long)t->steps[t->phase], phase_name(t->phase), t->folder);
}

static enum status one_step(struct loop *l) {
    struct trainer *t = l->trainer;
    int64_t c_before = t->compressor.step, d_before = t->decompressor.step;
    double begun = trainer_clock(t);
    TRY(metrics_begin_row(&t->metrics));
    struct step_result result = t->phase == PHASE_SUPERVISED ? supervised_step(t) : rl_stage_step(t);
    t->seconds[t->phase] += trainer_clock(t) - begun;
    metrics_set(&t->metrics, "phase", t->phase);
    metrics_set(&t->metrics, "step", (double)t->steps[t->phase]);
    if (!isfinite(result.compressor.loss) || !isfinite(result.decompressor.loss))
        return end_by_numbers(t);
    bool c_learned = t->compressor.step > c_before, d_learned = t->decompressor.step > d_before;
    record_learned(l, &result, c_learned, d_learned);
    show(l);
    struct moment now = trainer_moment(t);
    collapse_after_step(&t->collapse, &now,
                        &(struct step_deeds){t->newest, c_learned, c_learned || d_learned}, &t->metrics);
    return metrics_end_row(&t->metrics);
}

static bool due(const struct trainer *t) {
    int64_t every = t->settings.evaluation.every;
    if (t->phase == PHASE_RL)
        every = every / 20 > 0 ? every / 20 : 1;
    return t->steps[t->phase] % every == 0;
}

static bool collapse_stops(const struct trainer *t) {
    return t->settings.collapse.stop && t->collapse.warned;
}

static bool must_stop(struct loop *l) {
    const struct trainer *t = l->trainer;
    return signals_stop_requested() || collapse_stops(t) || collapse_impatience(&t->collapse, &t->settings) ||
           (l->limited && l->steps_left <= 0);
}

static enum status save_if_due(struct loop *l) {
    struct trainer *t = l->trainer;
    if (progress_clock() - l->saved < 60 * t->settings.checkpoint.minutes)
        return STATUS_OK;
    l->saved = progress_clock();
    return checkpoint_save(t);
}

/* An evaluation takes its time from the phase's budget. */
static enum status evaluate_in_time(struct trainer *t) {
    double begun = trainer_clock(t);
    enum status status = trainer_evaluate(t, false);
    t->evaluation_due = status != STATUS_OK;
    t->seconds[t->phase] += trainer_clock(t) - begun;
    return status;
}

static enum status run_phase(struct loop *l) {
    struct trainer *t = l->trainer;
    enum status status = STATUS_OK;
    double at = trainer_progress(t);
    if (at >= 1)
        return STATUS_OK;
    l->compressor_loss = l->decompressor_loss = NAN;
    l->tokens_before = t->tokens;
    l->flops_before = learner_flops(t);
    l->seconds_before = learner_seconds(t);
    progress_begin(&l->progress, phase_name(t->phase), "tokens", 1.0, at, 10);
    while (status == STATUS_OK && trainer_progress(t) < 1 && !must_stop(l)) {
        if (!t->evaluation_due) { /* else the run was stopped while it was judged */
            status = one_step(l);
            l->steps_left--;
            t->evaluation_due = due(t);
        }
        if (status == STATUS_OK && t->evaluation_due && trainer_progress(t) < 1)
            status = evaluate_in_time(t);
        if (status == STATUS_OK)
            status = save_if_due(l);
    }
    progress_end(&l->progress);
    return status == STATUS_INTERRUPTED ? STATUS_OK : status; /* the caller saves and says so */
}

/* The phase that the run is in, or ended in. */
static enum phase last_phase(const struct trainer *t) {
    return t->phase < PHASE_COUNT ? t->phase : PHASE_RL;
}

/* The end of a run whose checkpoint is saved. */
static enum status end_by_collapse(const struct trainer *t) {
    return fail(
        STATUS_LIMIT,
        "a collapse monitor ended the run (collapse.stop) after step %lld of the %s; %s/checkpoint.h5 is "
        "saved: `--resume` goes on from there, with --set collapse.stop=false whatever the monitors say",
        (long long)t->steps[last_phase(t)], phase_name(last_phase(t)), t->folder);
}

/* The same of a phase that brings nothing. */
static enum status end_in_vain(const struct trainer *t, enum phase phase, const char *what) {
    bool over = t->phase > phase;
    return fail(STATUS_LIMIT, "%s up to step %lld of the %s, %s%s%s; %s/checkpoint.h5 is saved: %s", what,
                (long long)t->steps[phase], phase_name(phase),
                over ? "its end" : "as long as collapse.patience allows", *t->collapse.reasons ? ": " : "",
                t->collapse.reasons, t->folder,
                over ? "change what the warnings name and begin anew"
                     : "`--resume` goes on from there, with what --set changes");
}

static enum status stop_early(struct trainer *t) {
    const char *in_vain = collapse_impatience(&t->collapse, &t->settings);
    if (in_vain)
        collapse_forgive(&t->collapse); /* resumed, the run gets its patience anew */
    TRY(checkpoint_save(t));
    if (in_vain && !signals_stop_requested())
        return end_in_vain(t, t->phase, in_vain);
    if (collapse_stops(t) && !signals_stop_requested())
        return end_by_collapse(t);
    log_info("stopped after step %lld of the %s; `--resume` continues", (long long)t->steps[t->phase],
             phase_name(t->phase));
    return signals_stop_requested()
               ? fail(STATUS_INTERRUPTED, "interrupted; %s/checkpoint.h5 is saved", t->folder)
               : STATUS_OK;
}

/* Evaluates and saves what a finished phase leaves. */
static enum status finish_phase(struct trainer *t) {
    t->evaluation_due = false; /* the last one is made here */
    if (t->steps[t->phase] > 0) {
        enum status status = trainer_evaluate(t, true);
        if (status == STATUS_INTERRUPTED)
            return stop_early(t);
        TRY(status);
        status = trainer_search(t);
        if (status == STATUS_INTERRUPTED)
            return stop_early(t);
        TRY(status);
    }
    if (t->phase == PHASE_SUPERVISED && t->settings.rl.steps > 0 && t->steps[PHASE_SUPERVISED] > 0)
        TRY(checkpoint_save_pair(t, "supervised.h5"));
    const char *in_vain = collapse_in_vain(&t->collapse, t->phase, t->steps[t->phase]);
    if (t->phase == PHASE_SUPERVISED && t->steps[t->phase] > 0)
        collapse_begin_rl_stage(&t->collapse, t->evaluation.exact_match);
    t->finished |= 1 << t->phase++;
    TRY(checkpoint_save(t));
    return in_vain ? end_in_vain(t, (enum phase)(t->phase - 1), in_vain) : STATUS_OK;
}

/* Targets, what codes cost at first, and the exact-match rate that its monitor starts from. */
static enum status begin_rl_stage(struct trainer *t) {
    rl_stage_begin(t);
    if (isnan(t->collapse.best_exact_match))
        TRY(evaluate_in_time(t));
    return t->prior ? STATUS_OK : trainer_price_codes(t);
}

static enum status open_examples(struct trainer *t) {
    char *path = NULL;
    if (t->settings.evaluation.examples == 0 || t->examples.stream)
        return STATUS_OK;
    if (asprintf(&path, "%s/examples.txt", t->folder) < 0)
        return fail(STATUS_MEMORY, "no memory for a file name");
    enum status status = examples_start(&t->examples, path);
    free(path);
    return status;
}

enum status trainer_run(struct trainer *t, const struct run_limits *limits) {
    struct loop loop = {
        .trainer = t, .saved = progress_clock(), .steps_left = limits->steps, .limited = limits->steps > 0};
    loop.ceiling = ceiling_flops(trainer_uses_bf16(t));
    log_info("the ceiling is %.0f GFLOP/s in %s", loop.ceiling * 1e-9,
             precision_names[t->settings.precision]);
    if (trainer_held_out(t) == SPLIT_TRAIN)
        log_warning("%s has no held-out text: the held-out figures are of training text", t->settings.data);
    TRY(open_examples(t));
    while (t->phase < PHASE_COUNT) {
        if (t->phase == PHASE_RL && t->steps[PHASE_RL] == 0 && t->settings.rl.steps > 0) {
            enum status status = begin_rl_stage(t);
            if (status == STATUS_INTERRUPTED)
                return stop_early(t);
            TRY(status);
        }
        TRY(run_phase(&loop));
        if (trainer_progress(t) < 1)
            return stop_early(t);
        TRY(finish_phase(t));
        if (signals_stop_requested() && t->phase < PHASE_COUNT)
            return stop_early(t);
    }
    return collapse_stops(t) ? end_by_collapse(t) : STATUS_OK;
}
