/* Scoring: what the decompressor makes of codes, in one teacher-forced pass per batch, and the rewards that
 * follow from it. A code is exact when every argmax is the right token, for then greedy decoding takes the
 * same path.
 *
 * Simple use:
 *     struct scorer scorer = {.pass = learner.pass};
 *     score_rollout(&rollout, &environment, &scorer, &target_decompressor, &batch);
 *     rollout_episode(&rollout, t, e)->exact ...
 */
#ifndef LACONIC_TRAIN_ACTING_SCORING_H
#define LACONIC_TRAIN_ACTING_SCORING_H

#include "train/acting/rollout.h"
#include "train/task/batch.h"

struct scorer {
    struct t5_pass *pass;  /* borrowed, the learner's: between two steps its memory is free */
    double flops, seconds; /* of all passes so far */
};

/* Forward only: fills batch->nll and argmax under `model`, which may be any of the pass's shape. */
void scorer_score(struct scorer *scorer, const struct t5_model *model, struct batch *batch);

/* Rewards for every episode of the rollout that has none yet, by this decompressor. The batch is scratch. */
void score_rollout(struct rollout *rollout, const struct environment *environment, struct scorer *scorer,
                   const struct t5_model *decompressor, struct batch *batch);

#endif
