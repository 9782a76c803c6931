/* Rewards: a weighted sum of named terms. To add a term, write a function and add a row to the table in
 * reward.c and its weight to the option table (settings.c). */
#ifndef LACONIC_TRAIN_REWARD_H
#define LACONIC_TRAIN_REWARD_H

#include <stdbool.h>
#include "train/settings.h"

enum { REWARD_TERMS_MAXIMUM = 12 };

/* What a term may look at. */
struct outcome {
    int text_bytes;  /* of x */
    int code_tokens; /* of z, without the end token */
    double nats;     /* -ln D(x | z), end token included */
    bool exact;      /* greedy D(z) equals x */
};

struct reward_term {
    const char *name; /* NULL ends the table */
    double (*value)(const struct outcome *outcome);
    size_t weight; /* offset of the weight in struct train_settings, a double */
};

extern const struct reward_term reward_terms[];
int reward_term_count(void);

/* Fills values[reward_term_count()] and returns the weighted sum. */
double reward_of(const struct train_settings *settings, const struct outcome *outcome, float *values);

#endif
