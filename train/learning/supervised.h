/* The supervised warm start: both models learn from demonstrations. */
#ifndef LACONIC_TRAIN_LEARNING_SUPERVISED_H
#define LACONIC_TRAIN_LEARNING_SUPERVISED_H

#include "train/learning/learner.h"
#include "train/task/environment.h"

/* Everything is borrowed. */
struct supervision {
    const struct environment *environment;
    struct rng *texts, *noise;
    struct batch *batch; /* filled anew by each step */
};

struct learner_result supervise_compressor(struct supervision *supervision, struct learner *learner,
                                           const struct adamw *adamw);
struct learner_result supervise_decompressor(struct supervision *supervision, struct learner *learner,
                                             const struct adamw *adamw);

#endif
