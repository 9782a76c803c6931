/* The replay buffer: a ring of episodes with their codes, in memory that is fixed when it is opened.
 *
 * Episodes about one text that were acted together form a group and stand side by side; groups leave whole,
 * the oldest first. Three rings hold them: episodes, packed tokens, and the log-probabilities of those
 * episodes whose behaviour policy has some. Short codes take little room, so the number of tokens can be far
 * below episodes x longest code: whichever ring is full first makes old groups leave.
 *
 * Simple use:
 *     replay_open(&replay, &size);
 *     replay_begin_group(&replay, 2, 30 + 31);     two episodes about one text, 61 tokens together
 *     replay_push(&replay, &episode, code, NULL);  twice
 *     struct replay_group group = replay_draw(&replay, &rng, &(struct replay_sampling){.newest = 0});
 *     replay_code(&replay, group.first, ids);
 */
#ifndef LACONIC_TRAIN_REPLAY_REPLAY_H
#define LACONIC_TRAIN_REPLAY_REPLAY_H

#include "base/rng.h"
#include "store/h5.h"
#include "train/replay/best_codes.h"
#include "train/replay/ring.h"
#include "train/task/reward.h"

enum { POLICIES_MAXIMUM = 16 };

struct episode {
    uint64_t text;               /* index of x in the training split */
    uint64_t group;              /* number of its group since the beginning, from 1 */
    int64_t iteration;           /* when it was acted, >= 0: its age is now - iteration */
    int32_t policy;              /* row of the behaviour table */
    int32_t size;                /* tokens of z, without the end token */
    int32_t exact;               /* 1: greedy D(z) was x */
    int32_t has_log_probability; /* 1: the behaviour policy's log-probabilities are stored */
    float reward;                /* as when it was filed */
    float nll;                   /* of x given z, when it was scored */
    float terms[REWARD_TERMS_MAXIMUM];
};

struct replay_size {
    int64_t episodes;  /* > 0 */
    int64_t tokens;    /* of all codes together, >= those of any one group */
    int vocabulary;    /* ids are below it */
    int code_limit; /* tokens of the longest code */
    int64_t best;      /* texts whose best code outlives its group; 0: none */
};

/* Where the data of an episode begin in their rings. */
struct replay_place {
    uint64_t code, log_probability;
};

struct replay {
    struct replay_size size;
    int64_t first, count; /* position of the oldest in the arrays below, episodes held */
    uint64_t groups;      /* begun so far */

    /* the rest is the replay's own */
    struct episode *episodes;    /* [size.episodes] */
    struct replay_place *places; /* [size.episodes] */
    struct ring codes;           /* packed ids */
    struct ring log_probability; /* floats; with room for every episode's, so it is never full first */
    struct best_codes best;
    uint64_t reserved;       /* bytes of all arrays */
    float highest;           /* reward of the episodes held ... */
    bool highest_is_known;   /* ... false once an episode with that reward left: to be looked for again */
    int64_t accepted, tried; /* candidates since the last statistics */
};

enum status replay_open(struct replay *replay, const struct replay_size *size);
void replay_close(struct replay *replay); /* safe on a zeroed replay */

/* Starts a group of `episodes` <= size.episodes with at most `tokens` <= size.tokens in their codes, making
 * room; then exactly so many pushes follow. */
void replay_begin_group(struct replay *replay, int episodes, int64_t tokens);
/* Copies; `group` and `known` are filled in, the text is that of the whole group. log_probability [size + 1],
 * ln of the behaviour policy, the end token's last; NULL for a policy without one (a mutation, a
 * demonstration). */
void replay_push(struct replay *replay, const struct episode *episode, const int32_t *code,
                 const float *log_probability);

/* The i-th oldest episode, 0 <= i < count; valid until the next replay_begin_group(). */
const struct episode *replay_at(const struct replay *replay, int64_t i);
/* Its z, into ids [size.code_limit]. */
void replay_code(const struct replay *replay, int64_t i, int32_t *ids);
/* Its log-probabilities, into to [size + 1]; false when they are not known. */
bool replay_log_probability(const struct replay *replay, int64_t i, float *to);

/* ---- drawing ---- */

/* What to draw. All fields 0: every episode alike. */
struct replay_sampling {
    double newest;        /* share of the draws that come from ... */
    int64_t newest_count; /* ... the episodes pushed last, this many of them (0: no such share) */
    double half_life;     /* iterations after which an episode is drawn half as often; 0: all ages alike */
    double reward_scale;  /* an episode's chance falls by e for this much less reward than the best one in the
                             buffer has; 0: all rewards alike */
    int64_t now;          /* this iteration; no episode is younger */
};

/* A group drawn by one of its episodes: the position of its first episode and its size. */
struct replay_group {
    int64_t first;
    int size;
};

/* Rejection sampling: uniform candidates, each taken with its chance; the REPLAY_TRIES-th is taken whatever
 * its chance, which happens in (1 - mean chance) ^ REPLAY_TRIES of the draws. The first choice, newest or
 * all, is made once. Without half_life and reward_scale no random number is used but for the candidate. The
 * buffer must not be empty.
 *
 * The idea of drawing what promises more is prioritised replay (Schaul et al. 2016, arXiv 1511.05952); here
 * priorities follow from age and reward, so that no tree of sums has to be kept up to date. */
enum { REPLAY_TRIES = 256 };
struct replay_group replay_draw(struct replay *replay, struct rng *rng,
                                const struct replay_sampling *sampling);

/* ---- the best code of a text ---- */

/* The shortest exact code of a text that was pushed (the lower nats among equals), also after its group left,
 * as long as no other text took its slot. Into ids [size.code_limit]. */
bool replay_best(const struct replay *replay, uint64_t text, int32_t *ids, int *size);
/* This code does not hold any more: the decompressor moved on. */
void replay_forget_best(struct replay *replay, uint64_t text);
/* One of the kept codes, uniformly; false (and no random number used) when there is none. */
bool replay_draw_best(const struct replay *replay, struct rng *rng, uint64_t *text, int32_t *ids, int *size);

/* ---- statistics ---- */

struct replay_statistics {
    int64_t episodes, tokens, best; /* held */
    uint64_t bytes, reserved;       /* memory: of what is held, and fixed in all */
    double mean_age;                /* in iterations */
    int64_t largest_age;
    double share[POLICIES_MAXIMUM]; /* of the episodes, by policy */
    double exact;                   /* share of the episodes */
    double acceptance; /* candidates taken per candidate tried since the last call; 1 without any */
};

/* One pass over the episodes. Starts the acceptance anew. */
void replay_statistics(struct replay *replay, int64_t now, struct replay_statistics *statistics);

/* ---- checkpoints ---- */

/* The whole buffer in a checkpoint, under GROUP: a buffer that was read draws what the written one would
 * have. The read one may be larger than the written one. Texts must lie below text_count; everything is
 * checked, and after a failure the buffer is empty. */
enum status replay_write(struct h5_file *file, const char *group, const struct replay *replay);
enum status replay_read(struct h5_file *file, const char *group, struct replay *replay, uint64_t text_count);

/* Lets go of everything but the memory. */
void replay_empty(struct replay *replay);

#endif
