/* The replay buffer: a ring of episodes. Episodes about one text that were acted together form a group and
 * stand side by side; groups leave whole, the oldest first. */
#ifndef LACONIC_TRAIN_REPLAY_H
#define LACONIC_TRAIN_REPLAY_H

#include "base/rng.h"
#include "store/h5.h"
#include "train/reward.h"

enum { POLICIES_MAXIMUM = 8 };

struct episode {
    uint64_t text;     /* index of x in the training split */
    uint64_t group;    /* number of its group since the beginning */
    int64_t iteration; /* when it was acted */
    int32_t policy;    /* row of the behaviour table */
    int32_t size;      /* tokens of z, without the end token */
    int32_t exact;     /* 1: greedy D(z) was x */
    float reward;
    float nats; /* of x given z, when it was scored */
    float terms[REWARD_TERMS_MAXIMUM];
};

struct replay {
    int64_t capacity;         /* episodes */
    int code_room;            /* tokens per episode */
    int64_t first, count;     /* ring position of the oldest, episodes held */
    uint64_t groups;          /* begun so far */
    struct episode *episodes; /* [capacity] */
    int32_t *codes;           /* [capacity, code_room] z */
    float *
        log_probability; /* [capacity, code_room + 1] ln of the behaviour policy, end token behind the last */
};

enum status replay_open(struct replay *replay, int64_t capacity, int code_room);
void replay_close(struct replay *replay);

/* Starts a group of `size` <= capacity episodes, making room; then exactly `size` pushes follow. */
void replay_begin_group(struct replay *replay, int size);
/* Copies; `episode->group` is filled in. log_probability [size + 1] or NULL (a policy without one: zeros). */
void replay_push(struct replay *replay, const struct episode *episode, const int32_t *code,
                 const float *log_probability);

/* The i-th oldest episode, 0 <= i < count, its z and log-probabilities. */
const struct episode *replay_at(const struct replay *replay, int64_t i);
const int32_t *replay_code(const struct replay *replay, int64_t i);
const float *replay_log_probability(const struct replay *replay, int64_t i);

/* A group drawn by a uniformly chosen episode; with probability `newest` among the episodes of the last
 * `newest_count` pushed. Returns the position of its first episode and its size. */
struct replay_group {
    int64_t first;
    int size;
};
struct replay_group replay_draw(const struct replay *replay, struct rng *rng, double newest,
                                int64_t newest_count);

/* The whole buffer in a checkpoint, under GROUP. Reading demands the same code room, no more episodes than
 * fit, texts below text_count and tokens below vocabulary. */
enum status replay_write(struct h5_file *file, const char *group, const struct replay *replay);
enum status replay_read(struct h5_file *file, const char *group, struct replay *replay, uint64_t text_count,
                        int vocabulary);

#endif
