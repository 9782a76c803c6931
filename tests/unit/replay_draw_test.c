/* Drawing from the replay buffer: by age, by reward, the newest. */
#include <math.h>
#include <string.h>
#include "replay_world.h"

/* The buffer's own rule, written plainly: a candidate, and nothing else. */
static int64_t plain_draw(const struct replay *replay, struct rng *rng, double newest, int64_t newest_count) {
    int64_t span = replay->count;
    if (newest_count > 0 && newest_count < replay->count && (double)rng_uniform(rng) < newest)
        span = newest_count;
    int64_t at = replay->count - span + (int64_t)rng_below(rng, (uint64_t)span);
    while (at > 0 && replay_at(replay, at - 1)->group == replay_at(replay, at)->group)
        at--;
    return at;
}

Test(replay_draw, without_preferences_only_the_candidate_is_drawn) {
    struct replay replay;
    struct rng one, other;
    rng_seed(&one, 5, "draws");
    rng_seed(&other, 5, "draws");
    open_replay(&replay, sized(20, 100, 0));
    for (uint64_t text = 0; text < 9; text++)
        push_group(&replay, text, 1 + (int)(text % 3));
    for (int i = 0; i < 1000; i++) {
        struct replay_sampling sampling = {.newest = 0.1 * (i % 11), .newest_count = i % 4, .now = i};
        cr_assert_eq(replay_draw(&replay, &one, &sampling).first,
                     plain_draw(&replay, &other, sampling.newest, sampling.newest_count));
    }
    cr_expect_eq(memcmp(&one, &other, sizeof one), 0);
    replay_close(&replay);
}

Test(replay_draw, draws_follow_the_shares) {
    const double half_lives[] = {0, 1.5}; /* age does not change the share of the newest */
    for (int h = 0; h < 2; h++) {
        struct replay replay;
        struct rng rng;
        int newest = 0;
        enum { DRAWS = 20000 };
        rng_seed(&rng, 1, "draws");
        open_replay(&replay, sized(100, 500, 0));
        for (uint64_t text = 0; text < 10; text++)
            push_group(&replay, text, 4);
        double of_all[] = {0.1, (1 - exp2(-1 / 1.5)) / (1 - exp2(-10 / 1.5))};
        for (int i = 0; i < DRAWS; i++) { /* half of the draws from the newest group of 4 */
            struct replay_sampling sampling = {
                .newest = 0.5, .newest_count = 4, .half_life = half_lives[h], .now = 9};
            struct replay_group group = replay_draw(&replay, &rng, &sampling);
            cr_assert_eq(group.size, 4);
            cr_assert_eq(replay_at(&replay, group.first)->policy, 0);
            newest += replay_at(&replay, group.first)->text == 9;
        }
        cr_expect_float_eq((double)newest / DRAWS, 0.5 + 0.5 * of_all[h], 0.015);
        replay_close(&replay);
    }
}

/* Pearson's statistic of draws from groups whose chances are known must look like its distribution. */
static void expect_distribution(const struct replay_sampling *sampling) {
    enum { GROUPS = 8, DRAWS = 40000 };
    struct replay replay;
    struct rng rng;
    double chance[GROUPS] = {0}, sum = 0, statistic = 0;
    int drawn[GROUPS] = {0};
    rng_seed(&rng, 3, "draws");
    open_replay(&replay, sized(40, 200, 0));
    for (int64_t group = 0; group < GROUPS; group++) {
        int size = 1 + (int)(group % 3);
        replay_begin_group(&replay, size, size);
        for (int i = 0; i < size; i++) {
            struct episode e = {.text = (uint64_t)group,
                                .iteration = group,
                                .tokens = 1,
                                .reward = -0.1f * (float)((group * 5 + i) % GROUPS)};
            replay_push(&replay, &e, (int32_t[]){1}, NULL);
            double age = sampling->half_life > 0 ? (double)(sampling->now - group) / sampling->half_life : 0;
            double less = sampling->reward_scale > 0 ? -(double)e.reward / sampling->reward_scale : 0;
            chance[group] += exp2(-age) * exp(-less);
        }
        sum += chance[group];
    }
    for (int i = 0; i < DRAWS; i++)
        drawn[replay_at(&replay, replay_draw(&replay, &rng, sampling).first)->text]++;
    for (int group = 0; group < GROUPS; group++) {
        double expected = DRAWS * chance[group] / sum;
        statistic += (drawn[group] - expected) * (drawn[group] - expected) / expected;
    }
    cr_expect_lt(statistic, 24.3, "one in a thousand exceeds this with 7 degrees of freedom");
    replay_close(&replay);
}

Test(replay_draw, draws_follow_age_and_reward) {
    expect_distribution(&(struct replay_sampling){.now = 7});
    expect_distribution(&(struct replay_sampling){.now = 7, .half_life = 2});
    expect_distribution(&(struct replay_sampling){.now = 7, .reward_scale = 0.15});
    expect_distribution(&(struct replay_sampling){.now = 9, .half_life = 3, .reward_scale = 0.3});
}

Test(replay_draw, highest_reward_is_that_of_episodes_held) {
    struct replay replay;
    struct rng rng;
    struct replay_statistics s;
    struct replay_sampling sampling = {.reward_scale = 0.01};
    const float rewards[] = {9, 1, 1, 1, 2};
    rng_seed(&rng, 4, "draws");
    open_replay(&replay, sized(4, 20, 0));
    for (uint64_t text = 0; text < 5; text++) { /* the 9 leaves when the 2 comes */
        replay_begin_group(&replay, 1, 1);
        replay_push(&replay, &(struct episode){.text = text, .tokens = 1, .reward = rewards[text]},
                    (int32_t[]){1}, NULL);
        if (text == 3)
            cr_expect_eq(replay_draw(&replay, &rng, &sampling).first, 0);
    }
    replay_statistics(&replay, 0, &s);
    for (int i = 0; i < 500; i++)
        cr_assert_eq(replay_at(&replay, replay_draw(&replay, &rng, &sampling).first)->text, 4);
    replay_statistics(&replay, 0, &s);
    cr_expect_float_eq(s.acceptance, 0.25, 0.05, "one of four is taken");
    replay_close(&replay);
}

Test(replay_draw, hopeless_preferences_still_draw) {
    struct replay replay;
    struct rng rng;
    struct replay_statistics s;
    rng_seed(&rng, 6, "draws");
    open_replay(&replay, sized(4, 20, 0));
    push_group(&replay, 0, 1);
    push_group(&replay, 1, 1);
    for (int i = 0; i < 10; i++)
        replay_draw(&replay, &rng, &(struct replay_sampling){.half_life = 1, .now = 1000000});
    cr_expect_eq(replay.tried, 10 * REPLAY_TRIES);
    replay_statistics(&replay, 1000000, &s);
    cr_expect_eq(s.acceptance, 0);
    cr_expect_eq(s.largest_age, 1000000);
    replay_statistics(&replay, 1000000, &s);
    cr_expect_eq(s.acceptance, 1, "nothing was drawn since");
    replay_close(&replay);
}
