/* Drawing from the replay buffer, and what it holds in numbers. */
#include <assert.h>
#include <math.h>
#include "train/replay/replay.h"

/* ---- drawing ---- */

/* The highest reward held. Looked for again only after the episode that had it left: once per iteration at
 * most, as nothing leaves between draws. */
static double highest_reward(struct replay *r) {
    if (!r->highest_is_known) {
        r->highest = -INFINITY;
        for (int64_t i = 0; i < r->count; i++)
            r->highest = fmaxf(r->highest, replay_at(r, i)->reward);
        r->highest_is_known = true;
    }
    return (double)r->highest;
}

/* That a candidate is taken, at most 1: 2 ^ -(age / half_life) * e ^ -((highest - reward) / reward_scale). */
static double chance_of(struct replay *r, const struct episode *e, const struct replay_sampling *sampling) {
    double halvings = 0, folds = 0;
    if (sampling->half_life > 0)
        halvings = ((double)sampling->now - (double)e->iteration) / sampling->half_life;
    if (sampling->reward_scale > 0)
        folds = (highest_reward(r) - (double)e->reward) / sampling->reward_scale;
    return exp2(-halvings) * exp(-folds);
}

/* One of the last `span` episodes. */
static int64_t draw_episode(struct replay *r, struct rng *rng, const struct replay_sampling *sampling,
                            int64_t span) {
    bool all_alike = sampling->half_life <= 0 && sampling->reward_scale <= 0;
    int64_t at = 0;
    bool taken = false;
    for (int i = 0; i < REPLAY_TRIES && !taken; i++) {
        at = r->count - span + (int64_t)rng_below(rng, (uint64_t)span);
        taken = all_alike || (double)rng_uniform(rng) < chance_of(r, replay_at(r, at), sampling);
        r->tried++;
    }
    r->accepted += taken;
    return at;
}

static struct replay_group group_around(const struct replay *r, int64_t at) {
    uint64_t group = replay_at(r, at)->group;
    int64_t begin = at, end = at + 1;
    while (begin > 0 && replay_at(r, begin - 1)->group == group)
        begin--;
    while (end < r->count && replay_at(r, end)->group == group)
        end++;
    return (struct replay_group){begin, (int)(end - begin)};
}

struct replay_group replay_draw(struct replay *r, struct rng *rng, const struct replay_sampling *sampling) {
    assert(r->count > 0);
    int64_t span = r->count;
    if (sampling->newest_count > 0 && sampling->newest_count < r->count &&
        (double)rng_uniform(rng) < sampling->newest)
        span = sampling->newest_count;
    return group_around(r, draw_episode(r, rng, sampling, span));
}

/* ---- statistics ---- */

static uint64_t bytes_held(const struct replay *r) {
    uint64_t best = (uint64_t)r->best.count;
    return (uint64_t)r->count * (sizeof *r->episodes + sizeof *r->places) +
           ring_count(&r->codes) * r->codes.width + ring_count(&r->log_probability) * sizeof(float) +
           best * (sizeof *r->best.entries + sizeof *r->best.slots +
                   (size_t)r->best.code_limit * r->best.width);
}

static void count_episodes(const struct replay *r, int64_t now, struct replay_statistics *s) {
    double each = 1 / (double)r->count;
    int64_t policies[POLICIES_MAXIMUM] = {0}, exact = 0;
    double ages = 0;
    for (int64_t i = 0; i < r->count; i++) {
        const struct episode *e = replay_at(r, i);
        int64_t age = now - e->iteration;
        policies[e->policy]++;
        exact += e->exact;
        ages += (double)age;
        s->largest_age = age > s->largest_age ? age : s->largest_age;
    }
    for (int policy = 0; policy < POLICIES_MAXIMUM; policy++)
        s->share[policy] = (double)policies[policy] * each;
    s->exact = (double)exact * each;
    s->mean_age = ages * each;
}

void replay_statistics(struct replay *r, int64_t now, struct replay_statistics *s) {
    *s = (struct replay_statistics){.episodes = r->count,
                                    .tokens = (int64_t)ring_count(&r->codes),
                                    .best = r->best.count,
                                    .bytes = bytes_held(r),
                                    .reserved = r->reserved,
                                    .acceptance = 1};
    if (r->count > 0)
        count_episodes(r, now, s);
    if (r->tried > 0)
        s->acceptance = (double)r->accepted / (double)r->tried;
    r->accepted = r->tried = 0;
}
