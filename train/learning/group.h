/* The episodes about one text that the replay holds together, as learning sees them: with their rewards under
 * the present weights, which of them is the best, and what an algorithm makes of each.
 *
 * Simple use:
 *     group_open(&group);
 *     group_read(&group, &source, source_draw(&source, false, TEXT_ANY, &text));
 *     group_choose(&group, algorithm, &source);
 *     for (int i = 0; i < group.chosen_count; i++)
 *         group.candidates.episodes[group.chosen[i]] ...
 */
#ifndef LACONIC_TRAIN_LEARNING_GROUP_H
#define LACONIC_TRAIN_LEARNING_GROUP_H

#include "train/learning/algorithm.h"
#include "train/learning/source.h"

struct group {
    int64_t first;                   /* of the group, in the replay */
    const struct episode **episodes; /* [EPISODES_MAXIMUM] */
    float *rewards, *weights;        /* [EPISODES_MAXIMUM] after normalisation; by the algorithm */
    float scale;                     /* what normalisation multiplied rewards by */
    int *chosen, chosen_count;       /* [EPISODES_MAXIMUM] numbers of the episodes to learn from */
    struct candidates candidates;
};

enum status group_open(struct group *group);
void group_close(struct group *group); /* safe on a zeroed group */

/* Valid until episodes are added to the replay. */
void group_read(struct group *group, const struct episode_source *source, struct replay_group read);

/* Weighs the episodes by the algorithm and chooses at most rl.episodes of them: the best one and others at
 * random. */
void group_choose(struct group *group, const struct algorithm *algorithm,
                  const struct episode_source *source);

/* The best episode of a group under the present weights, as a position in the replay; -1: none. */
int64_t group_best(const struct episode_source *source, struct replay_group group);

#endif
