/* Alarms. */
#include "train/judging/alarm.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/log.h"

/* In multiples of the limit: recovered below the first; the second keeps "twice as bad" meaningful. */
static const double RECOVERED = 0.9, LEVEL_MAXIMUM = 1e12;
/* Iterations that may bring nothing before a word is said. */
static const double MAY_BE_IDLE = 2;
/* Of phase one, after which codes must have become something: at first an untrained model writes anything. */
static const double GROWN_UP = 0.5;

void alarms_begin(struct alarms *a) {
    *a = (struct alarms){.best_exact = NAN};
}

void alarms_begin_phase_two(struct alarms *a, double exact) {
    a->best_exact = exact;
    a->level[ALARM_EXACT] = 0;
    a->diverged = 0;
}

/* Whether the alarm rings at this level; a NaN says nothing. */
static bool rings(struct alarms *a, enum alarm alarm, double level) {
    double *before = &a->level[alarm];
    if (level < RECOVERED)
        *before = 0;
    if (!(level > 1) || fmin(level, LEVEL_MAXIMUM) < 2 * *before)
        return false;
    *before = fmin(level, LEVEL_MAXIMUM);
    a->rang = true;
    return true;
}

/* "expert step 7": where a sentence begins. */
struct place {
    char text[64];
};

static struct place place_of(const struct moment *at) {
    struct place place;
    snprintf(place.text, sizeof place.text, "%.40s step %lld", phase_name(at->settings, at->phase),
             (long long)at->step);
    return place;
}

/* The option of a model's learning rate in this phase. */
static const char *rate_of(const struct moment *at, bool compressor) {
    if (at->phase == PHASE_SUPERVISED)
        return compressor ? "supervised.compressor_rate" : "supervised.decompressor_rate";
    return compressor ? "rl.compressor_rate" : "rl.decompressor_rate";
}

static void check_length(struct alarms *a, const struct moment *at, enum alarm alarm, double length,
                         struct metrics *m) {
    double limit = at->settings->alarm.length;
    if (!rings(a, alarm, limit / length))
        return;
    metrics_set(m, "alarm_length", 1);
    log_warning("%s: greedy codes of %s have only %.4g tokens per byte (alarm.length is %.4g). %s",
                place_of(at).text, alarm == ALARM_LENGTH ? "training texts" : "held-out texts", length, limit,
                at->phase == PHASE_SUPERVISED
                    ? "The compressor has not learned to write: change supervised.compressor_rate, or lower "
                      "demonstration.empty"
                    : "Codes collapse when shortness pays more than exactness: raise reward.exact or "
                      "rl.imitation, or lower rl.compressor_rate");
}

static void check_exact(struct alarms *a, const struct moment *at, double exact, struct metrics *m) {
    double fall = a->best_exact - exact, limit = at->settings->alarm.exact;
    if (rings(a, ALARM_EXACT, fall / limit)) {
        metrics_set(m, "alarm_exact", 1);
        log_warning("%s: the held-out exact share is %.1f%%, %.1f points below its best in phase %s "
                    "(alarm.exact allows %.1f). Usually the models learn too fast%s: lower %s and %s%s",
                    place_of(at).text, 100 * exact, 100 * fall, at->phase == PHASE_SUPERVISED ? "one" : "two",
                    100 * limit, at->phase == PHASE_SUPERVISED ? "" : " or forget what they were shown",
                    rate_of(at, true), rate_of(at, false),
                    at->phase == PHASE_SUPERVISED ? "" : ", raise rl.demonstrations or rl.imitation");
    }
    a->best_exact = fmax(a->best_exact, exact);
}

static void check_q(struct alarms *a, const struct moment *at, double size, struct metrics *m) {
    double limit = at->settings->alarm.q;
    if (!rings(a, ALARM_Q, size / limit))
        return;
    metrics_set(m, "alarm_q", 1);
    log_warning("%s: a Q or a value has grown to %.4g (alarm.q is %.4g). Usually targets feed on their own "
                "overestimates of actions never tried: raise q.conservative, set q.support to group, lower "
                "rl.compressor_rate, value.rate or target.rate",
                place_of(at).text, size, limit);
}

