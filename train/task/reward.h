/* Rewards: a weighted sum of named terms. To add a term, write a function reward_NAME in reward.c and a row
 * in reward_list.h (docs/extending.md). */
#ifndef LACONIC_TRAIN_TASK_REWARD_H
#define LACONIC_TRAIN_TASK_REWARD_H

#include <stdbool.h>
#include <stdint.h>
#include "train/settings.h"

enum { REWARD_TERMS_MAXIMUM = 12 };

/* The rows of the table. */
enum reward_number {
#define REWARD_NUMBER(name, weight, help) REWARD_##name,
    REWARD_LIST(REWARD_NUMBER)
#undef REWARD_NUMBER
        REWARD_COUNT
};

/* What a term may look at. */
struct outcome {
    int text_bytes, text_tokens; /* of x */
    const int32_t *code;         /* [code_tokens] z */
    int code_tokens;             /* without the end token */
    double nll;                  /* -ln D(x | z), end token included */
    bool exact;                  /* greedy D(z) equals x */
    double code_bits;            /* z and its end token under the current prior */
    int edits; /* edit distance of greedy D(z) from x, only measured when its weight is not 0 */
};

struct reward_term {
    const char *name;
    double (*value)(const struct outcome *outcome);
    size_t weight; /* offset of its struct reward_weight in struct train_settings */
};

extern const struct reward_term reward_terms[REWARD_COUNT];
/* Fills values[REWARD_COUNT]. */
void reward_values(const struct outcome *outcome, float *values);

/* The weights at this progress of the rl stage, 0 .. 1; weights[REWARD_COUNT]. */
void reward_weights(const struct train_settings *settings, double progress, double *weights);

double reward_sum(const double *weights, const float *values);

/* Whether a term counts at any time of the phase. */
bool reward_uses(const struct train_settings *settings, enum reward_number term);

#endif
