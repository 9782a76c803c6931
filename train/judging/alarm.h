/* Alarms: signs that the codes, the reconstructions, the values or the gradients are collapsing, or that
 * nothing comes in and nothing is learned, told in words.
 *
 * An alarm rings when its figure passes the limit of its option. It rings again only when the figure has come
 * back well within the limit before, or has become twice as bad as it was then. What goes on for
 * alarm.patience steps ends the run.
 */
#ifndef LACONIC_TRAIN_JUDGING_ALARM_H
#define LACONIC_TRAIN_JUDGING_ALARM_H

#include "train/judging/evaluation.h"
#include "train/metrics.h"
#include "train/phase.h"

enum alarm {
    ALARM_LENGTH,          /* greedy codes of the iteration's texts are shorter than alarm.length */
    ALARM_HELD_OUT_LENGTH, /* the same of the held-out texts */
    ALARM_EXACT,           /* the held-out exact share fell by more than alarm.exact */
    ALARM_Q,               /* a Q or a value is larger than alarm.q */
    ALARM_CONSTANT,        /* more held-out texts than alarm.constant get one and the same code */
    ALARM_GRADIENT,        /* a gradient is larger than alarm.gradient */
    ALARM_UNFILED,         /* iterations that file no code */
    ALARM_UNTAUGHT,        /* iterations that teach the compressor nothing */
    ALARM_COUNT,
};

enum { ALARM_REASONS_CAPACITY = 320 };

/* A checkpoint keeps the plain numbers, all but `rang`. */
struct alarms {
    double level[ALARM_COUNT]; /* times the limit when it last rang; 0: quiet */
    double best_exact;         /* held out, in this phase; NaN: no evaluation yet */
    double unfiled, untaught;  /* iterations in a row, up to now, of ALARM_UNFILED and ALARM_UNTAUGHT */
    double idle;               /* the same in which the decompressor did not learn either */
    double diverged;           /* steps beyond alarm.gradient, less those within; never below 0 */
    bool rang;                 /* one or more, since the program began */
    char reasons[ALARM_REASONS_CAPACITY]; /* why the last iteration filed or taught nothing */
};

void alarms_begin(struct alarms *alarms);
/* Phase two falls from what phase one reached. */
void alarms_begin_phase_two(struct alarms *alarms, double exact);

/* When something is judged. */
struct moment {
    const struct train_settings *settings;
    enum phase phase;
    int64_t step;    /* of the phase */
    double progress; /* of the phase, 0 .. 1 */
};

/* What a step did, beside the figures in its row of metrics. */
struct step_deeds {
    int64_t filed;                      /* phase two: codes */
    bool taught_compressor, taught_any; /* a model made an update */
};

/* After a step, and after an evaluation. What rings is a warning in the log and a 1 in a column of the
 * current row of metrics (alarm_length, alarm_exact, alarm_q, alarm_constant, alarm_gradient, alarm_idle),
 * from which the step's figures are read. */
void alarms_after_step(struct alarms *alarms, const struct moment *moment, const struct step_deeds *deeds,
                       struct metrics *metrics);
void alarms_after_evaluation(struct alarms *alarms, const struct moment *moment,
                             const struct evaluation *evaluation, struct metrics *metrics);

/* Why the run is not worth going on with, in words; NULL: it is. alarms_forgive() lets it go on for
 * alarm.patience steps more. */
const char *alarms_impatience(const struct alarms *alarms, const struct train_settings *settings);
void alarms_forgive(struct alarms *alarms);
/* The same at the end of a phase, however short it was: all of its `steps` brought nothing, or most of them
 * had gradients without bounds. */
const char *alarms_in_vain(const struct alarms *alarms, enum phase phase, int64_t steps);

/* As the array NAME; a file without it, or with fewer alarms (of an earlier version), leaves the others as
 * they are. */
enum status alarms_write(struct h5_file *file, const char *name, const struct alarms *alarms);
enum status alarms_read(struct h5_file *file, const char *name, struct alarms *alarms);

#endif
