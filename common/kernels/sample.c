/* Argmax and sampling. */
#include "kernels/sample.h"
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include "kernels/lane_ops.h"

int32_t sample_first(const float *logits, int vocabulary, float largest) {
    for (int32_t i = 0; i < vocabulary; i++)
        if (logits[i] >= largest)
            return i;
    return 0; /* only for NaN */
}

int32_t sample_argmax(const float *logits, int vocabulary) {
    return sample_first(logits, vocabulary, lane_ops->max(logits, (size_t)vocabulary));
}

/* The largest threshold that keeps at least `count` entries with p >= threshold, or with at least `mass` of
 * the probability: bisection over the values, 30 halvings to float32's resolution. */
static float threshold_keeping(const float *p, int n, int count, float mass) {
    float low = 0.0f, high = lane_ops->max(p, (size_t)n);
    for (int round = 0; round < 30 && low < high; round++) {
        float middle = 0.5f * (low + high), sum;
        size_t kept = lane_ops->count_from(p, middle, &sum, (size_t)n);
        if (kept >= (size_t)count && sum >= mass)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Probabilities are summed in blocks, so that the draw looks at a few sums and one block. */
enum { BLOCK = 256 };

/* What is kept of p, those from `least` on: the sum of block b, or of a part of it. */
static float kept_sum(const float *p, size_t n, float least) {
    float sum;
    lane_ops->count_from(p, least, &sum, n);
    return sum;
}

static size_t block_size(size_t n, size_t first) {
    return n - first < BLOCK ? n - first : BLOCK;
}

/* The first entry of those kept at which the running sum passes `left`. */
static int32_t find(const float *p, size_t n, float least, double left) {
    size_t first = 0;
    for (; first + BLOCK < n; first += BLOCK) {
        double sum = (double)kept_sum(p + first, BLOCK, least);
        if (left < sum)
            break;
        left -= sum;
    }
    int32_t chosen = -1;
    for (size_t i = first; i < n;
         i++) { /* rounding may lead beyond the block: the next entry kept is as good */
        if (p[i] < least || p[i] <= 0.0f)
            continue;
        chosen = (int32_t)i;
        left -= (double)p[i];
        if (left < 0)
            break;
    }
    for (size_t i = n; chosen < 0 && i-- > 0;) /* or behind the last one kept */
        if (p[i] >= least && p[i] > 0.0f)
            chosen = (int32_t)i;
    return chosen < 0 ? 0 : chosen;
}

/* What is left of softmax(logits / temperature): p[i] / total where p[i] >= least, else nothing. */
struct kept {
    float *p;
    float least;
    double total;
};

static struct kept keep(const float *logits, int vocabulary, float temperature, int top_k, float top_p,
                        float *scratch) {
    size_t n = (size_t)vocabulary;
    float largest = lane_ops->max(logits, n), least = 0.0f;
    double total = 0;
    for (size_t first = 0; first < n; first += BLOCK)
        total += (double)lane_ops->exp_scaled(logits + first, scratch + first, 1.0f / temperature, largest,
                                              block_size(n, first));
    if (top_k > 0 && top_k < vocabulary)
        least = threshold_keeping(scratch, vocabulary, top_k, 0.0f);
    if (top_p > 0.0f && top_p < 1.0f) {
        float kept = least > 0.0f ? kept_sum(scratch, n, least) : (float)total;
        float other = threshold_keeping(scratch, vocabulary, 1, top_p * kept);
        least = other > least ? other : least;
    }
    if (least > 0.0f) {
        total = 0;
        for (size_t first = 0; first < n; first += BLOCK)
            total += (double)kept_sum(scratch + first, block_size(n, first), least);
    }
    return (struct kept){scratch, least, total};
}

static double probability_of(const struct kept *kept, int32_t id) {
    return kept->p[id] >= kept->least ? (double)kept->p[id] / kept->total : 0.0;
}

int32_t sample_token(const float *logits, int vocabulary, float temperature, int top_k, float top_p,
                     float uniform, float *scratch, float *log_probability) {
    struct kept kept = keep(logits, vocabulary, temperature, top_k, top_p, scratch);
    int32_t chosen = find(scratch, (size_t)vocabulary, kept.least, (double)uniform * kept.total);
    *log_probability = (float)log((double)scratch[chosen] / kept.total);
    return chosen;
}

int32_t sample_exploring(const float *logits, int vocabulary, float temperature, int top_k, float top_p,
                         float epsilon, struct rng *rng, float *scratch, float *log_probability) {
    bool explores = rng_uniform(rng) < epsilon;
    int32_t anything = (int32_t)rng_below(rng, (uint64_t)vocabulary), chosen;
    double probability; /* before epsilon */
    if (temperature <= 0.0f) {
        int32_t best = sample_argmax(logits, vocabulary);
        chosen = explores ? anything : best;
        probability = chosen == best;
    } else {
        struct kept kept = keep(logits, vocabulary, temperature, top_k, top_p, scratch);
        double left = (double)rng_uniform(rng) * kept.total;
        chosen = explores ? anything : find(scratch, (size_t)vocabulary, kept.least, left);
        probability = probability_of(&kept, chosen);
    }
    *log_probability = (float)log((double)epsilon / vocabulary + (1.0 - (double)epsilon) * probability);
    return chosen;
}
