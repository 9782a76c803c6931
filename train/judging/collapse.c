/* Collapse monitors. */
#include "train/judging/collapse.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/log.h"

/* In multiples of the limit: recovered below the first; the second keeps "twice as bad" meaningful. */
static const double RECOVERED = 0.9, LEVEL_MAXIMUM = 1e12;
/* Iterations that may bring nothing before a word is said. */
static const double MAY_BE_IDLE = 2;
/* Of the supervised warm start, after which codes must have become something: at first an untrained model
 * writes anything. */
static const double GROWN_UP = 0.5;

void collapse_begin(struct collapse_monitors *c) {
    *c = (struct collapse_monitors){.best_exact_match = NAN};
}

void collapse_begin_rl_stage(struct collapse_monitors *c, double exact) {
    c->best_exact_match = exact;
    c->level[COLLAPSE_EXACT_MATCH] = 0;
    c->diverged = 0;
}

/* Whether the monitor warns at this level; a NaN says nothing. */
static bool warns(struct collapse_monitors *c, enum collapse_monitor monitor, double level) {
    double *before = &c->level[monitor];
    if (level < RECOVERED)
        *before = 0;
    if (!(level > 1) || fmin(level, LEVEL_MAXIMUM) < 2 * *before)
        return false;
    *before = fmin(level, LEVEL_MAXIMUM);
    c->warned = true;
    return true;
}

/* "rl stage step 7": where a sentence begins. */
struct place {
    char text[64];
};

static struct place place_of(const struct moment *at) {
    struct place place;
    snprintf(place.text, sizeof place.text, "%s step %lld", phase_name(at->phase), (long long)at->step);
    return place;
}

/* The option of a model's learning rate in this phase. */
static const char *rate_of(const struct moment *at, bool compressor) {
    if (at->phase == PHASE_SUPERVISED)
        return compressor ? "supervised.compressor_rate" : "supervised.decompressor_rate";
    return compressor ? "rl.compressor_rate" : "rl.decompressor_rate";
}

static void check_length(struct collapse_monitors *c, const struct moment *at, enum collapse_monitor monitor,
                         double length, struct metrics *m) {
    double limit = at->settings->collapse.length;
    if (!warns(c, monitor, limit / length))
        return;
    metrics_set(m, "collapse_length", 1);
    log_warning("%s: greedy codes of %s have only %.4g tokens per byte (collapse.length is %.4g). %s",
                place_of(at).text, monitor == COLLAPSE_LENGTH ? "training texts" : "held-out texts", length,
                limit,
                at->phase == PHASE_SUPERVISED
                    ? "The compressor has not learned to write: change supervised.compressor_rate, or lower "
                      "demonstration.empty"
                    : "Codes collapse when shortness pays more than exactness: raise reward.exact or "
                      "rl.imitation, or lower rl.compressor_rate");
}

static void check_exact(struct collapse_monitors *c, const struct moment *at, double exact,
                        struct metrics *m) {
    double fall = c->best_exact_match - exact, limit = at->settings->collapse.exact_match;
    if (warns(c, COLLAPSE_EXACT_MATCH, fall / limit)) {
        metrics_set(m, "collapse_exact_match", 1);
        log_warning(
            "%s: the held-out exact-match rate is %.1f%%, %.1f points below its best in the %s "
            "(collapse.exact_match allows %.1f). Usually the models learn too fast%s: lower %s and %s%s",
            place_of(at).text, 100 * exact, 100 * fall, phase_name(at->phase), 100 * limit,
            at->phase == PHASE_SUPERVISED ? "" : " or forget what they were shown", rate_of(at, true),
            rate_of(at, false),
            at->phase == PHASE_SUPERVISED ? "" : ", raise rl.demonstrations or rl.imitation");
    }
    c->best_exact_match = fmax(c->best_exact_match, exact);
}

static void check_q(struct collapse_monitors *c, const struct moment *at, double size, struct metrics *m) {
    double limit = at->settings->collapse.q;
    if (!warns(c, COLLAPSE_Q, size / limit))
        return;
    metrics_set(m, "collapse_q", 1);
    log_warning(
        "%s: a Q or a value has grown to %.4g (collapse.q is %.4g). Usually targets feed on their own "
        "overestimates of actions never tried: raise q.cql, set q.support to group, lower "
        "rl.compressor_rate, value.rate or target.tau",
        place_of(at).text, size, limit);
}

