/* Figures of one update. */
#include "train/learning/rl_report.h"
#include <math.h>

static void add_finite(struct metrics *metrics, void (*fold)(struct metrics *, const char *, double),
                       const char *name, double value) {
    if (isfinite(value))
        fold(metrics, name, value);
}

static void report_figures(const struct rl_batch_figures *f, struct metrics *metrics) {
    add_finite(metrics, metrics_add, "ratio", f->ratio);
    add_finite(metrics, metrics_add_largest, "ratio_largest", f->ratio_largest);
    add_finite(metrics, metrics_add, "ratio_clipped", f->clipped);
    add_finite(metrics, metrics_add, "value", f->value);
    add_finite(metrics, metrics_add, "q", f->q);
    add_finite(metrics, metrics_add_least, "q_least", f->q_least);
    add_finite(metrics, metrics_add_largest, "q_largest", f->q_largest);
    add_finite(metrics, metrics_add, "q_error", f->q_error);
}

/* Over tokens: -ln pi, entropy, and how far the policy is from those that acted. */
double rl_report(const struct rl_batch *b, const struct algorithm *a, struct metrics *metrics) {
    double loss = 0, entropy = 0, behaviour = 0, target = 0;
    int known = 0;
    bool weighted = !a->loss_gradient, has_target = a->needs & NEEDS_TARGET;
    for (int r = 0; r < b->rows; r++)
        for (int t = b->start[r]; t < b->start[r + 1]; t++) {
            double log_pi = (double)rl_batch_log_probability(&b->live, t);
            loss -= (weighted ? (double)b->row[r].weight : 1) * log_pi;
            entropy += (double)b->live.entropy[t];
            if (b->row[r].has_log_probability) {
                behaviour += (double)b->behaviour[t] - log_pi;
                known++;
            }
            if (has_target)
                target += (double)rl_batch_log_probability(&b->target, t) - log_pi;
        }
    add_finite(metrics, metrics_add, "entropy", entropy / b->tokens);
    add_finite(metrics, metrics_add, "log_ratio", behaviour / known);
    if (has_target)
        add_finite(metrics, metrics_add, "target_log_ratio", target / b->tokens);
    report_figures(&b->figures, metrics);
    return loss / b->tokens;
}
