/* The clipped surrogate of PPO (Schulman et al. 2017, arXiv 1707.06347) on replayed episodes: an
 * importance-weighted policy gradient (REINFORCE: Williams 1992).
 *
 *     rho_t = pi(a_t | s_t) / mu(a_t | s_t),      mu: the behaviour policy that took the action
 *     loss  = -sum over t of min(rho_t A_t, clip(rho_t, 1 - c, 1 + c) A_t) - h H(s_t)
 *
 * rl.baseline group: A = R - mean reward of the text's episodes, for all tokens alike (Shao et al. 2024,
 * arXiv 2402.03300, without the division). rl.baseline value: A_t = return from t - V(s_t), V learned by
 * squared error. Mutations and demonstrations have no mu: they teach by imitation, weight rl.imitation
 * max(A, 0) (self-imitation: Oh et al. 2018, arXiv 1806.05635). */
#include <math.h>
#include "train/learning/algorithms/ratio.h"

struct tally {
    struct ratio_tally ratio;
    double value, error;
};

static void follow(struct rl_batch *b, int t, float advantage, float clip, struct tally *tally) {
    float ratio = ratio_of(b, t);
    bool clipped = advantage > 0 ? ratio > 1 + clip : ratio < 1 - clip;
    if (!clipped)
        rl_batch_imitate(b, t, ratio * advantage);
    b->dentropy[t] -= (float)b->settings->rl.entropy;
    ratio_count(&tally->ratio, ratio, clipped);
}

static void loss_gradient(struct rl_batch *b) {
    const struct train_settings *s = b->settings;
    bool learned = s->rl.baseline == BASELINE_VALUE;
    struct tally tally = {0};
    for (int r = 0; r < b->rows; r++)
        for (int t = b->start[r]; t < b->start[r + 1]; t++) {
            float value = b->live.value[t], gain = rl_batch_return(b, r, t);
            float advantage = learned ? gain - value : b->row[r].reward - b->row[r].baseline;
            if (b->row[r].has_log_probability)
                follow(b, t, advantage, (float)s->rl.clip, &tally);
            else
                rl_batch_imitate(b, t, (float)s->rl.imitation * fmaxf(advantage, 0.0f));
            if (learned)
                b->dvalue[t] = (float)s->value.weight * (value - gain);
            tally.value += (double)value;
            tally.error += (double)((value - gain) * (value - gain));
        }
    ratio_report(&tally.ratio, &b->figures);
    if (learned) {
        b->figures.value = tally.value / b->tokens;
        b->figures.q_error = tally.error / b->tokens;
    }
}

const struct algorithm algorithm_ppo = {.name = "ppo",
                                        .needs = NEEDS_VALUE | NEEDS_FREQUENCY | NEEDS_LOG_PROBABILITY,
                                        .episode_weights = ratio_episode_weights,
                                        .loss_gradient = loss_gradient};
