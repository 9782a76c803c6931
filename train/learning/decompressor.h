/* The decompressor's learning in the rl stage: the codes that are written now, and demonstrations against
 * forgetting. */
#ifndef LACONIC_TRAIN_LEARNING_DECOMPRESSOR_H
#define LACONIC_TRAIN_LEARNING_DECOMPRESSOR_H

#include "train/learning/learner.h"
#include "train/learning/source.h"

/* Everything is borrowed. */
struct decompressor_learning {
    struct episode_source source;
    struct rng *texts, *noise; /* of demonstrations */
    struct learner *learner;
    struct batch *batch;
};

/* One step on replayed codes and demonstrations. */
struct learner_result learn_decompression(struct decompressor_learning *learning, const struct adamw *adamw);

#endif