static void check_constant(struct alarms *a, const struct moment *at, double share, struct metrics *m) {
    double limit = at->settings->alarm.constant;
    if (!rings(a, ALARM_CONSTANT, share / limit))
        return;
    metrics_set(m, "alarm_constant", 1);
    log_warning(
        "%s: %.0f%% of the different held-out texts get one and the same code, whole or cut to their "
        "length (alarm.constant is %.4g): it says nothing of them. The compressor has diverged or has "
        "not learned yet: lower %s, or train longer",
        place_of(at).text, 100 * share, limit, rate_of(at, true));
}

static void check_gradient(struct alarms *a, const struct moment *at, struct metrics *m) {
    double limit = at->settings->alarm.gradient;
    double compressor = metrics_get(m, "compressor_gradient");
    double decompressor = metrics_get(m, "decompressor_gradient");
    double size = fmax(compressor, decompressor); /* leaves out a NaN */
    a->diverged = size > limit ? a->diverged + 1 : fmax(a->diverged - 1, 0);
    if (a->diverged == 0) /* one small gradient among large ones is no recovery */
        a->level[ALARM_GRADIENT] = 0;
    if (!(size > limit) || !rings(a, ALARM_GRADIENT, size / limit))
        return;
    metrics_set(m, "alarm_gradient", 1);
    log_warning("%s: the %s's gradient has a norm of %.4g before clipping (alarm.gradient is %.4g). Usually "
                "the model diverges: lower %s or raise optimizer.warmup",
                place_of(at).text, size == compressor ? "compressor" : "decompressor", size, limit,
                rate_of(at, size == compressor));
}

/* Whole numbers that metrics hold as others. */
static long long count_of(const struct metrics *m, const char *name) {
    double value = metrics_get(m, name);
    return isfinite(value) ? llround(value) : 0;
}

static void check_filed(struct alarms *a, const struct moment *at, const struct step_deeds *deeds,
                        struct metrics *m) {
    a->unfiled = deeds->filed ? 0 : a->unfiled + 1;
    a->reasons[0] = '\0';
    if (a->unfiled > 0)
        snprintf(a->reasons, sizeof a->reasons,
                 "of its codes %lld did not end within the length of their text, %lld were too long for the "
                 "replay, %lld were there already",
                 count_of(m, "refused_unended"), count_of(m, "refused_long"),
                 count_of(m, "refused_repeated"));
    if (!rings(a, ALARM_UNFILED, a->unfiled / MAY_BE_IDLE))
        return;
    metrics_set(m, "alarm_idle", 1);
    log_warning(
        "%s: %.0f iterations in a row have filed no code; in this one %s. The compressor does not end "
        "its codes, or hardly: train phase one longer or with lower rates, or set "
        "behaviour.demonstrations or behaviour.copies above 0",
        place_of(at).text, a->unfiled, a->reasons);
}

static void check_taught(struct alarms *a, const struct moment *at, const struct step_deeds *deeds,
                         struct metrics *m) {
    bool wanted = at->settings->rl.updates > 0;
    double held = (double)count_of(m, "replay_episodes");
    a->untaught = deeds->taught_compressor || !wanted ? 0 : a->untaught + 1;
    a->idle = deeds->taught_any || !wanted ? 0 : a->idle + 1;
    if (a->untaught > 0 && a->unfiled == 0)
        snprintf(a->reasons, sizeof a->reasons,
                 "the replay holds %.0f episodes, %lld of them exact, and %.40s takes none of them", held,
                 held > 0 ? llround(held * metrics_get(m, "replay_exact")) : 0LL, at->settings->rl.algorithm);
    if (!rings(a, ALARM_UNTAUGHT, a->untaught / MAY_BE_IDLE))
        return;
    metrics_set(m, "alarm_idle", 1);
    log_warning("%s: %.0f iterations in a row have taught the compressor nothing%s; in this one %s. Without "
                "exact codes, train phase one longer or set rl.goal to reward",
                place_of(at).text, a->untaught, a->idle == a->untaught ? ", nor the decompressor" : "",
                a->reasons);
}

