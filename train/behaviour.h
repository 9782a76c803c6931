/* Behaviour policies: who proposes codes during phase two. To add one, write a function that proposes
 * episodes for every text of a rollout and add a row to the table in behaviour.c. */
#ifndef LACONIC_TRAIN_BEHAVIOUR_H
#define LACONIC_TRAIN_BEHAVIOUR_H

#include "t5/generate.h"
#include "train/rollout.h"

enum { BEHAVIOUR_ROWS = 256 }; /* the generator needs that many rows, or rl.texts if fewer */

struct actor {
    const struct environment *environment;
    const struct t5_model *compressor; /* samples */
    const struct t5_model *target;     /* greedy */
    struct t5_generator *generator;
    struct rng *rng;
};

/* The rows of the table, in the order in which they act. */
enum { POLICY_GREEDY, POLICY_SAMPLE, POLICY_DEMONSTRATION, POLICY_DELETION, POLICY_COMBINATION };

struct behaviour {
    const char *name;
    /* Proposes; episodes proposed by rows above this one have been scored. */
    void (*propose)(struct actor *actor, struct rollout *rollout, int policy);
};

extern const struct behaviour behaviours[];
int behaviour_count(void);
int behaviour_room(const struct train_settings *settings); /* most episodes they propose for one text */

#endif
