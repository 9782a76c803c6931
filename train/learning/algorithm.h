/* Losses by which the compressor learns. To add one, write its file in algorithms/ and add a row to
 * algorithm_list.h; the option rl.algorithm knows it by its name from then on.
 *
 * An algorithm says which episodes of a replayed text it wants and with what weight. Without loss_gradient()
 * the loss is sum over episodes of weight * -ln C(z | x). With it, it sees the whole batch and fills in
 * the derivatives of its loss. The loss is divided by the number of tokens of the batch in either case.
 */
#ifndef LACONIC_TRAIN_LEARNING_ALGORITHM_H
#define LACONIC_TRAIN_LEARNING_ALGORITHM_H

#include "train/learning/rl_batch.h"

enum algorithm_needs {
    NEEDS_TARGET = 1,           /* batch.target is filled in */
    NEEDS_VALUE = 2,            /* a value head: batch.live.value, and batch.target.value with NEEDS_TARGET */
    NEEDS_NEWEST = 4,           /* on-policy: only the newest iteration's episodes */
    NEEDS_SAMPLES = 8,          /* no episodes but those sampled from the compressor */
    NEEDS_FREQUENCY = 16,       /* a mean over samples: a code drawn twice counts twice */
    NEEDS_LOG_PROBABILITY = 32, /* how likely the behaviour policy made a code: known of samples alone */
};

/* The episodes about one text that the replay holds together. */
struct candidates {
    int count;
    const struct episode *const *episodes; /* [count] */
    const float *rewards;                  /* [count] under the present weights, after normalisation */
    float mean;                            /* of the rewards */
    int best; /* the exact one of the highest reward (rl.goal reward: of all), -1: none */
};

struct algorithm {
    const char *name;
    unsigned needs;
    /* weights [count], zero at first; 0 leaves an episode out. NULL: all episodes at weight 1. */
    void (*episode_weights)(const struct train_settings *settings, const struct candidates *candidates,
                            float *weights);
    void (*loss_gradient)(struct rl_batch *batch);
};

#define ALGORITHM_DECLARATION(name) extern const struct algorithm algorithm_##name;
ALGORITHM_LIST(ALGORITHM_DECLARATION)
#undef ALGORITHM_DECLARATION

/* NULL-ended, by enum algorithm_number (settings.h). */
extern const struct algorithm *const algorithms[];

#endif
