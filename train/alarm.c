/* Alarms of phase two. */
#include "train/alarm.h"
#include <math.h>
#include <string.h>
#include "base/log.h"

/* In multiples of the limit: recovered below the first; the second keeps "twice as bad" meaningful. */
static const double RECOVERED = 0.9, LEVEL_MAXIMUM = 1e12;

void alarms_begin(struct alarms *a) {
    *a = (struct alarms){.best_exact = NAN};
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

static void check_length(struct alarms *a, enum alarm alarm, double limit, int64_t step, double length,
                         struct metrics *m) {
    if (!rings(a, alarm, limit / length))
        return;
    metrics_set(m, "alarm_length", 1);
    log_warning("reinforce step %lld: greedy codes of %s have only %.4g tokens per byte (alarm.length is "
                "%.4g). Codes collapse when shortness pays more than exactness: raise reward.exact or "
                "rl.imitation, or lower rl.compressor_rate",
                (long long)step, alarm == ALARM_LENGTH ? "training texts" : "held-out texts", length, limit);
}

static void check_exact(struct alarms *a, double limit, int64_t step, double exact, struct metrics *m) {
    double fall = a->best_exact - exact;
    if (rings(a, ALARM_EXACT, fall / limit)) {
        metrics_set(m, "alarm_exact", 1);
        log_warning("reinforce step %lld: the held-out exact share is %.1f%%, %.1f points below its best in "
                    "phase two (alarm.exact allows %.1f). Usually the models learn too fast or forget what "
                    "they were shown: lower rl.compressor_rate and rl.decompressor_rate, raise "
                    "rl.demonstrations or rl.imitation",
                    (long long)step, 100 * exact, 100 * fall, 100 * limit);
    }
    a->best_exact = fmax(a->best_exact, exact);
}

static void check_q(struct alarms *a, double limit, int64_t step, double size, struct metrics *m) {
    if (!rings(a, ALARM_Q, size / limit))
        return;
    metrics_set(m, "alarm_q", 1);
    log_warning("reinforce step %lld: a Q or a value has grown to %.4g (alarm.q is %.4g). Usually targets "
                "feed on their own overestimates of actions never tried: raise q.conservative, set q.support "
                "to group, lower rl.compressor_rate, value.rate or target.rate",
                (long long)step, size, limit);
}

void alarms_after_step(struct alarms *a, const struct train_settings *s, int64_t step, struct metrics *m) {
    static const char *const values[] = {"q_largest", "q_least", "value"};
    double largest = NAN;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        largest = fmax(largest, fabs(metrics_get(m, values[i])));
    check_length(a, ALARM_LENGTH, s->alarm.length, step, metrics_get(m, "tokens_per_byte_greedy"), m);
    check_q(a, s->alarm.q, step, largest, m);
}

void alarms_after_evaluation(struct alarms *a, const struct train_settings *s, int64_t step,
                             const struct evaluation *e, struct metrics *m) {
    check_length(a, ALARM_HELD_OUT_LENGTH, s->alarm.length, step, e->tokens_per_byte, m);
    check_exact(a, s->alarm.exact, step, e->exact, m);
}

enum { STORED = ALARM_COUNT + 1 };
static const struct h5_shape stored_shape = {.rank = 1, .extent = {STORED}};

enum status alarms_write(struct h5_file *file, const char *name, const struct alarms *a) {
    double stored[STORED];
    memcpy(stored, a->level, sizeof a->level);
    stored[ALARM_COUNT] = a->best_exact;
    return h5_write(file, name, H5_F64, &stored_shape, stored);
}

enum status alarms_read(struct h5_file *file, const char *name, struct alarms *a) {
    double stored[STORED];
    if (!h5_has(file, name))
        return STATUS_OK;
    TRY(h5_read(file, name, H5_F64, &stored_shape, stored));
    memcpy(a->level, stored, sizeof a->level);
    a->best_exact = stored[ALARM_COUNT];
    return STATUS_OK;
}
