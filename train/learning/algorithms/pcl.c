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
 * q.path chooses one or both; discount is 1. CQL penalty and imitation as in the other Q methods. */
#include "train/learning/algorithms/q.h"

static double single_step_gradient(struct rl_batch *b, int r) {
    double error = 0;
    for (int t = b->start[r]; t < b->start[r + 1]; t++) {
        float next = t + 1 < b->start[r + 1] ? q_soft(b, &b->target, t + 1) : 0.0f;
        float difference = q_action(b, &b->live, t) - b->reward[t] - next;
        q_gradient(b, t, difference);
        error += (double)(difference * difference);
    }
    return error;
}

/* The error at t counts for every ln pi from t on: their derivatives are the sums of the errors so far. */
static double multi_step_gradient(struct rl_batch *b, int r) {
    float scale = (float)b->settings->q.scale, length = (float)(b->start[r + 1] - b->start[r]);
    float log_pi = 0.0f, gain = 0.0f, before = 0.0f;
    double sum = 0;
    for (int t = b->start[r]; t < b->start[r + 1]; t++) {
        log_pi += rl_batch_log_probability(&b->live, t);
        gain += b->reward[t];
    }
    for (int t = b->start[r]; t < b->start[r + 1]; t++) {
        float error = (q_soft(b, &b->live, t) + scale * log_pi - gain) / length;
        sum += (double)(error * error);
        before += error;
        q_soft_gradient(b, t, error / length);
        rl_batch_imitate(b, t, -scale * before / length);
        log_pi -= rl_batch_log_probability(&b->live, t);
        gain -= b->reward[t];
    }
    return sum;
}

static void loss_gradient(struct rl_batch *b) {
    const enum q_path path = b->settings->q.path;
    double error = 0;
    for (int r = 0; r < b->rows; r++) {
        error += path != PATH_MULTI ? single_step_gradient(b, r) : 0;
        error += path != PATH_SINGLE ? multi_step_gradient(b, r) : 0;
    }
    q_finish(b);
    b->figures.q_error = error / b->tokens;
}

const struct algorithm algorithm_pcl = {
    .name = "pcl", .needs = NEEDS_TARGET | NEEDS_VALUE, .loss_gradient = loss_gradient};
