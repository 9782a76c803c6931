/* Alarms of phase two: signs that the codes, the reconstructions or the values are collapsing, told in words.
 *
 * An alarm rings when its figure passes the limit of its option. It rings again only when the figure has come
 * back well within the limit before, or has become twice as bad as it was then.
 */
#ifndef LACONIC_TRAIN_ALARM_H
#define LACONIC_TRAIN_ALARM_H

#include "train/evaluation.h"
#include "train/metrics.h"

enum alarm {
    ALARM_LENGTH,          /* greedy codes of the iteration's texts are shorter than alarm.length */
    ALARM_HELD_OUT_LENGTH, /* the same of the held-out texts */
    ALARM_EXACT,           /* the held-out exact share fell by more than alarm.exact */
    ALARM_Q,               /* a Q or a value is larger than alarm.q */
    ALARM_COUNT,
};

/* Plain numbers: a checkpoint keeps all but `rang`. */
struct alarms {
    double level[ALARM_COUNT]; /* times the limit when it last rang; 0: quiet */
    double best_exact;         /* held out, in phase two; NaN: no evaluation yet */
    bool rang;                 /* one or more, since the program began */
};

void alarms_begin(struct alarms *alarms);

/* After an iteration, and after an evaluation of phase two. What rings is a warning in the log and a 1 in the
 * column alarm_length, alarm_exact or alarm_q of the current row of metrics, from which the iteration's
 * figures are read. */
void alarms_after_step(struct alarms *alarms, const struct train_settings *settings, int64_t step,
                       struct metrics *metrics);
void alarms_after_evaluation(struct alarms *alarms, const struct train_settings *settings, int64_t step,
                             const struct evaluation *evaluation, struct metrics *metrics);

/* As the array NAME; a file without it (of an earlier version) leaves the alarms as they are. */
enum status alarms_write(struct h5_file *file, const char *name, const struct alarms *alarms);
enum status alarms_read(struct h5_file *file, const char *name, struct alarms *alarms);

#endif
