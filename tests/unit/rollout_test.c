/* Rollouts keep one of each code, find the best, and file groups into the replay. */
#include <criterion/criterion.h>
#include "train/acting/behaviour.h"

static const int32_t base[] = {10, 20, 30, 40};

Test(rollout, keeps_one_of_each_and_finds_the_best) {
    struct rollout r;
    cr_assert_eq(rollout_open(&r, 2, 3, 4), STATUS_OK);
    rollout_add_text(&r)->index = 42;
    cr_expect_eq(r.base[0], -1);
    cr_expect(rollout_propose(&r, 0, &(struct proposal){POLICY_greedy, 3, base, NULL, {0}, false}));
    cr_expect_not(rollout_propose(&r, 0, &(struct proposal){POLICY_sample, 3, base, NULL, {0}, false}),
                  "again");
    cr_expect_not(rollout_propose(&r, 0, &(struct proposal){POLICY_sample, 5, base, NULL, {0}, false}),
                  "too long");
    cr_expect(rollout_propose(&r, 0,
                              &(struct proposal){POLICY_sample, 2, base, (float[]){-1, -2, -3}, {0}, false}));
    cr_expect(rollout_propose(&r, 0, &(struct proposal){POLICY_sample, 1, base, NULL, {0}, false}));
    cr_expect_not(rollout_propose(&r, 0, &(struct proposal){POLICY_sample, 0, base, NULL, {0}, false}),
                  "full");
    cr_expect_eq(rollout_find(&r, 0, base, 2), 1);
    cr_expect_eq(rollout_find(&r, 0, base, 0), -1);
    cr_expect_eq(rollout_best(&r, 0, RANKING_SHORTEST), -1, "nothing scored yet");
    r.scored[0] = 3;
    rollout_episode(&r, 0, 0)->exact = rollout_episode(&r, 0, 1)->exact = 1;
    cr_expect_eq(rollout_best(&r, 0, RANKING_SHORTEST), 1, "the shorter of the exact ones");
    cr_expect_eq(rollout_episode(&r, 0, 1)->text, 42);
    cr_expect_eq(rollout_episode(&r, 0, 1)->has_log_probability, 1);
    cr_expect_eq(rollout_episode(&r, 0, 2)->has_log_probability, 0);
    rollout_close(&r);
}

Test(rollout, a_code_may_be_two_episodes_where_frequencies_count) {
    struct rollout r;
    cr_assert_eq(rollout_open(&r, 1, 3, 4), STATUS_OK);
    rollout_add_text(&r);
    for (int i = 0; i < 2; i++)
        cr_expect(
            rollout_propose(&r, 0, &(struct proposal){POLICY_sample, 3, base, (float[4]){0}, {0}, true}));
    cr_expect_eq(r.count[0], 2);
    rollout_close(&r);
}

Test(rollout, files_groups_with_their_probabilities) {
    struct rollout r;
    struct replay replay;
    float log_probability[5];
    int32_t code[4];
    cr_assert_eq(rollout_open(&r, 3, 3, 4), STATUS_OK);
    cr_assert_eq(replay_open(&replay, &(struct replay_size){8, 32, 262, 4, 0}), STATUS_OK);
    for (uint64_t i = 0; i < 3; i++)
        rollout_add_text(&r)->index = 40 + i;
    rollout_propose(&r, 0, &(struct proposal){POLICY_greedy, 3, base, NULL, {0}, false});
    rollout_propose(&r, 2, &(struct proposal){POLICY_sample, 2, base, (float[]){-1, -2, -3}, {0}, false});
    rollout_propose(&r, 2, &(struct proposal){POLICY_copy, 4, base, NULL, {0}, false});
    rollout_store(&r, &replay, 7);
    cr_expect_eq(replay.count, 3);
    cr_expect_eq(replay_at(&replay, 1)->text, 42);
    cr_expect_eq(replay_at(&replay, 1)->iteration, 7);
    cr_expect_eq(replay_at(&replay, 1)->group, replay_at(&replay, 2)->group);
    cr_expect_neq(replay_at(&replay, 0)->group, replay_at(&replay, 1)->group);
    replay_code(&replay, 1, code);
    cr_expect_arr_eq(code, base, 2 * sizeof *code);
    cr_expect(replay_log_probability(&replay, 1, log_probability));
    cr_expect_arr_eq(log_probability, ((const float[]){-1, -2, -3}), 3 * sizeof(float));
    cr_expect_not(replay_log_probability(&replay, 2, log_probability));
    replay_close(&replay);
    rollout_close(&r);
}