void alarms_after_step(struct alarms *a, const struct moment *at, const struct step_deeds *deeds,
                       struct metrics *m) {
    static const char *const values[] = {"q_largest", "q_least", "value"};
    double largest = NAN;
    check_gradient(a, at, m);
    if (at->phase == PHASE_SUPERVISED)
        return;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        largest = fmax(largest, fabs(metrics_get(m, values[i])));
    check_length(a, at, ALARM_LENGTH, metrics_get(m, "tokens_per_byte_greedy"), m);
    check_q(a, at, largest, m);
    check_filed(a, at, deeds, m);
    check_taught(a, at, deeds, m);
}

void alarms_after_evaluation(struct alarms *a, const struct moment *at, const struct evaluation *e,
                             struct metrics *m) {
    if (at->phase == PHASE_RL || at->progress >= GROWN_UP) {
        check_length(a, at, ALARM_HELD_OUT_LENGTH, e->tokens_per_byte, m);
        check_constant(a, at, e->one_code, m);
    }
    check_exact(a, at, e->exact, m);
}

static const char *const no_code = "no code could be filed",
                         *const no_lesson = "neither model learned anything",
                         *const no_bounds = "gradients stayed larger than alarm.gradient";

const char *alarms_impatience(const struct alarms *a, const struct train_settings *s) {
    double patience = (double)s->alarm.patience;
    /* a decompressor that learns in bursts may bring what is missing */
    double bursts = chooses(s->decompressor.mode, "periodic") ? (double)s->decompressor.every : 0;
    if (patience == 0)
        return NULL;
    if (a->unfiled >= patience + bursts)
        return no_code;
    if (a->idle >= patience + bursts)
        return no_lesson;
    return a->diverged >= patience ? no_bounds : NULL;
}

void alarms_forgive(struct alarms *a) {
    a->unfiled = a->untaught = a->idle = a->diverged = 0;
}

const char *alarms_in_vain(const struct alarms *a, enum phase phase, int64_t steps) {
    if (steps == 0)
        return NULL;
    if (phase == PHASE_SUPERVISED)
        return 2 * a->diverged > (double)steps ? no_bounds : NULL;
    return a->unfiled >= (double)steps ? no_code : a->idle >= (double)steps ? no_lesson : NULL;
}

/* The order of the file; what came later stands behind. */
enum { STORED = ALARM_COUNT + 5, STORED_FIRST = ALARM_CONSTANT + 1 };

static void list_numbers(struct alarms *a, double **list) {
    double *const counts[] = {&a->unfiled, &a->untaught, &a->idle, &a->diverged};
    int count = 0;
    for (int i = 0; i < ALARM_CONSTANT; i++)
        list[count++] = &a->level[i];
    list[count++] = &a->best_exact;
    for (int i = ALARM_CONSTANT; i < ALARM_COUNT; i++)
        list[count++] = &a->level[i];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        list[count++] = counts[i];
}

enum status alarms_write(struct h5_file *file, const char *name, const struct alarms *a) {
    const struct h5_shape shape = {.rank = 1, .extent = {STORED}};
    struct alarms copy = *a;
    double stored[STORED], *list[STORED];
    list_numbers(&copy, list);
    for (int i = 0; i < STORED; i++)
        stored[i] = *list[i];
    return h5_write(file, name, H5_F64, &shape, stored);
}

enum status alarms_read(struct h5_file *file, const char *name, struct alarms *a) {
    struct h5_shape shape;
    double *list[STORED];
    void *stored = NULL;
    if (!h5_has(file, name))
        return STATUS_OK;
    TRY(h5_read_alloc(file, name, H5_F64, &shape, STORED, &stored));
    bool known = shape.rank == 1 && shape.extent[0] >= STORED_FIRST && shape.extent[0] <= STORED;
    list_numbers(a, list);
    for (uint64_t i = 0; known && i < shape.extent[0]; i++)
        *list[i] = ((const double *)stored)[i];
    free(stored);
    return known ? STATUS_OK
                 : fail(STATUS_FORMAT, "%s: the alarms in %s are of another shape", h5_path(file), name);
}
