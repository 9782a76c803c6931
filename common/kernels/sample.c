/* Argmax and sampling. */
#include "kernels/sample.h"
#include <math.h>
#include <stddef.h>
#include "kernels/lanes.h"

int32_t sample_argmax(const float *logits, int vocabulary) {
    float best = lanes->max(logits, (size_t)vocabulary);
    for (int32_t i = 0; i < vocabulary; i++)
        if (logits[i] >= best)
            return i;
    return 0; /* only for NaN */
}

/* The largest threshold that keeps at least `count` entries with p >= threshold, or with at least `mass` of
 * the probability: bisection over the values, 30 halvings to float32's resolution. */
static float threshold_keeping(const float *p, int n, int count, double mass) {
    float low = 0.0f, high = lanes->max(p, (size_t)n);
    for (int round = 0; round < 30 && low < high; round++) {
        float middle = 0.5f * (low + high);
        int kept = 0;
        double sum = 0;
        for (int i = 0; i < n; i++)
            if (p[i] >= middle) {
                kept++;
                sum += p[i];
            }
        if (kept >= count && sum >= mass)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void keep_above(float *p, int n, float threshold) {
    for (int i = 0; i < n; i++)
        if (p[i] < threshold)
            p[i] = 0.0f;
}

int32_t sample_token(const float *logits, int vocabulary, float temperature, int top_k, float top_p,
                     float uniform, float *scratch, float *log_probability) {
    for (int i = 0; i < vocabulary; i++)
        scratch[i] = logits[i] / temperature;
    lanes->softmax(scratch, (size_t)vocabulary);
    if (top_k > 0 && top_k < vocabulary)
        keep_above(scratch, vocabulary, threshold_keeping(scratch, vocabulary, top_k, 0.0));
    if (top_p > 0.0f && top_p < 1.0f) {
        double kept = lanes->sum(scratch, (size_t)vocabulary);
        keep_above(scratch, vocabulary, threshold_keeping(scratch, vocabulary, 1, top_p * kept));
    }
    double total = lanes->sum(scratch, (size_t)vocabulary), left = uniform * total;
    int32_t chosen = 0;
    for (int32_t i = 0; i < vocabulary; i++) {
        if (scratch[i] <= 0.0f)
            continue;
        chosen = i;
        left -= scratch[i];
        if (left < 0)
            break;
    }
    *log_probability = (float)log(scratch[chosen] / total);
    return chosen;
}
