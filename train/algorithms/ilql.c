/* Implicit Q-learning for language (Snell et al. 2022, arXiv 2206.11871; Kostrikov et al. 2021,
 * arXiv 2110.06169): no maximum over unseen actions at all.
 *
 *     V loss = w |e - [u < 0]| u^2,  u = Q'(s_t, a_t) - V(s_t),  e = q.expectile,  Q': target network
 *     Q loss = 1/2 (Q(s_t, a_t) - r_t - g V(s_t+1))^2 + conservative penalty
 *
 * One Q instead of two, and greedy decoding of Q (which the conservative penalty keeps near the data) instead
 * of the behaviour policy reweighted by e^(beta (Q - V)).
 *
 * With q.dueling Q is V + scale ln pi, never above V: an expectile of that Q would lie below V and pull it
 * down for ever. There V takes the expectile of r_t + g V'(s_t+1) instead, which Q' stands for (codes grow
 * deterministically), and the Q loss moves ln pi alone. */
#include "train/algorithms/q.h"

/* What V takes the expectile of. */
static float worth_of(const struct lesson *l, int t, int end) {
    if (!l->settings->q.dueling)
        return q_action(l, &l->target, t);
    float next = t + 1 < end ? l->target.value[t + 1] : 0.0f;
    return l->reward[t] + (float)l->settings->rl.discount * next;
}

static void teach_value(struct lesson *l, int t, int end) {
    float u = worth_of(l, t, end) - l->live.value[t], e = (float)l->settings->q.expectile;
    l->slope.value[t] -= (float)l->settings->value.weight * 2.0f * (u < 0.0f ? 1.0f - e : e) * u;
}

static void teach(struct lesson *l) {
    float scale = (float)l->settings->q.scale, discount = (float)l->settings->rl.discount;
    double error = 0, value = 0;
    for (int r = 0; r < l->rows; r++)
        for (int t = l->start[r]; t < l->start[r + 1]; t++) {
            float next = t + 1 < l->start[r + 1] ? l->live.value[t + 1] : 0.0f;
            float difference = q_action(l, &l->live, t) - l->reward[t] - discount * next;
            if (l->settings->q.dueling) /* d Q / d ln pi; V is left alone */
                lesson_imitate(l, t, -scale * difference);
            else
                q_slope(l, t, difference);
            teach_value(l, t, l->start[r + 1]);
            error += (double)(difference * difference);
            value += (double)l->live.value[t];
        }
    q_finish(l);
    l->figures.q_error = error / l->tokens;
    l->figures.value = value / l->tokens; /* the learned one, not the soft value of Q */
}

const struct algorithm algorithm_ilql = {.name = "ilql", .needs = NEEDS_TARGET | NEEDS_VALUE, .teach = teach};
