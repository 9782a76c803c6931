/* Groups of replayed episodes. */
#include "train/learning/group.h"
#include <math.h>
#include <stdlib.h>
#include "train/acting/behaviour.h"
#include "train/replay/ranking.h"

static const float LEAST_SHARE = 0.01f; /* of the group's largest weight: lighter episodes are left out */

enum status group_open(struct group *g) {
    *g = (struct group){.episodes = calloc(EPISODES_MAXIMUM, sizeof *g->episodes),
                        .rewards = calloc(EPISODES_MAXIMUM, sizeof *g->rewards),
                        .weights = calloc(EPISODES_MAXIMUM, sizeof *g->weights),
                        .chosen = calloc(EPISODES_MAXIMUM, sizeof *g->chosen)};
    if (g->episodes && g->rewards && g->weights && g->chosen)
        return STATUS_OK;
    group_close(g);
    return fail(STATUS_MEMORY, "no memory for a group of %d episodes", (int)EPISODES_MAXIMUM);
}

void group_close(struct group *g) {
    free((void *)g->episodes);
    free(g->rewards);
    free(g->weights);
    free(g->chosen);
    *g = (struct group){0};
}

static void normalize_rewards(struct group *g, int count) {
    double mean = 0, variance = 0;
    for (int i = 0; i < count; i++)
        mean += (double)g->rewards[i] / count;
    for (int i = 0; i < count; i++)
        variance += ((double)g->rewards[i] - mean) * ((double)g->rewards[i] - mean) / count;
    g->scale = (float)(1 / (sqrt(variance) + 1e-6));
    for (int i = 0; i < count; i++)
        g->rewards[i] = (g->rewards[i] - (float)mean) * g->scale;
}

/* The best episode by the rewards of the group; -1: none. */
static int best_of(const struct group *g, int count, enum ranking ranking) {
    struct leader leader = {ranking, -1, {0}};
    for (int i = 0; i < count; i++)
        leader_offer(&leader,
                     &(struct merit){.exact = g->episodes[i]->exact != 0, .reward = (double)g->rewards[i]},
                     i);
    return (int)leader.at;
}

void group_read(struct group *g, const struct episode_source *source, struct replay_group read) {
    const struct environment *environment = source->environment;
    int count = read.size < EPISODES_MAXIMUM ? read.size : EPISODES_MAXIMUM;
    double sum = 0;
    g->first = read.first;
    for (int i = 0; i < count; i++) {
        g->episodes[i] = replay_at(source->replay, read.first + i);
        g->rewards[i] = (float)reward_sum(environment->reward_weights, g->episodes[i]->terms);
        g->weights[i] = 0.0f;
    }
    g->scale = 1.0f;
    if (environment->settings->reward.normalize == NORMALIZE_GROUP)
        normalize_rewards(g, count);
    for (int i = 0; i < count; i++)
        sum += (double)g->rewards[i];
    g->candidates = (struct candidates){count, g->episodes, g->rewards, (float)(sum / count),
                                        best_of(g, count, ranking_of_learning(environment->settings))};
}

/* Into g->weights; the largest magnitude. */
static float weigh_episodes(struct group *g, const struct algorithm *a,
                            const struct train_settings *settings) {
    float largest = 0.0f;
    if (a->episode_weights)
        a->episode_weights(settings, &g->candidates, g->weights);
    for (int i = 0; i < g->candidates.count; i++) {
        if (!a->episode_weights)
            g->weights[i] = 1.0f;
        if ((a->needs & NEEDS_SAMPLES) && g->episodes[i]->policy != POLICY_sample)
            g->weights[i] = 0.0f;
        largest = fmaxf(largest, fabsf(g->weights[i]));
    }
    return largest;
}

/* Exchanges two numbers. */
static void swap(int *numbers, int i, int j) {
    int kept = numbers[i];
    numbers[i] = numbers[j];
    numbers[j] = kept;
}

/* Puts `number` first; whether it is there. */
static bool put_first(int *numbers, int count, int number) {
    for (int i = 0; i < count; i++)
        if (numbers[i] == number) {
            swap(numbers, 0, i);
            return true;
        }
    return false;
}

/* The first `wanted` places get numbers at random, those before `fixed` keep theirs. */
static void shuffle_partly(struct rng *rng, int *numbers, int count, int wanted, int fixed) {
    for (int k = 0; k < wanted; k++) {
        int other = k + (int)rng_below(rng, (uint64_t)(count - k)); /* drawn for fixed places, too */
        if (k >= fixed)
            swap(numbers, k, other);
    }
}

void group_choose(struct group *g, const struct algorithm *algorithm, const struct episode_source *source) {
    const struct train_settings *settings = source->environment->settings;
    int found = 0, most = (int)settings->rl.episodes;
    float largest = weigh_episodes(g, algorithm, settings);
    for (int i = 0; i < g->candidates.count; i++)
        if (g->weights[i] != 0.0f && fabsf(g->weights[i]) >= LEAST_SHARE * largest)
            g->chosen[found++] = i;
    if (found > most)
        shuffle_partly(source->rng, g->chosen, found, most,
                       put_first(g->chosen, found, g->candidates.best) ? 1 : 0);
    g->chosen_count = found < most ? found : most;
}

int64_t group_best(const struct episode_source *source, struct replay_group group) {
    const struct environment *environment = source->environment;
    struct leader leader = {ranking_of_learning(environment->settings), -1, {0}};
    for (int64_t i = group.first; i < group.first + group.size; i++) {
        const struct episode *e = replay_at(source->replay, i);
        leader_offer(&leader,
                     &(struct merit){.exact = e->exact != 0,
                                     .reward = reward_sum(environment->reward_weights, e->terms)},
                     i);
    }
    return leader.at;
}