static void check_constant(struct collapse_monitors *c, const struct moment *at, double share,
                           struct metrics *m) {
    double limit = at->settings->collapse.constant;
    if (!warns(c, COLLAPSE_CONSTANT, share / limit))
        return;
    metrics_set(m, "collapse_constant", 1);
    log_warning(
        "%s: %.0f%% of the different held-out texts get one and the same code, whole or cut to their "
        "length (collapse.constant is %.4g): it says nothing of them. The compressor has diverged or has "
        "not learned yet: lower %s, or train longer",
        place_of(at).text, 100 * share, limit, rate_of(at, true));
}

static void check_gradient(struct collapse_monitors *c, const struct moment *at, struct metrics *m) {
    double limit = at->settings->collapse.gradient;
    double compressor = metrics_get(m, "compressor_gradient");
    double decompressor = metrics_get(m, "decompressor_gradient");
    double size = fmax(compressor, decompressor); /* leaves out a NaN */
    c->diverged = size > limit ? c->diverged + 1 : fmax(c->diverged - 1, 0);
    if (c->diverged == 0) /* one small gradient among large ones is no recovery */
        c->level[COLLAPSE_GRADIENT] = 0;
    if (!(size > limit) || !warns(c, COLLAPSE_GRADIENT, size / limit))
        return;
    metrics_set(m, "collapse_gradient", 1);
    log_warning(
        "%s: the %s's gradient has a norm of %.4g before clipping (collapse.gradient is %.4g). Usually "
        "the model diverges: lower %s or raise optimizer.warmup",
        place_of(at).text, size == compressor ? "compressor" : "decompressor", size, limit,
        rate_of(at, size == compressor));
}

/* Whole numbers that metrics hold as others. */
static long long count_of(const struct metrics *m, const char *name) {
    double value = metrics_get(m, name);
    return isfinite(value) ? llround(value) : 0;
}

static void check_filed(struct collapse_monitors *c, const struct moment *at, const struct step_deeds *deeds,
                        struct metrics *m) {
    c->unfiled = deeds->filed ? 0 : c->unfiled + 1;
    c->reasons[0] = '\0';
    if (c->unfiled > 0)
        snprintf(c->reasons, sizeof c->reasons,
                 "of its codes %lld did not end within the length of their text, %lld were too long for the "
                 "replay, %lld were there already",
                 count_of(m, "refused_unended"), count_of(m, "refused_long"),
                 count_of(m, "refused_repeated"));
    if (!warns(c, COLLAPSE_UNFILED, c->unfiled / MAY_BE_IDLE))
        return;
    metrics_set(m, "collapse_idle", 1);
    log_warning(
        "%s: %.0f iterations in a row have filed no code; in this one %s. The compressor does not end "
        "its codes, or hardly: train the warm start longer or with lower rates, or set "
        "behaviour.demonstrations or behaviour.copies above 0",
        place_of(at).text, c->unfiled, c->reasons);
}

static void check_taught(struct collapse_monitors *c, const struct moment *at, const struct step_deeds *deeds,
                         struct metrics *m) {
    bool wanted = at->settings->rl.updates > 0;
    double held = (double)count_of(m, "replay_episodes");
    c->untaught = deeds->taught_compressor || !wanted ? 0 : c->untaught + 1;
    c->idle = deeds->taught_any || !wanted ? 0 : c->idle + 1;
    if (c->untaught > 0 && c->unfiled == 0)
        snprintf(c->reasons, sizeof c->reasons,
                 "the replay holds %.0f episodes, %lld of them exact, and %.40s takes none of them", held,
                 held > 0 ? llround(held * metrics_get(m, "replay_exact_match")) : 0LL,
                 algorithm_names[at->settings->rl.algorithm]);
    if (!warns(c, COLLAPSE_UNTAUGHT, c->untaught / MAY_BE_IDLE))
        return;
    metrics_set(m, "collapse_idle", 1);
    log_warning("%s: %.0f iterations in a row have taught the compressor nothing%s; in this one %s. Without "
                "exact codes, train the warm start longer or set rl.goal to reward",
                place_of(at).text, c->untaught, c->idle == c->untaught ? ", nor the decompressor" : "",
                c->reasons);
}

