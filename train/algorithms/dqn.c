/* Double DQN over tokens (van Hasselt et al. 2016, arXiv 1509.06461) with n-step or terminal targets.
 *
 *     y_t  = r_t + ... + g^(n-1) r_t+n-1 + g^n Q'(s_t+n, a*),      a* = argmax over a of Q(s_t+n, a)
 *     loss = 1/2 (Q(s_t, a_t) - y_t)^2 + conservative penalty + imitation of the best
 *
 * Q' is the target network's. q.steps is n; 0 takes the whole return, without bootstrapping. With q.support
 * group the last term is the largest Q' of the actions that the batch's episodes of the text took after the
 * same prefix (in the spirit of Fujimoto et al. 2019, arXiv 1812.02900). With q.dueling Q' never exceeds
 * V(s), so argmax and target stay on one scale. */
#include "train/algorithms/q.h"

static float target_of(const struct lesson *l, int r, int t) {
    const struct train_settings *s = l->settings;
    int end = l->start[r + 1], last = s->q.steps > 0 && t + s->q.steps < end ? t + (int)s->q.steps : end;
    float discount = (float)s->rl.discount, y = 0.0f;
    if (last < end)
        y = chooses(s->q.support, "group") ? q_in_support(l, r, last) : q_double(l, last);
    for (int k = last - 1; k >= t; k--)
        y = l->reward[k] + discount * y;
    return y;
}

static void teach(struct lesson *l) {
    double error = 0;
    for (int r = 0; r < l->rows; r++)
        for (int t = l->start[r]; t < l->start[r + 1]; t++) {
            float difference = q_action(l, &l->live, t) - target_of(l, r, t);
            q_slope(l, t, difference);
            error += (double)(difference * difference);
        }
    q_finish(l);
    l->figures.q_error = error / l->tokens;
}

const struct algorithm algorithm_dqn = {.name = "dqn", .needs = NEEDS_TARGET | NEEDS_VALUE, .teach = teach};
