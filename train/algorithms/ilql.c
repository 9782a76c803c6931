/* Implicit Q-learning for language (Snell et al. 2022, arXiv 2206.11871; Kostrikov et al. 2021,
 * arXiv 2110.06169): no maximum over unseen actions at all.
 *
 *     V loss = |e - [u < 0]| u^2,  u = Q'(s_t, a_t) - V(s_t),  e = q.expectile,  Q': target network
 *     Q loss = 1/2 (Q(s_t, a_t) - r_t - g V(s_t+1))^2 + conservative penalty
 *
 * One Q instead of two, and greedy decoding of Q (which the conservative penalty keeps near the data) instead
 * of the behaviour policy reweighted by e^(beta (Q - V)). With q.dueling the advantage scale ln pi is what Q
 * adds to V, and V learns from the expectile only. */
#include "train/algorithms/q.h"

static float value_error(struct lesson *l, int t) {
    float u = q_action(l, &l->target, t) - l->live.value[t], e = (float)l->settings->q.expectile;
    l->slope.value[t] -= (float)l->settings->value.weight * 2.0f * (u < 0.0f ? 1.0f - e : e) * u;
    return u;
}

static void teach(struct lesson *l) {
    float scale = (float)l->settings->q.scale, discount = (float)l->settings->rl.discount;
    double error = 0;
    for (int r = 0; r < l->rows; r++)
        for (int t = l->start[r]; t < l->start[r + 1]; t++) {
            float next = t + 1 < l->start[r + 1] ? l->live.value[t + 1] : 0.0f;
            float difference = q_action(l, &l->live, t) - l->reward[t] - discount * next;
            if (l->settings->q.dueling) /* d Q / d ln pi; V is left alone */
                lesson_imitate(l, t, -scale * difference);
            else
                q_slope(l, t, difference);
            value_error(l, t);
            error += (double)(difference * difference);
        }
    q_finish(l);
    l->figures.q_error = error / l->tokens;
}

const struct algorithm algorithm_ilql = {.name = "ilql",
                                         .summary = "implicit Q-learning with a conservative penalty",
                                         .needs = NEEDS_TARGET | NEEDS_VALUE,
                                         .teach = teach};