void collapse_after_step(struct collapse_monitors *c, const struct moment *at, const struct step_deeds *deeds,
                         struct metrics *m) {
    static const char *const values[] = {"q_largest", "q_least", "value"};
    double largest = NAN;
    check_gradient(c, at, m);
    if (at->phase == PHASE_SUPERVISED)
        return;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        largest = fmax(largest, fabs(metrics_get(m, values[i])));
    check_length(c, at, COLLAPSE_LENGTH, metrics_get(m, "tokens_per_byte_greedy"), m);
    check_q(c, at, largest, m);
    check_filed(c, at, deeds, m);
    check_taught(c, at, deeds, m);
}

void collapse_after_evaluation(struct collapse_monitors *c, const struct moment *at,
                               const struct evaluation *e, struct metrics *m) {
    if (at->phase == PHASE_RL || at->progress >= GROWN_UP) {
        check_length(c, at, COLLAPSE_HELD_OUT_LENGTH, e->tokens_per_byte, m);
        check_constant(c, at, e->one_code, m);
    }
    check_exact(c, at, e->exact_match, m);
}

static const char *const no_code = "no code could be filed",
                         *const no_learning = "neither model learned anything",
                         *const no_bounds = "gradients stayed larger than collapse.gradient";

const char *collapse_impatience(const struct collapse_monitors *c, const struct train_settings *s) {
    double patience = (double)s->collapse.patience;
    /* a decompressor that learns by periodic updates may bring what is missing */
    double pause = s->decompressor.mode == DECOMPRESSOR_PERIODIC ? (double)s->decompressor.every : 0;
    if (patience == 0)
        return NULL;
    if (c->unfiled >= patience + pause)
        return no_code;
    if (c->idle >= patience + pause)
        return no_learning;
    return c->diverged >= patience ? no_bounds : NULL;
}

void collapse_forgive(struct collapse_monitors *c) {
    c->unfiled = c->untaught = c->idle = c->diverged = 0;
}

const char *collapse_in_vain(const struct collapse_monitors *c, enum phase phase, int64_t steps) {
    if (steps == 0)
        return NULL;
    if (phase == PHASE_SUPERVISED)
        return 2 * c->diverged > (double)steps ? no_bounds : NULL;
    return c->unfiled >= (double)steps ? no_code : c->idle >= (double)steps ? no_learning : NULL;
}

/* The order of the file; what came later stands behind. */
enum { STORED = COLLAPSE_COUNT + 5, STORED_FIRST = COLLAPSE_CONSTANT + 1 };

static void list_numbers(struct collapse_monitors *c, double **list) {
    double *const counts[] = {&c->unfiled, &c->untaught, &c->idle, &c->diverged};
    int count = 0;
    for (int i = 0; i < COLLAPSE_CONSTANT; i++)
        list[count++] = &c->level[i];
    list[count++] = &c->best_exact_match;
    for (int i = COLLAPSE_CONSTANT; i < COLLAPSE_COUNT; i++)
        list[count++] = &c->level[i];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        list[count++] = counts[i];
}

enum status collapse_write(struct h5_file *file, const char *name, const struct collapse_monitors *c) {
    const struct h5_shape shape = {.rank = 1, .extent = {STORED}};
    struct collapse_monitors copy = *c;
    double stored[STORED], *list[STORED];
    list_numbers(&copy, list);
    for (int i = 0; i < STORED; i++)
        stored[i] = *list[i];
    return h5_write(file, name, H5_F64, &shape, stored);
}

enum status collapse_read(struct h5_file *file, const char *name, struct collapse_monitors *c) {
    struct h5_shape shape;
    double *list[STORED];
    void *stored = NULL;
    if (!h5_has(file, name))
        return STATUS_OK;
    TRY(h5_read_alloc(file, name, H5_F64, &shape, STORED, &stored));
    bool known = shape.rank == 1 && shape.extent[0] >= STORED_FIRST && shape.extent[0] <= STORED;
    list_numbers(c, list);
    for (uint64_t i = 0; known && i < shape.extent[0]; i++)
        *list[i] = ((const double *)stored)[i];
    free(stored);
    return known ? STATUS_OK
                 : fail(STATUS_FORMAT, "%s: the collapse monitors in %s are of another shape", h5_path(file),
                        name);
}
