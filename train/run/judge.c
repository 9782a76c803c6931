/* Judging a run on held-out texts: figures, collapse monitors, examples, the best model. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "base/number.h"
#include "train/judging/search.h"
#include "train/run/stages.h"

static enum status save_if_best(struct trainer *t) {
    const struct evaluation_figure *figure = &evaluation_figures[t->settings.checkpoint.best];
    double value = evaluation_value(&t->evaluation, figure) * (figure->more_is_better ? -1 : 1);
    if (!(value < t->best))
        return STATUS_OK;
    t->best = value;
    return checkpoint_save_pair(t, "best.h5");
}

enum dataset_split trainer_held_out(const struct trainer *t) {
    for (int split = SPLIT_VALID; split < SPLIT_COUNT; split++)
        if (dataset_count(t->data, (enum dataset_split)split) > 0)
            return (enum dataset_split)split;
    return SPLIT_TRAIN;
}

static enum status record_evaluation(struct trainer *t) {
    const struct evaluation *e = &t->evaluation;
    TRY(metrics_begin_row(&t->metrics));
    metrics_set(&t->metrics, "phase", t->phase);
    metrics_set(&t->metrics, "step", (double)t->steps[t->phase]);
    for (const struct evaluation_figure *f = evaluation_figures; f->name; f++) {
        char name[METRIC_NAME_CAPACITY];
        snprintf(name, sizeof name, "held_out_%s", f->name);
        if (isfinite(evaluation_value(e, f)))
            metrics_set(&t->metrics, name, evaluation_value(e, f));
    }
    metrics_set(&t->metrics, "seconds", t->seconds[t->phase]);
    log_info("%s step %lld: held-out exact match %.1f%% (%.1f%% with fallback), %.4f tokens/byte (%.4f), "
             "D %s bits/byte given z, archive about %.3f bits/byte, hybrid %s",
             phase_name(t->phase), (long long)t->steps[t->phase], 100 * e->exact_match,
             100 * e->exact_match_fallback, e->tokens_per_byte, e->tokens_per_byte_fallback,
             number_text(e->residual_bits_per_byte, 4).text, e->bits_per_byte,
             number_text(e->total_bits_per_byte, 3).text);
    struct moment now = trainer_moment(t);
    collapse_after_evaluation(&t->collapse, &now, e, &t->metrics);
    return metrics_end_row(&t->metrics);
}

/* An example, line by line: the log's lines are bounded. */
static void log_lines(enum log_level level, const struct buffer *text) {
    const char *line = (const char *)text->data;
    for (const char *end; (end = strchr(line, '\n')); line = end + 1)
        log_message(level, "%.*s", (int)(end - line), line);
}

/* The same held-out texts every time; the first for everybody, the others at -v. */
static enum status show_examples(struct trainer *t) {
    enum dataset_split split = trainer_held_out(t);
    int64_t all = (int64_t)dataset_count(t->data, split), wanted = t->settings.evaluation.examples;
    int64_t count = wanted < all ? wanted : all;
    for (int64_t k = 0; k < count; k++) {
        struct example example = {t->phase, t->steps[t->phase], {0}};
        enum status status =
            buffer_printf(&example.text, "%s step %lld, ", phase_name(t->phase), (long long)example.step);
        if (status == STATUS_OK)
            status = example_describe(&example.text, &t->environment, t->generator, split,
                                      example_chunk((uint64_t)all, k, count));
        if (status != STATUS_OK) {
            buffer_free(&example.text);
            return status;
        }
        log_lines(k == 0 ? LOG_INFO : LOG_DETAIL, &example.text);
        TRY(examples_add(&t->examples, &example));
    }
    return STATUS_OK;
}

static struct evaluator evaluator_of(struct trainer *t) {
    bool targets = t->phase == PHASE_RL && t->steps[PHASE_RL] > 0;
    if (targets)
        t5_refresh(&t->target_compressor); /* averaged since it was last used */
    return (struct evaluator){.environment = &t->environment,
                              .generator = t->generator,
                              .scorer = &t->scorer,
                              .batch = &t->batch,
                              .compressor_pass = t->compressor.pass,
                              .target_compressor = targets ? &t->target_compressor : NULL};
}

enum status trainer_price_codes(struct trainer *t) {
    struct evaluator evaluator = evaluator_of(t);
    struct code_sample sample = {0};
    TRY(code_sample_gather(&evaluator, t->settings.evaluation.chunks, &sample));
    enum status status = trainer_learn_prior(t, &sample);
    code_sample_free(&sample);
    return status;
}

enum status trainer_evaluate(struct trainer *t, bool whole_prior) {
    const struct train_settings *s = &t->settings;
    struct evaluator evaluator = evaluator_of(t);
    struct code_sample sample = {0};
    /* figures always after a sample of the same size, so that they compare */
    enum status status = code_sample_gather(&evaluator, s->evaluation.chunks, &sample);
    if (status == STATUS_OK)
        status =
            evaluate_split(&evaluator, trainer_held_out(t), s->evaluation.chunks, &sample, &t->evaluation);
    if (status == STATUS_OK && whole_prior) {
        code_sample_free(&sample);
        status = code_sample_gather(&evaluator, s->evaluation.prior, &sample);
    }
    if (status == STATUS_OK && (whole_prior || t->pair.prior_sample_count == 0))
        code_sample_give(&sample, &t->pair);
    else if (status == STATUS_OK && t->phase == PHASE_RL)
        status = trainer_learn_prior(t, &sample);
    code_sample_free(&sample);
    if (status == STATUS_OK)
        status = record_evaluation(t);
    if (status == STATUS_OK)
        status = show_examples(t);
    return status == STATUS_OK ? save_if_best(t) : status;
}

enum status trainer_search(struct trainer *t) {
    struct search_result found;
    if (t->settings.evaluation.search == 0)
        return STATUS_OK;
    struct acting acting = search_acting(t);
    reward_weights(&t->settings, acting.actor.progress, t->environment.reward_weights);
    TRY(search_split(&acting, trainer_held_out(t), t->settings.evaluation.search, &found));
    TRY(metrics_begin_row(&t->metrics));
    metrics_set(&t->metrics, "phase", t->phase);
    metrics_set(&t->metrics, "step", (double)t->steps[t->phase]);
    metrics_set(&t->metrics, "search_exact_match", found.exact);
    metrics_set(&t->metrics, "search_tokens_per_byte", found.tokens_per_byte);
    metrics_set(&t->metrics, "search_tried", (double)found.tried / (double)found.chunks);
    log_info("%s step %lld: search over %.0f codes per chunk finds exact ones for %.1f%%, %.4f tokens/byte",
             phase_name(t->phase), (long long)t->steps[t->phase], (double)found.tried / (double)found.chunks,
             100 * found.exact, found.tokens_per_byte);
    return metrics_end_row(&t->metrics);
}
