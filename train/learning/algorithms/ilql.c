/* Implicit Q-learning for language (Snell et al. 2022, arXiv 2206.11871; Kostrikov et al. 2021,
 * arXiv 2110.06169): no maximum over unseen actions at all.
 *
 *     V loss = w |e - [u < 0]| u^2,  u = Q'(s_t, a_t) - V(s_t),  e = q.expectile,  Q': target network
 *     Q loss = 1/2 (Q(s_t, a_t) - r_t - g V(s_t+1))^2 + CQL penalty
 *
 * One Q instead of two, and greedy decoding of Q (which the CQL penalty keeps near the data) instead
 * of the behaviour policy reweighted by e^(beta (Q - V)).
 *
 * With q.dueling Q is V + scale ln pi, never above V: an expectile of that Q would lie below V and pull it
 * down for ever. There V takes the expectile of r_t + g V'(s_t+1) instead, which Q' stands for (codes grow
 * deterministically), and the Q loss moves ln pi alone. */
#include "train/learning/algorithms/q.h"

/* What V takes the expectile of. */
static float worth_of(const struct rl_batch *b, int t, int end) {
    if (!b->settings->q.dueling)
        return q_action(b, &b->target, t);
    float next = t + 1 < end ? b->target.value[t + 1] : 0.0f;
    return b->reward[t] + (float)b->settings->rl.discount * next;
}

static void teach_value(struct rl_batch *b, int t, int end) {
    float u = worth_of(b, t, end) - b->live.value[t], e = (float)b->settings->q.expectile;
    b->dvalue[t] -= (float)b->settings->value.weight * 2.0f * (u < 0.0f ? 1.0f - e : e) * u;
}

static void loss_gradient(struct rl_batch *b) {
    float scale = (float)b->settings->q.scale, discount = (float)b->settings->rl.discount;
    double error = 0, value = 0;
    for (int r = 0; r < b->rows; r++)
        for (int t = b->start[r]; t < b->start[r + 1]; t++) {
            float next = t + 1 < b->start[r + 1] ? b->live.value[t + 1] : 0.0f;
            float difference = q_action(b, &b->live, t) - b->reward[t] - discount * next;
            if (b->settings->q.dueling) /* d Q / d ln pi; V is left alone */
                rl_batch_imitate(b, t, -scale * difference);
            else
                q_gradient(b, t, difference);
            teach_value(b, t, b->start[r + 1]);
            error += (double)(difference * difference);
            value += (double)b->live.value[t];
        }
    q_finish(b);
    b->figures.q_error = error / b->tokens;
    b->figures.value = value / b->tokens; /* the learned one, not the soft value of Q */
}

const struct algorithm algorithm_ilql = {
    .name = "ilql", .needs = NEEDS_TARGET | NEEDS_VALUE, .loss_gradient = loss_gradient};
