/* The compressor's learning in the rl stage: replayed groups become a batch, the algorithm makes loss
 * gradients of it, these a step.
 *
 * Simple use:
 *     struct learner_result result = learn_compression(&learning, &adamw, &value_adamw);
 */
#ifndef LACONIC_TRAIN_LEARNING_COMPRESSOR_H
#define LACONIC_TRAIN_LEARNING_COMPRESSOR_H

#include "train/learning/group.h"
#include "train/learning/learner.h"
#include "train/learning/value_head.h"
#include "train/metrics.h"

/* Everything is borrowed. */
struct compressor_learning {
    const struct algorithm *algorithm;
    struct episode_source source;
    struct learner *learner;
    struct value_head *value;    /* of algorithms that need one */
    struct t5_model *target;     /* the target compressor and its pass, of algorithms that need it */
    struct t5_pass *target_pass; /* ... */
    struct group *group;         /* scratch */
    struct batch *batch;
    struct rl_batch *rl_batch;
    struct metrics *metrics;
};

/* One step down the algorithm's loss, and of the value head; its figures go into the current row of metrics.
 * Without a row to learn from nothing is changed, and the loss is 0. */
struct learner_result learn_compression(struct compressor_learning *learning, const struct adamw *adamw,
                                        const struct adamw *value_adamw);

#endif
