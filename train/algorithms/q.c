/* Q over tokens. */
#include "train/algorithms/q.h"
#include <math.h>
#include <string.h>

static float scale_of(const struct lesson *l) {
    return (float)l->settings->q.scale;
}

static float q_of_logit(const struct lesson *l, const struct lesson_reading *r, int t, float logit) {
    if (l->settings->q.dueling)
        return r->value[t] + scale_of(l) * (logit - r->log_sum[t]);
    return scale_of(l) * logit;
}

float q_action(const struct lesson *l, const struct lesson_reading *r, int t) {
    return q_of_logit(l, r, t, r->logit[t]);
}

float q_largest(const struct lesson *l, const struct lesson_reading *r, int t) {
    return q_of_logit(l, r, t, r->largest[t]);
}

float q_soft(const struct lesson *l, const struct lesson_reading *r, int t) {
    return l->settings->q.dueling ? r->value[t] : scale_of(l) * r->log_sum[t];
}

float q_double(const struct lesson *l, int t) {
    return q_of_logit(l, &l->target, t, l->target.elsewhere[t]);
}

float q_in_support(const struct lesson *l, int r, int t) {
    int at = t - l->start[r];
    float largest = q_action(l, &l->target, t);
    for (int other = 0; other < l->rows; other++) {
        int from = l->start[other];
        if (l->row[other].text != l->row[r].text || l->start[other + 1] - from <= at ||
            memcmp(l->actions + from, l->actions + l->start[r], (size_t)at * sizeof *l->actions) != 0)
            continue;
        largest = fmaxf(largest, q_action(l, &l->target, from + at));
    }
    return largest;
}

void q_slope(struct lesson *l, int t, float dq) {
    l->slope.logit[t] += scale_of(l) * dq;
    if (l->settings->q.dueling) {
        l->slope.log_sum[t] -= scale_of(l) * dq;
        l->slope.value[t] += dq;
    }
}

void q_soft_slope(struct lesson *l, int t, float dv) {
    if (l->settings->q.dueling)
        l->slope.value[t] += dv;
    else
        l->slope.log_sum[t] += scale_of(l) * dv;
}

void q_finish(struct lesson *l) {
    double sum = 0, least = INFINITY, largest = -INFINITY, value = 0;
    for (int t = 0; t < l->tokens; t++) {
        double q = (double)q_action(l, &l->live, t);
        lesson_imitate(l, t, (float)l->settings->q.conservative);
        sum += q;
        least = fmin(least, q);
        largest = fmax(largest, (double)q_largest(l, &l->live, t));
        value += (double)q_soft(l, &l->live, t);
    }
    lesson_imitate_best(l);
    l->figures.q = sum / l->tokens;
    l->figures.q_least = least;
    l->figures.q_largest = largest;
    l->figures.value = value / l->tokens;
}
