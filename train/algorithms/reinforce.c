/* Clipped, importance-weighted policy gradient (the surrogate of Schulman et al. 2017, arXiv 1707.06347, on
 * replayed episodes; REINFORCE: Williams 1992).
 *
 *     rho_t = pi(a_t | s_t) / mu(a_t | s_t),      mu: the behaviour policy that took the action
 *     loss  = -sum over t of min(rho_t A_t, clip(rho_t, 1 - c, 1 + c) A_t) - h H(s_t)
 *
 * rl.baseline group: A = R - mean reward of the text's episodes, for all tokens alike (Shao et al. 2024,
 * arXiv 2402.03300, without the division). rl.baseline value: A_t = return from t - V(s_t), V learned by
 * squared error. Mutations and demonstrations have no mu: they teach by imitation, weight rl.imitation
 * max(A, 0) (self-imitation: Oh et al. 2018, arXiv 1806.05635). */
#include <math.h>
#include "train/algorithms/ratio.h"

struct tally {
    struct ratio_tally ratio;
    double value, error;
};

static void follow(struct lesson *l, int t, float advantage, float clip, struct tally *tally) {
    float ratio = ratio_of(l, t);
    bool clipped = advantage > 0 ? ratio > 1 + clip : ratio < 1 - clip;
    if (!clipped)
        lesson_imitate(l, t, ratio * advantage);
    l->slope.entropy[t] -= (float)l->settings->rl.entropy;
    ratio_count(&tally->ratio, ratio, clipped);
}

static void teach(struct lesson *l) {
    const struct train_settings *s = l->settings;
    bool learned = chooses(s->rl.baseline, "value");
    struct tally tally = {0};
    for (int r = 0; r < l->rows; r++)
        for (int t = l->start[r]; t < l->start[r + 1]; t++) {
            float value = l->live.value[t], gain = lesson_return(l, r, t);
            float advantage = learned ? gain - value : l->row[r].reward - l->row[r].baseline;
            if (l->row[r].known)
                follow(l, t, advantage, (float)s->rl.clip, &tally);
            else
                lesson_imitate(l, t, (float)s->rl.imitation * fmaxf(advantage, 0.0f));
            if (learned)
                l->slope.value[t] = (float)s->value.weight * (value - gain);
            tally.value += (double)value;
            tally.error += (double)((value - gain) * (value - gain));
        }
    ratio_report(&tally.ratio, &l->figures);
    if (learned) {
        l->figures.value = tally.value / l->tokens;
        l->figures.q_error = tally.error / l->tokens;
    }
}

const struct algorithm algorithm_reinforce = {
    .name = "reinforce", .needs = NEEDS_VALUE | NEEDS_FREQUENCY, .weigh = ratio_weigh, .teach = teach};
