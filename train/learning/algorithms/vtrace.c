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
#include "train/learning/algorithms/ratio.h"

struct tally {
    struct ratio_tally ratio;
    double value, error;
};

static void trace_row(struct rl_batch *b, int r, struct tally *tally) {
    const struct train_settings *s = b->settings;
    float discount = (float)s->rl.discount, next_v = 0.0f, next_value = 0.0f;
    for (int t = b->start[r + 1] - 1; t >= b->start[r]; t--) {
        float ratio = ratio_of(b, t);
        float rho = fminf((float)s->vtrace.ratio, ratio), c = fminf((float)s->vtrace.trace, ratio);
        float value = b->live.value[t];
        float v = value + rho * (b->reward[t] + discount * next_value - value) +
                  discount * c * (next_v - next_value);
        rl_batch_imitate(b, t, rho * (b->reward[t] + discount * next_v - value));
        b->dvalue[t] = (float)s->value.weight * (value - v);
        b->dentropy[t] = -(float)s->rl.entropy;
        ratio_count(&tally->ratio, ratio, ratio > rho);
        tally->value += (double)value;
        tally->error += (double)((value - v) * (value - v));
        next_v = v;
        next_value = value;
    }
}

static void loss_gradient(struct rl_batch *b) {
    struct tally tally = {0};
    for (int r = 0; r < b->rows; r++) {
        float gain = fmaxf(b->row[r].reward - b->row[r].baseline, 0.0f);
        if (b->row[r].has_log_probability)
            trace_row(b, r, &tally);
        for (int t = b->start[r]; !b->row[r].has_log_probability && t < b->start[r + 1]; t++)
            rl_batch_imitate(b, t, (float)b->settings->rl.imitation * gain);
    }
    ratio_report(&tally.ratio, &b->figures);
    b->figures.value = tally.value / tally.ratio.tokens;
    b->figures.q_error = tally.error / tally.ratio.tokens;
}

const struct algorithm algorithm_vtrace = {.name = "vtrace",
                                           .needs = NEEDS_VALUE | NEEDS_FREQUENCY | NEEDS_LOG_PROBABILITY,
                                           .episode_weights = ratio_episode_weights,
                                           .loss_gradient = loss_gradient};
