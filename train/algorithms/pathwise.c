/* Soft Q-learning by path consistency (Guo et al. 2021, arXiv 2106.07704; Nachum et al. 2017,
 * arXiv 1702.08892). With tau = q.scale, pi = softmax(Q / tau), V(s) = tau ln sum e^(Q / tau), the optimum
 * has
 *
 *     V(s_t) = sum over k >= t of (r_k - tau ln pi(a_k | s_k))
 *
 * on every path, seen or not. Squared errors of
 *
 *     single:  Q(s_t, a_t) - r_t - V'(s_t+1)                                       V': target network
 *     multi:   (V(s_t) + tau sum over k >= t of ln pi(a_k | s_k) - sum r_k) / length of the row
 *
 * q.path chooses one or both; discount is 1. Conservative penalty and imitation as in the other Q methods. */
#include "train/algorithms/q.h"

static double teach_single(struct lesson *l, int r) {
    double error = 0;
    for (int t = l->start[r]; t < l->start[r + 1]; t++) {
        float next = t + 1 < l->start[r + 1] ? q_soft(l, &l->target, t + 1) : 0.0f;
        float difference = q_action(l, &l->live, t) - l->reward[t] - next;
        q_slope(l, t, difference);
        error += (double)(difference * difference);
    }
    return error;
}

/* The error at t counts for every ln pi from t on: their slopes are the sums of the errors so far. */
static double teach_multi(struct lesson *l, int r) {
    float scale = (float)l->settings->q.scale, length = (float)(l->start[r + 1] - l->start[r]);
    float log_pi = 0.0f, gain = 0.0f, before = 0.0f;
    double sum = 0;
    for (int t = l->start[r]; t < l->start[r + 1]; t++) {
        log_pi += lesson_log_probability(&l->live, t);
        gain += l->reward[t];
    }
    for (int t = l->start[r]; t < l->start[r + 1]; t++) {
        float error = (q_soft(l, &l->live, t) + scale * log_pi - gain) / length;
        sum += (double)(error * error);
        before += error;
        q_soft_slope(l, t, error / length);
        lesson_imitate(l, t, -scale * before / length);
        log_pi -= lesson_log_probability(&l->live, t);
        gain -= l->reward[t];
    }
    return sum;
}

static void teach(struct lesson *l) {
    const char path = l->settings->q.path[0];
    double error = 0;
    for (int r = 0; r < l->rows; r++) {
        error += path != 'm' ? teach_single(l, r) : 0;
        error += path != 's' ? teach_multi(l, r) : 0;
    }
    q_finish(l);
    l->figures.q_error = error / l->tokens;
}

const struct algorithm algorithm_pathwise = {
    .name = "pathwise", .needs = NEEDS_TARGET | NEEDS_VALUE, .teach = teach};
