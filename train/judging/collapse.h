/* Collapse monitors: signs that the codes, the reconstructions, the values or the gradients are collapsing,
 * or that nothing comes in and nothing is learned, told in words.
 *
 * A monitor warns when its figure passes the limit of its option. It warns again only when the figure has
 * come back well within the limit before, or has become twice as bad as it was then. What goes on for
 * collapse.patience steps ends the run.
 */
#ifndef LACONIC_TRAIN_JUDGING_COLLAPSE_H
#define LACONIC_TRAIN_JUDGING_COLLAPSE_H

#include "train/judging/evaluation.h"
#include "train/metrics.h"
#include "train/phase.h"

enum collapse_monitor {
    COLLAPSE_LENGTH,          /* greedy codes of the iteration's texts are shorter than collapse.length */
    COLLAPSE_HELD_OUT_LENGTH, /* the same of the held-out texts */
    COLLAPSE_EXACT_MATCH,     /* the held-out exact-match rate fell by more than collapse.exact_match */
    COLLAPSE_Q,               /* a Q or a value is larger than collapse.q */
    COLLAPSE_CONSTANT,        /* more held-out texts than collapse.constant get one and the same code */
    COLLAPSE_GRADIENT,        /* a gradient is larger than collapse.gradient */
    COLLAPSE_UNFILED,         /* iterations that file no code */
    COLLAPSE_UNTAUGHT,        /* iterations that teach the compressor nothing */
    COLLAPSE_COUNT,
};

enum { COLLAPSE_REASONS_CAPACITY = 320 };

/* A checkpoint keeps the plain numbers, all but `warned`. */
struct collapse_monitors {
    double level[COLLAPSE_COUNT]; /* times the limit when it last warned; 0: quiet */
    double best_exact_match;      /* held out, in this phase; NaN: no evaluation yet */
    double unfiled, untaught; /* iterations in a row, up to now, of COLLAPSE_UNFILED and COLLAPSE_UNTAUGHT */
    double idle;              /* the same in which the decompressor did not learn either */
    double diverged;          /* steps beyond collapse.gradient, less those within; never below 0 */
    bool warned;              /* one or more, since the program began */
    char reasons[COLLAPSE_REASONS_CAPACITY]; /* why the last iteration filed or taught nothing */
};

void collapse_begin(struct collapse_monitors *monitors);
/* The rl stage falls from what the supervised warm start reached. */
void collapse_begin_rl_stage(struct collapse_monitors *monitors, double exact);

/* When something is judged. */
struct moment {
    const struct train_settings *settings;
    enum phase phase;
    int64_t step;    /* of the phase */
    double progress; /* of the phase, 0 .. 1 */
};

/* What a step did, beside the figures in its row of metrics. */
struct step_deeds {
    int64_t filed;                      /* the rl stage: codes */
    bool taught_compressor, taught_any; /* a model made an update */
};

/* After a step, and after an evaluation. What warns does so in the log, and is a 1 in a column of the
 * current row of metrics (collapse_length, collapse_exact_match, collapse_q, collapse_constant,
 * collapse_gradient, collapse_idle), from which the step's figures are read. */
void collapse_after_step(struct collapse_monitors *monitors, const struct moment *moment,
                         const struct step_deeds *deeds, struct metrics *metrics);
void collapse_after_evaluation(struct collapse_monitors *monitors, const struct moment *moment,
                               const struct evaluation *evaluation, struct metrics *metrics);

/* Why the run is not worth going on with, in words; NULL: it is. collapse_forgive() lets it go on for
 * collapse.patience steps more. */
const char *collapse_impatience(const struct collapse_monitors *monitors,
                                const struct train_settings *settings);
void collapse_forgive(struct collapse_monitors *monitors);
/* The same at the end of a phase, however short it was: all of its `steps` brought nothing, or most of them
 * had gradients without bounds. */
const char *collapse_in_vain(const struct collapse_monitors *monitors, enum phase phase, int64_t steps);

/* As the array NAME; a file without it, or with fewer monitors (of an earlier version), leaves the others as
 * they are. */
enum status collapse_write(struct h5_file *file, const char *name, const struct collapse_monitors *monitors);
enum status collapse_read(struct h5_file *file, const char *name, struct collapse_monitors *monitors);

#endif
