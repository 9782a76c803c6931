/* Cross-entropy and its gradient. */
#include "kernels/loss.h"
#include <math.h>
#include <string.h>
#include "base/threads.h"
#include "kernels/sample.h"
#include "kernels/lane_ops.h"

struct loss {
    const float *logits;
    float *gradient; /* the same array, or NULL */
    const int32_t *labels;
    const float *weights;
    size_t vocabulary;
    float *nll;
    int32_t *argmax;
};

static void loss_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct loss *l = context;
    for (size_t t = begin; t < end; t++) {
        const float *row = l->logits + t * l->vocabulary;
        float *gradient = l->gradient ? l->gradient + t * l->vocabulary : NULL;
        int32_t label = l->labels[t];
        float largest = lane_ops->max(row, l->vocabulary);
        if (l->argmax)
            l->argmax[t] = sample_first(row, (int)l->vocabulary, largest);
        if (label < 0) {
            l->nll[t] = 0.0f;
            if (gradient)
                memset(gradient, 0, l->vocabulary * sizeof *gradient);
            continue;
        }
        float own = row[label];
        float sum = lane_ops->exp_sum(row, gradient, largest, l->vocabulary);
        l->nll[t] = logf(sum) - (own - largest);
        if (gradient) {
            lane_ops->scale(gradient, l->weights[t] / sum, l->vocabulary);
            gradient[label] -= l->weights[t];
        }
    }
}

void loss_token_nll(const float *logits, const int32_t *labels, int tokens, int vocabulary, float *nll,
                    int32_t *argmax) {
    struct loss l = {logits, NULL, labels, NULL, (size_t)vocabulary, nll, argmax};
    threads_for((size_t)tokens, 8, loss_task, &l);
}

void loss_weighted_nll(float *logits, const int32_t *labels, const float *weights, int tokens, int vocabulary,
                       float *nll, int32_t *argmax) {
    struct loss l = {logits, logits, labels, weights, (size_t)vocabulary, nll, argmax};
    threads_for((size_t)tokens, 8, loss_task, &l);
}
