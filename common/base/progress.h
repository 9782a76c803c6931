/* One progress display at a time, on stderr.
 *
 * On a terminal: a bar redrawn in place at most ten times a second, with speed and time left. Otherwise: one
 * plain line every `interval` seconds and one at the end. Nothing at all below LOG_INFO.
 */
#ifndef LACONIC_BASE_PROGRESS_H
#define LACONIC_BASE_PROGRESS_H

struct progress {
    const char *label, *unit; /* "train", "token": shown as 12.3k token/s */
    double total;             /* units of progress_update's `done`; 0 = unknown */
    double interval;          /* seconds between lines when stderr is no terminal */
    double started, drawn;    /* seconds on the monotonic clock */
    double start_done;        /* `done` at the start, so that a resumed run shows its true speed */
    double done, amount;      /* as last told, for the last state */
    char detail[96];
    int live;
};

/* total 0: unknown. start_done: what was done before this run. */
void progress_begin(struct progress *progress, const char *label, const char *unit, double total,
                    double start_done, double interval);
/* done: same unit as total; amount: units of `unit` done in this run, for the speed; detail: a short text
 * such as "loss 1.234", may be "". */
void progress_update(struct progress *progress, double done, double amount, const char *detail);
void progress_end(struct progress *progress); /* leaves the last state on screen */

double progress_clock(void); /* seconds, monotonic */

#endif
