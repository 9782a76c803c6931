/* Acting: behaviour policies propose codes for texts, the decompressor scores them, the replay keeps them.
 *
 * Simple use, one iteration:
 *     act_on_random_texts(&acting, &rng);
 *     act_store(&acting, &replay, iteration);
 *     act_report(&rollout, &settings, &metrics);
 */
#ifndef LACONIC_TRAIN_ACTING_ACT_H
#define LACONIC_TRAIN_ACTING_ACT_H

#include "train/acting/behaviour.h"
#include "train/acting/scoring.h"
#include "train/metrics.h"

/* Everything is borrowed. */
struct acting {
    struct actor actor;                  /* who proposes; without actor.replay nothing is recalled */
    struct rollout *rollout;             /* what is proposed */
    const struct t5_model *decompressor; /* who judges it */
    struct scorer *scorer;
    struct batch *batch; /* scratch */
};

/* All behaviour policies on the texts of the rollout, scored. */
void act_on_texts(struct acting *acting);
/* The same on training texts drawn with this rng, as many as the rollout takes. */
void act_on_random_texts(struct acting *acting, struct rng *rng);

/* Episodes of the rollout go into the replay; a best code there that was tried again and is not rebuilt any
 * more is the best no longer. */
void act_store(const struct acting *acting, struct replay *replay, int64_t iteration);

/* What the policies achieved and why proposals came to nothing, into the current row of metrics. */
void act_report(const struct rollout *rollout, const struct train_settings *settings,
                struct metrics *metrics);

#endif
