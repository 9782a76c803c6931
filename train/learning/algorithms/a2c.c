/* On-policy advantage actor-critic with Monte-Carlo returns, as the paper's public predecessor ran it
 * (github.com/khoda81/dethcod), for comparison: only the newest iteration's own samples, drawn at
 * behaviour.temperature 1, no importance ratios.
 *
 *     G_t = return from t,      actor loss = -(G_t - V(s_t)) ln pi(a_t | s_t) - h H(s_t)
 *     critic loss = w 1/2 (V(s_t) - G_t)^2 */
#include "train/learning/algorithm.h"

static void loss_gradient(struct rl_batch *b) {
    double value_sum = 0, error = 0;
    for (int r = 0; r < b->rows; r++)
        for (int t = b->start[r]; t < b->start[r + 1]; t++) {
            float value = b->live.value[t], gain = rl_batch_return(b, r, t);
            rl_batch_imitate(b, t, gain - value);
            b->dentropy[t] = -(float)b->settings->rl.entropy;
            b->dvalue[t] = (float)b->settings->value.weight * (value - gain);
            value_sum += (double)value;
            error += (double)((value - gain) * (value - gain));
        }
    b->figures.value = value_sum / b->tokens;
    b->figures.q_error = error / b->tokens;
}

const struct algorithm algorithm_a2c = {.name = "a2c",
                                        .needs = NEEDS_VALUE | NEEDS_NEWEST | NEEDS_SAMPLES | NEEDS_FREQUENCY,
                                        .loss_gradient = loss_gradient};
