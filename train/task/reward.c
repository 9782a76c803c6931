/* The reward terms. The paper's reward -(|z| + L_D) is length and loss with equal weights and exact 0. */
#include "train/task/reward.h"
#include <assert.h>
#include <math.h>
#include <string.h>

static double reward_length(const struct outcome *o) {
    return -(double)o->code_tokens / o->text_bytes;
}

static double reward_loss(const struct outcome *o) {
    return -o->nll / o->text_bytes;
}

static double reward_exact(const struct outcome *o) {
    return o->exact ? 1 : 0;
}

static double reward_code_bits(const struct outcome *o) {
    return -o->code_bits / o->text_bytes;
}

static double reward_text_bits(const struct outcome *o) {
    return -o->nll / log(2.0) / o->text_bytes;
}

static double reward_total_bits(const struct outcome *o) {
    return reward_code_bits(o) + reward_text_bits(o);
}

static double reward_edits(const struct outcome *o) {
    return 0 - (double)o->edits / o->text_tokens; /* not -0: unmeasured is 0 in a resumed run too */
}

static double reward_repetition(const struct outcome *o) {
    int repeated = 0;
    for (int i = 1; i < o->code_tokens; i++)
        repeated += o->code[i] == o->code[i - 1];
    return o->code_tokens > 0 ? -(double)repeated / o->code_tokens : 0;
}

const struct reward_term reward_terms[REWARD_COUNT] = {
#define REWARD_ROW(name, weight, help) {#name, reward_##name, offsetof(struct train_settings, reward.name)},
    REWARD_LIST(REWARD_ROW)
#undef REWARD_ROW
};

static_assert((int)REWARD_COUNT <= (int)REWARD_TERMS_MAXIMUM, "raise REWARD_TERMS_MAXIMUM");

static const struct reward_weight *weight_of(const struct train_settings *settings, int term) {
    return (const struct reward_weight *)((const char *)settings + reward_terms[term].weight);
}

void reward_values(const struct outcome *outcome, float *values) {
    for (int i = 0; i < REWARD_COUNT; i++)
        values[i] = (float)reward_terms[i].value(outcome);
}

void reward_weights(const struct train_settings *settings, double progress, double *weights) {
    double ramp = settings->reward.ramp, risen = progress < ramp ? progress / ramp : 1;
    for (int i = 0; i < REWARD_COUNT; i++) {
        const struct reward_weight *w = weight_of(settings, i);
        weights[i] = w->weight * (w->from + (1 - w->from) * risen);
    }
}

double reward_sum(const double *weights, const float *values) {
    double sum = 0;
    for (int i = 0; i < REWARD_COUNT; i++)
        sum += weights[i] * (double)values[i];
    return sum;
}

bool reward_uses(const struct train_settings *settings, enum reward_number term) {
    return weight_of(settings, (int)term)->weight != 0;
}
