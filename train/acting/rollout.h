/* One iteration's acting: for each of some texts, the episodes that the behaviour policies propose.
 *
 * Simple use:
 *     rollout_open(&rollout, 64, 40, 32);             64 texts, 40 episodes each, codes of up to 32 tokens
 *     environment_random_text(&environment, &rng, TEXT_ANY, rollout_add_text(&rollout));
 *     rollout_propose(&rollout, 0, &(struct proposal){.policy = POLICY_copy, .tokens = n, .code = ids});
 *     score_rollout(...);                             scoring.h
 *     rollout_best(&rollout, 0, RANKING_SHORTEST);
 *     rollout_store(&rollout, &replay, iteration);
 */
#ifndef LACONIC_TRAIN_ACTING_ROLLOUT_H
#define LACONIC_TRAIN_ACTING_ROLLOUT_H

#include "train/task/environment.h"
#include "train/replay/ranking.h"
#include "train/replay/replay.h"

/* What a mutation did to the code it began from. */
enum edit_kind { EDIT_NONE, EDIT_DELETE, EDIT_MERGE, EDIT_REPLACE, EDIT_SWAP };
struct edit {
    enum edit_kind kind;
    int place;  /* of the first token concerned */
    int32_t id; /* what is put there by EDIT_MERGE and EDIT_REPLACE */
};

/* Scratch of mutations: too large for the stack. */
struct edit_scratch {
    struct scored_edit {
        const struct edit *edit;
        float nll;
    } successes[2 * CHUNK_MAXIMUM];
    const struct edit *at[CHUNK_MAXIMUM]; /* by place in the code; NULL: none */
    const struct edit *chosen[CHUNK_MAXIMUM];
    bool taken[CHUNK_MAXIMUM];      /* tokens of the code */
    int order[CHUNK_MAXIMUM];       /* of places */
    int32_t changed[CHUNK_MAXIMUM]; /* the new code */
};

/* Proposals that were not taken, since the rollout was cleared. */
struct refusals {
    int64_t unended; /* did not end within the length of their text */
    int64_t longer;  /* than code_limit */
    int64_t repeated;
    int64_t full; /* the text has episode_limit episodes */
};

enum { ROLLOUT_REBUILT = 64 }; /* codes that scoring rebuilds at once, for reward.edits */

struct rollout {
    int text_limit, episode_limit; /* texts, episodes per text */
    int code_limit;                /* tokens per z */
    int texts;                     /* in use */
    struct text *text;             /* [text_limit] */
    int *count;                    /* [text_limit] episodes proposed */
    int *scored;                   /* [text_limit] of which the first so many have rewards */
    int *base;                     /* [text_limit] the episode that mutations start from, -1: none */
    int *round;                    /* [text_limit] the first episode of this round of mutations */
    struct episode *episodes;      /* [text_limit, episode_limit] */
    struct edit *edits;            /* [text_limit, episode_limit] how a mutation came from the base */
    int32_t *codes;                /* [text_limit, episode_limit, code_limit] */
    float
        *log_probability; /* [text_limit, episode_limit, code_limit + 1] where episode.has_log_probability */
    int32_t *sources;     /* [text_limit, CHUNK_MAXIMUM + 1] scratch of behaviours that generate */
    bool *acted_on;       /* [text_limit] scratch of behaviour_act() */
    int32_t *failed;      /* [ROLLOUT_REBUILT, CHUNK_MAXIMUM + 1] scratch of scoring: codes to rebuild */
    struct edit_scratch *edit_scratch;
    struct refusals refused;
};

enum status rollout_open(struct rollout *rollout, int text_limit, int episode_limit, int code_limit);
void rollout_close(struct rollout *rollout);
void rollout_clear(struct rollout *rollout);

/* One more text, without episodes; the caller fills it in. */
struct text *rollout_add_text(struct rollout *rollout);

/* A code and where it comes from. */
struct proposal {
    int policy, tokens;
    const int32_t *code;          /* [tokens] */
    const float *log_probability; /* [tokens + 1] of the behaviour policy; NULL: not known */
    struct edit edit;             /* of a single mutation */
    bool again;                   /* also when the text has this z already */
};
/* Proposes z for text t; it is refused when the text is full or, without `again`, has this z already. Returns
 * whether it was added. */
bool rollout_propose(struct rollout *rollout, int t, const struct proposal *proposal);

struct episode *rollout_episode(const struct rollout *rollout, int t, int e);
int32_t *rollout_code(const struct rollout *rollout, int t, int e);
const struct edit *rollout_edit(const struct rollout *rollout, int t, int e);

/* The first episode of text t with this z, -1: none. */
int rollout_find(const struct rollout *rollout, int t, const int32_t *code, int size);

/* The best scored episode of text t, -1 when there is none that may be ranked. */
int rollout_best(const struct rollout *rollout, int t, enum ranking ranking);
/* By its stored reward. */
struct merit episode_merit(const struct episode *episode);

/* A new round of mutations begins, from the best episodes so far. */
void rollout_begin_round(struct rollout *rollout, enum ranking ranking);

/* Moves everything into the replay, one group per text. */
void rollout_store(const struct rollout *rollout, struct replay *replay, int64_t iteration);
int rollout_total(const struct rollout *rollout); /* episodes in all texts */

#endif
