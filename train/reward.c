/* The reward terms. The paper's reward -(|z| + L_D) is length and loss with equal weights and exact 0. */
#include "train/reward.h"

static double length_term(const struct outcome *o) {
    return -(double)o->code_tokens / o->text_bytes;
}

static double loss_term(const struct outcome *o) {
    return -o->nats / o->text_bytes;
}

static double exact_term(const struct outcome *o) {
    return o->exact ? 1 : 0;
}

const struct reward_term reward_terms[] = {
    {"length", length_term, offsetof(struct train_settings, reward.length)},
    {"loss", loss_term, offsetof(struct train_settings, reward.loss)},
    {"exact", exact_term, offsetof(struct train_settings, reward.exact)},
    {NULL, NULL, 0},
};

int reward_term_count(void) {
    return (int)(sizeof reward_terms / sizeof *reward_terms) - 1;
}

double reward_of(const struct train_settings *settings, const struct outcome *outcome, float *values) {
    double sum = 0;
    for (int i = 0; reward_terms[i].name; i++) {
        const double *weight = (const double *)((const char *)settings + reward_terms[i].weight);
        double value = reward_terms[i].value(outcome);
        values[i] = (float)value;
        sum += *weight * value;
    }
    return sum;
}
