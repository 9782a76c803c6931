/* Statistics of a policy, and its gradient. */
#include "kernels/policy.h"
#include <math.h>
#include <string.h>
#include "base/threads.h"
#include "kernels/lane_ops.h"
#include "kernels/sample.h"

enum { GRAIN = 8, PIECE = 512 }; /* tokens per task; ids whose exponentials are held at once */

/* sum of e^(x - largest), and of x e^(x - largest) unless `weighted` is NULL. */
static float exp_sums(const float *row, size_t vocabulary, float largest, float *weighted) {
    float terms[PIECE], sum = 0.0f;
    if (weighted)
        *weighted = 0.0f;
    for (size_t first = 0; first < vocabulary; first += PIECE) {
        size_t n = vocabulary - first < PIECE ? vocabulary - first : PIECE;
        sum += lane_ops->exp_sum(row + first, terms, largest, n);
        if (weighted)
            *weighted += lane_ops->dot(terms, row + first, n);
    }
    return sum;
}

struct read {
    const float *logits;
    const int32_t *actions, *others;
    size_t vocabulary;
    const struct policy_statistics *to;
};

static void read_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    const struct read *r = context;
    const struct policy_statistics *to = r->to;
    for (size_t t = begin; t < end; t++) {
        const float *row = r->logits + t * r->vocabulary;
        float largest = lane_ops->max(row, r->vocabulary), weighted = 0.0f;
        float sum = exp_sums(row, r->vocabulary, largest, to->entropy ? &weighted : NULL);
        float log_sum = largest + logf(sum);
        if (to->logit)
            to->logit[t] = row[r->actions[t]];
        if (to->log_sum)
            to->log_sum[t] = log_sum;
        if (to->largest)
            to->largest[t] = largest;
        if (to->argmax)
            to->argmax[t] = sample_first(row, (int)r->vocabulary, largest);
        if (to->entropy)
            to->entropy[t] = fmaxf(0.0f, log_sum - weighted / sum);
        if (to->other_logit && r->others)
            to->other_logit[t] = row[r->others[t]];
    }
}

void policy_measure(const float *logits, const int32_t *actions, const int32_t *others, int tokens,
                    int vocabulary, const struct policy_statistics *statistics) {
    struct read r = {logits, actions, others, (size_t)vocabulary, statistics};
    threads_for((size_t)tokens, GRAIN, read_task, &r);
}

struct descent {
    float *logits;
    const int32_t *actions;
    size_t vocabulary;
    const struct policy_gradients *gradients;
};

/* row = dlog_sum p + dentropy dH/d(row), without the action's own share. */
static void distribution_gradient(float *row, size_t vocabulary, float dlog_sum, float dentropy) {
    float largest = lane_ops->max(row, vocabulary);
    if (dentropy == 0.0f) {
        float sum = lane_ops->exp_sum(row, row, largest, vocabulary);
        lane_ops->scale(row, dlog_sum / sum, vocabulary);
        return;
    }
    float weighted, sum = exp_sums(row, vocabulary, largest, &weighted), log_sum = largest + logf(sum);
    float entropy = log_sum - weighted / sum;
    for (size_t i = 0; i < vocabulary; i++) {
        float log_p = row[i] - log_sum;
        row[i] = expf(log_p) * (dlog_sum - dentropy * (log_p + entropy));
    }
}

static void descent_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    const struct descent *d = context;
    for (size_t t = begin; t < end; t++) {
        float *row = d->logits + t * d->vocabulary;
        float dlog_sum = d->gradients->dlog_sum[t],
              dentropy = d->gradients->dentropy ? d->gradients->dentropy[t] : 0.0f;
        if (dlog_sum == 0.0f && dentropy == 0.0f)
            memset(row, 0, d->vocabulary * sizeof *row);
        else
            distribution_gradient(row, d->vocabulary, dlog_sum, dentropy);
        row[d->actions[t]] += d->gradients->dlogit[t];
    }
}

void policy_gradient(float *logits, const int32_t *actions, int tokens, int vocabulary,
                     const struct policy_gradients *gradients) {
    struct descent d = {logits, actions, (size_t)vocabulary, gradients};
    threads_for((size_t)tokens, GRAIN, descent_task, &d);
}

double policy_divergence(const float *p_logits, const float *q_logits, int vocabulary) {
    size_t n = (size_t)vocabulary;
    float p_largest = lane_ops->max(p_logits, n), q_largest = lane_ops->max(q_logits, n);
    float p_log = p_largest + logf(lane_ops->exp_sum(p_logits, NULL, p_largest, n));
    float q_log = q_largest + logf(lane_ops->exp_sum(q_logits, NULL, q_largest, n));
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double p = (double)(p_logits[i] - p_log), q = (double)(q_logits[i] - q_log);
        sum += exp(p) * (p - q);
    }
    return sum > 0 ? sum : 0;
}
