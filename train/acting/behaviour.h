/* Behaviour policies: who proposes codes during the rl stage. To add one, write a function propose_NAME that
 * proposes episodes for texts of a rollout and add a row to behaviour_list.h. */
#ifndef LACONIC_TRAIN_ACTING_BEHAVIOUR_H
#define LACONIC_TRAIN_ACTING_BEHAVIOUR_H

#include "t5/generate.h"
#include "train/acting/rollout.h"

enum { BEHAVIOUR_ROWS = 256 }; /* the generator needs that many rows, or rl.texts if fewer */
enum {
    EPISODES_MAXIMUM = 8192
}; /* episodes of one text in one iteration; run/settings_check.c holds them below */

struct actor {
    const struct environment *environment;
    const struct t5_model *compressor; /* samples */
    const struct t5_model *target;     /* greedy */
    struct t5_generator *generator;
    const struct replay *replay; /* NULL: texts that are not learned from */
    struct rng *rng;
    bool repeats;    /* a code sampled twice is two episodes */
    double progress; /* of the rl stage, 0 .. 1 */
};

/* The rows of the table, in the order in which they act. */
enum behaviour_policy {
#define BEHAVIOUR_POLICY(name, option, count, most, help) POLICY_##name,
    BEHAVIOUR_LIST(BEHAVIOUR_POLICY)
#undef BEHAVIOUR_POLICY
        POLICY_COUNT
};

/* What one policy is asked for in one iteration. */
struct request {
    int policy;
    int count;         /* episodes per text, > 0 */
    const bool *texts; /* [rollout texts] on which it acts */
};

struct behaviour {
    const char *name;
    bool mutates; /* acts in every round, from the rollout's base */
    size_t share; /* offset of its struct behaviour_share in struct train_settings */
    /* Proposes; episodes proposed by rows above this one have been scored. */
    void (*propose)(struct actor *actor, struct rollout *rollout, const struct request *request);
};

extern const struct behaviour behaviours[POLICY_COUNT];
const struct behaviour_share *behaviour_share(const struct train_settings *settings, int policy);
int behaviour_most_episodes(
    const struct train_settings *settings); /* most episodes they propose for one text */

/* Lets one policy act on its share of the texts. */
void behaviour_act(struct actor *actor, struct rollout *rollout, int policy);

/* The policies (behaviour.c, mutation.c). */
#define BEHAVIOUR_FUNCTION(name, option, count, most, help)                                                  \
    void propose_##name(struct actor *actor, struct rollout *rollout, const struct request *request);
BEHAVIOUR_LIST(BEHAVIOUR_FUNCTION)
#undef BEHAVIOUR_FUNCTION

#endif
