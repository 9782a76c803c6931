/* The task: texts from the data set, codes for them, and what a code is worth. */
#ifndef LACONIC_TRAIN_ENVIRONMENT_H
#define LACONIC_TRAIN_ENVIRONMENT_H

#include "base/rng.h"
#include "store/dataset.h"
#include "store/model_file.h"
#include "train/batch.h"
#include "train/learner.h"
#include "train/settings.h"

/* One text x. */
struct text {
    uint64_t index; /* in its split */
    int bytes;      /* > 0 */
    int size;       /* tokens, without the end token */
    int32_t ids[CHUNK_MAXIMUM];
};

struct environment {
    const struct train_settings *settings;
    const struct dataset *data;
    const struct model_pair *pair;
    int row_length; /* longest x or z with its end token */
};

void environment_open(struct environment *environment, const struct train_settings *settings,
                      const struct dataset *data, const struct model_pair *pair);

void environment_text(const struct environment *environment, enum dataset_split split, uint64_t index,
                      struct text *text);
void environment_random_text(const struct environment *environment, struct rng *rng, struct text *text);

/* The byte-pair tokens of the text: the code that the models are taught first. ids [CHUNK_MAXIMUM]; the size.
 */
int environment_demonstration(const struct environment *environment, const struct text *text, int32_t *ids);

/* Texts as a compressor's input: ids [sum of sizes + count] with an end token behind each, start [count + 1],
 * and limits [count], no z longer than its text. */
struct t5_rows environment_sources(const struct text *texts, int count, int32_t *ids, int32_t *start,
                                   int *limits);

/* Rewards for every episode of the rollout that has none yet, by `decompressor` (the target network). */
struct rollout;
void environment_score(const struct environment *environment, struct rollout *rollout,
                       struct learner *learner, const struct t5_model *decompressor, struct batch *batch);

#endif
