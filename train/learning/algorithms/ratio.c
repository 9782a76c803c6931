/* Importance ratios. */
#include "train/learning/algorithms/ratio.h"
#include <math.h>

void ratio_episode_weights(const struct train_settings *s, const struct candidates *c, float *weights) {
    for (int i = 0; i < c->count; i++)
        weights[i] = c->episodes[i]->has_log_probability || (s->rl.imitation > 0 && c->rewards[i] > c->mean)
                         ? 1.0f
                         : 0.0f;
}

float ratio_of(const struct rl_batch *b, int t) {
    return expf(fminf(rl_batch_log_probability(&b->live, t) - b->behaviour[t], 20.0f));
}

void ratio_count(struct ratio_tally *tally, float ratio, bool clipped) {
    tally->ratio += (double)ratio;
    tally->largest = fmax(tally->largest, (double)ratio);
    tally->clipped += clipped;
    tally->tokens++;
}

void ratio_report(const struct ratio_tally *tally, struct rl_batch_figures *figures) {
    figures->ratio = tally->ratio / tally->tokens;
    figures->ratio_largest = tally->tokens ? tally->largest : NAN;
    figures->clipped = (double)tally->clipped / tally->tokens;
}
