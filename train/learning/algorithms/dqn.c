/* Double DQN over tokens (van Hasselt et al. 2016, arXiv 1509.06461) with n-step or terminal targets.
 *
 *     y_t  = r_t + ... + g^(n-1) r_t+n-1 + g^n Q'(s_t+n, a*),      a* = argmax over a of Q(s_t+n, a)
 *     loss = 1/2 (Q(s_t, a_t) - y_t)^2 + CQL penalty + imitation of the best
 *
 * Q' is the target network's. q.steps is n; 0 takes the whole return, without bootstrapping. With q.support
 * group the last term is the largest Q' of the actions that the batch's episodes of the text took after the
 * same prefix (in the spirit of Fujimoto et al. 2019, arXiv 1812.02900). With q.dueling Q' never exceeds
 * V(s), so argmax and target stay on one scale. */
#include "train/learning/algorithms/q.h"

static float target_of(const struct rl_batch *b, int r, int t) {
    const struct train_settings *s = b->settings;
    int end = b->start[r + 1], last = s->q.steps > 0 && t + s->q.steps < end ? t + (int)s->q.steps : end;
    float discount = (float)s->rl.discount, y = 0.0f;
    if (last < end)
        y = s->q.support == SUPPORT_GROUP ? q_in_support(b, r, last) : q_double(b, last);
    for (int k = last - 1; k >= t; k--)
        y = b->reward[k] + discount * y;
    return y;
}

static void loss_gradient(struct rl_batch *b) {
    double error = 0;
    for (int r = 0; r < b->rows; r++)
        for (int t = b->start[r]; t < b->start[r + 1]; t++) {
            float difference = q_action(b, &b->live, t) - target_of(b, r, t);
            q_gradient(b, t, difference);
            error += (double)(difference * difference);
        }
    q_finish(b);
    b->figures.q_error = error / b->tokens;
}

const struct algorithm algorithm_dqn = {
    .name = "dqn", .needs = NEEDS_TARGET | NEEDS_VALUE, .loss_gradient = loss_gradient};
