/* Q over tokens. */
#include "train/learning/algorithms/q.h"
#include <math.h>
#include <string.h>

static float scale_of(const struct rl_batch *b) {
    return (float)b->settings->q.scale;
}

static float q_of_logit(const struct rl_batch *b, const struct token_statistics *r, int t, float logit) {
    if (b->settings->q.dueling)
        return r->value[t] + scale_of(b) * (logit - r->log_sum[t]);
    return scale_of(b) * logit;
}

float q_action(const struct rl_batch *b, const struct token_statistics *r, int t) {
    return q_of_logit(b, r, t, r->logit[t]);
}

float q_largest(const struct rl_batch *b, const struct token_statistics *r, int t) {
    return q_of_logit(b, r, t, r->largest[t]);
}

float q_soft(const struct rl_batch *b, const struct token_statistics *r, int t) {
    return b->settings->q.dueling ? r->value[t] : scale_of(b) * r->log_sum[t];
}

float q_double(const struct rl_batch *b, int t) {
    return q_of_logit(b, &b->target, t, b->target.other_logit[t]);
}

float q_in_support(const struct rl_batch *b, int r, int t) {
    int at = t - b->start[r];
    float largest = q_action(b, &b->target, t);
    for (int other = 0; other < b->rows; other++) {
        int from = b->start[other];
        if (b->row[other].text != b->row[r].text || b->start[other + 1] - from <= at ||
            memcmp(b->actions + from, b->actions + b->start[r], (size_t)at * sizeof *b->actions) != 0)
            continue;
        largest = fmaxf(largest, q_action(b, &b->target, from + at));
    }
    return largest;
}

void q_gradient(struct rl_batch *b, int t, float dq) {
    b->dlogit[t] += scale_of(b) * dq;
    if (b->settings->q.dueling) {
        b->dlog_sum[t] -= scale_of(b) * dq;
        b->dvalue[t] += dq;
    }
}

void q_soft_gradient(struct rl_batch *b, int t, float dv) {
    if (b->settings->q.dueling)
        b->dvalue[t] += dv;
    else
        b->dlog_sum[t] += scale_of(b) * dv;
}

void q_finish(struct rl_batch *b) {
    double sum = 0, least = INFINITY, largest = -INFINITY, value = 0;
    for (int t = 0; t < b->tokens; t++) {
        double q = (double)q_action(b, &b->live, t);
        rl_batch_imitate(b, t, (float)b->settings->q.cql);
        sum += q;
        least = fmin(least, q);
        largest = fmax(largest, (double)q_largest(b, &b->live, t));
        value += (double)q_soft(b, &b->live, t);
    }
    rl_batch_imitate_best(b);
    b->figures.q = sum / b->tokens;
    b->figures.q_least = least;
    b->figures.q_largest = largest;
    b->figures.value = value / b->tokens;
}
