/* On-policy advantage actor-critic with Monte-Carlo returns, as the paper's public predecessor ran it
 * (github.com/khoda81/dethcod), for comparison: only the newest iteration's own samples, drawn at
 * behaviour.temperature 1, no importance ratios.
 *
 *     G_t = return from t,      actor loss = -(G_t - V(s_t)) ln pi(a_t | s_t) - h H(s_t)
 *     critic loss = w 1/2 (V(s_t) - G_t)^2 */
#include "train/algorithm.h"

static void teach(struct lesson *l) {
    double value_sum = 0, error = 0;
    for (int r = 0; r < l->rows; r++)
        for (int t = l->start[r]; t < l->start[r + 1]; t++) {
            float value = l->live.value[t], gain = lesson_return(l, r, t);
            lesson_imitate(l, t, gain - value);
            l->slope.entropy[t] = -(float)l->settings->rl.entropy;
            l->slope.value[t] = (float)l->settings->value.weight * (value - gain);
            value_sum += (double)value;
            error += (double)((value - gain) * (value - gain));
        }
    l->figures.value = value_sum / l->tokens;
    l->figures.q_error = error / l->tokens;
}

const struct algorithm algorithm_actor_critic = {.name = "actor-critic",
                                                 .needs = NEEDS_VALUE | NEEDS_NEWEST | NEEDS_SAMPLES |
                                                          NEEDS_FREQUENCY,
                                                 .teach = teach};
