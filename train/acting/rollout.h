/* One iteration's acting: for each of some texts, the episodes that the behaviour policies propose. */
#ifndef LACONIC_TRAIN_ACTING_ROLLOUT_H
#define LACONIC_TRAIN_ACTING_ROLLOUT_H

#include "train/task/environment.h"
#include "train/replay/replay.h"

/* What a mutation did to the code it began from. */
enum edit_kind { EDIT_NONE, EDIT_DELETE, EDIT_MERGE, EDIT_REPLACE, EDIT_SWAP };
struct edit {
    enum edit_kind kind;
    int place;  /* of the first token concerned */
    int32_t id; /* what is put there by EDIT_MERGE and EDIT_REPLACE */
};

/* Proposals that were not taken, since the rollout was cleared. */
struct refusals {
    int64_t unended; /* did not end within the length of their text */
    int64_t longer;  /* than the rollout has room for */
    int64_t repeated;
    int64_t full; /* the text has all the episodes there is room for */
};

struct rollout {
    int text_limit, room;     /* texts, episodes per text */
    int code_capacity;        /* tokens per z */
    int texts;                /* in use */
    struct text *text;        /* [text_limit] */
    int *count;               /* [text_limit] episodes proposed */
    int *scored;              /* [text_limit] of which the first so many have rewards */
    int *base;                /* [text_limit] the episode that mutations start from, -1: none */
    int *round;               /* [text_limit] the first episode of this round of mutations */
    struct episode *episodes; /* [text_limit, room] */
    struct edit *edits;       /* [text_limit, room] how a mutation came from the base */
    int32_t *codes;           /* [text_limit, room, code_capacity] */
    float *log_probability;   /* [text_limit, room, code_capacity + 1] where episode.has_log_probability */
    int32_t *sources;         /* [text_limit, CHUNK_MAXIMUM + 1] scratch of behaviours that generate */
    struct refusals refused;
};

enum status rollout_open(struct rollout *rollout, int text_limit, int room, int code_capacity);
void rollout_close(struct rollout *rollout);
void rollout_clear(struct rollout *rollout);

/* One more text, without episodes; the caller fills it in. */
struct text *rollout_add_text(struct rollout *rollout);

/* A code and where it comes from. */
struct proposal {
    int policy, size;
    const int32_t *code;          /* [size] */
    const float *log_probability; /* [size + 1] of the behaviour policy; NULL: not known */
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

/* The shortest exact episode of text t, the lower loss among equals; -1 when none is exact. */
int rollout_best_exact(const struct rollout *rollout, int t);

/* The episode of text t with the highest reward; -1 when none is scored. */
int rollout_best_reward(const struct rollout *rollout, int t);

/* A new round of mutations begins: from the best exact episodes so far, or from those of the highest reward.
 */
void rollout_begin_round(struct rollout *rollout, enum search_goal goal);

/* Moves everything into the replay, one group per text. */
void rollout_store(const struct rollout *rollout, struct replay *replay, int64_t iteration);
int rollout_total(const struct rollout *rollout); /* episodes in all texts */

#endif
