/* Where learning draws its episodes from: the replay, by the options replay.newest, half_life and
 * reward_scale, and by whether the decompressor has learned from their text (rl.unseen).
 *
 * Simple use:
 *     struct text text;
 *     struct replay_group group = source_draw(&source, false, TEXT_ANY, &text);
 */
#ifndef LACONIC_TRAIN_LEARNING_SOURCE_H
#define LACONIC_TRAIN_LEARNING_SOURCE_H

#include "train/replay/replay.h"
#include "train/task/environment.h"

/* Everything is borrowed. */
struct episode_source {
    const struct environment *environment;
    struct replay *replay; /* not empty */
    struct rng *rng;
    int64_t newest; /* episodes of the last iteration */
    int64_t now;    /* the iteration */
};

/* A group of episodes about a text of this part, and its text. */
struct replay_group source_draw(const struct episode_source *source, bool newest_only, enum text_part part,
                                struct text *text);

#endif
