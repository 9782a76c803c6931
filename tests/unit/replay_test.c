/* The replay buffer: wrap-around, whole groups, sampling shares, checkpoint. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "train/replay.h"

enum { ROOM = 5 };

/* Pushes a group of `size` episodes about text `text`, whose codes and rewards tell them apart. */
static void push_group(struct replay *replay, uint64_t text, int size) {
    replay_begin_group(replay, size);
    for (int i = 0; i < size; i++) {
        int32_t code[ROOM] = {(int32_t)text, i, 7, 8, 9};
        float log_probability[ROOM + 1] = {-1, -2, -3, -4, -5, -6};
        struct episode episode = {.text = text,
                                  .policy = i,
                                  .size = 1 + i % ROOM,
                                  .exact = i == 0,
                                  .reward = (float)text + 0.1f * (float)i,
                                  .nats = 2.5f,
                                  .terms = {1, 2, 3}};
        replay_push(replay, &episode, code, i % 2 ? NULL : log_probability);
    }
}

static void expect_consistent(const struct replay *replay) {
    for (int64_t i = 0; i < replay->count; i++) {
        const struct episode *e = replay_at(replay, i);
        cr_expect_eq(replay_code(replay, i)[0], (int32_t)e->text);
        if (e->size > 1)
            cr_expect_eq(replay_code(replay, i)[1], e->policy);
        cr_expect_eq(replay_log_probability(replay, i)[0], e->policy % 2 ? 0.0f : -1.0f);
        if (i > 0)
            cr_expect_geq(e->group, replay_at(replay, i - 1)->group, "oldest first");
    }
}

Test(replay, wraps_around_by_whole_groups) {
    struct replay replay;
    cr_assert_eq(replay_open(&replay, 10, ROOM), STATUS_OK);
    for (uint64_t text = 0; text < 50; text++) {
        push_group(&replay, text, 1 + (int)(text % 4));
        cr_assert_leq(replay.count, 10);
        expect_consistent(&replay);
        cr_expect_eq(replay_at(&replay, replay.count - 1)->text, text, "the newest is there");
        uint64_t oldest = replay_at(&replay, 0)->text;
        cr_expect_eq(replay_at(&replay, 0)->policy, 0, "the oldest group %d is whole", (int)oldest);
    }
    replay_close(&replay);
}

Test(replay, holds_a_group_as_large_as_itself) {
    struct replay replay;
    cr_assert_eq(replay_open(&replay, 4, ROOM), STATUS_OK);
    push_group(&replay, 1, 3);
    push_group(&replay, 2, 4);
    cr_expect_eq(replay.count, 4);
    cr_expect_eq(replay_at(&replay, 0)->text, 2);
    replay_close(&replay);
}

Test(replay, draws_follow_the_shares) {
    struct replay replay;
    struct rng rng;
    int drawn[10] = {0};
    rng_seed(&rng, 1, "draws");
    cr_assert_eq(replay_open(&replay, 100, ROOM), STATUS_OK);
    for (uint64_t text = 0; text < 10; text++)
        push_group(&replay, text, 4);
    enum { DRAWS = 20000 };
    for (int i = 0; i < DRAWS; i++) { /* half of the draws from the newest group of 4 */
        struct replay_group group = replay_draw(&replay, &rng, 0.5, 4);
        cr_assert_eq(group.size, 4);
        cr_assert_eq(replay_at(&replay, group.first)->policy, 0);
        drawn[replay_at(&replay, group.first)->text]++;
    }
    for (int text = 0; text < 9; text++)
        cr_expect_float_eq((double)drawn[text] / DRAWS, 0.05, 0.01, "text %d", text);
    cr_expect_float_eq((double)drawn[9] / DRAWS, 0.55, 0.02);
    replay_close(&replay);
}

Test(replay, survives_a_checkpoint) {
    struct replay replay, again;
    struct h5_file *file = NULL;
    char path[64];
    snprintf(path, sizeof path, "replay-test-%d.h5", (int)getpid());
    cr_assert_eq(replay_open(&replay, 10, ROOM), STATUS_OK);
    cr_assert_eq(replay_open(&again, 10, ROOM), STATUS_OK);
    for (uint64_t text = 0; text < 7; text++)
        push_group(&replay, text, 3);
    cr_assert_eq(h5_create(&file, path), STATUS_OK);
    cr_assert_eq(replay_write(file, "replay", &replay), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(h5_commit(file), STATUS_OK);
    h5_close(file);
    cr_assert_eq(h5_open(&file, path), STATUS_OK);
    cr_assert_eq(replay_read(file, "replay", &again, 7, 10), STATUS_OK, "%s", fail_sentence());
    cr_expect_eq(again.count, replay.count);
    cr_expect_eq(again.groups, replay.groups);
    for (int64_t i = 0; i < replay.count; i++) {
        cr_expect_eq(memcmp(replay_at(&replay, i), replay_at(&again, i), sizeof(struct episode)), 0);
        cr_expect_arr_eq(replay_code(&replay, i), replay_code(&again, i), ROOM * sizeof(int32_t));
    }
    struct replay smaller;
    cr_assert_eq(replay_open(&smaller, 5, ROOM), STATUS_OK);
    cr_expect_eq(replay_read(file, "replay", &smaller, 7, 10), STATUS_FORMAT,
                 "more episodes than it can hold");
    cr_expect_eq(replay_read(file, "replay", &again, 6, 10), STATUS_FORMAT, "a text that does not exist");
    cr_expect_eq(replay_read(file, "replay", &again, 7, 7), STATUS_FORMAT, "a token outside the vocabulary");
    h5_close(file);
    replay_close(&smaller);
    replay_close(&again);
    replay_close(&replay);
    unlink(path);
}
