/* V-trace actor-critic (Espeholt et al. 2018, arXiv 1802.01561, section 4.1).
 *
 *     rho_t = min(rho, pi / mu),   c_t = min(c, pi / mu)                       (vtrace.ratio, vtrace.trace)
 *     v_t   = V(s_t) + rho_t (r_t + g V(s_t+1) - V(s_t)) + g c_t (v_t+1 - V(s_t+1))
 *     actor  loss = -rho_t (r_t + g v_t+1 - V(s_t)) ln pi(a_t | s_t) - h H(s_t)
 *     critic loss = w 1/2 (V(s_t) - v_t)^2
 *
 * Episodes without behaviour probabilities teach by imitation only, weight rl.imitation max(R - baseline, 0).
 */
#include <math.h>
#include "train/algorithms/ratio.h"

struct tally {
    struct ratio_tally ratio;
    double value, error;
};

static void trace_row(struct lesson *l, int r, struct tally *tally) {
    const struct train_settings *s = l->settings;
    float discount = (float)s->rl.discount, next_v = 0.0f, next_value = 0.0f;
    for (int t = l->start[r + 1] - 1; t >= l->start[r]; t--) {
        float ratio = ratio_of(l, t);
        float rho = fminf((float)s->vtrace.ratio, ratio), c = fminf((float)s->vtrace.trace, ratio);
        float value = l->live.value[t];
        float v = value + rho * (l->reward[t] + discount * next_value - value) +
                  discount * c * (next_v - next_value);
        lesson_imitate(l, t, rho * (l->reward[t] + discount * next_v - value));
        l->slope.value[t] = (float)s->value.weight * (value - v);
        l->slope.entropy[t] = -(float)s->rl.entropy;
        ratio_count(&tally->ratio, ratio, ratio > rho);
        tally->value += (double)value;
        tally->error += (double)((value - v) * (value - v));
        next_v = v;
        next_value = value;
    }
}

static void teach(struct lesson *l) {
    struct tally tally = {0};
    for (int r = 0; r < l->rows; r++) {
        float gain = fmaxf(l->row[r].reward - l->row[r].baseline, 0.0f);
        if (l->row[r].known)
            trace_row(l, r, &tally);
        for (int t = l->start[r]; !l->row[r].known && t < l->start[r + 1]; t++)
            lesson_imitate(l, t, (float)l->settings->rl.imitation * gain);
    }
    ratio_report(&tally.ratio, &l->figures);
    l->figures.value = tally.value / tally.ratio.tokens;
    l->figures.q_error = tally.error / tally.ratio.tokens;
}

const struct algorithm algorithm_vtrace = {
    .name = "vtrace", .needs = NEEDS_VALUE | NEEDS_FREQUENCY, .weigh = ratio_weigh, .teach = teach};
