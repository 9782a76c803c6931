/* The replay buffer: leaving by whole groups, drawing by age and reward, best codes, statistics, checkpoints;
 * at the end a plain model of it beside the real one. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "train/replay.h"

enum { ROOM = 5, VOCABULARY = 300 };

static struct replay_size sized(int64_t episodes, int64_t tokens, int64_t best) {
    return (struct replay_size){episodes, tokens, VOCABULARY, ROOM, best};
}

static void open_replay(struct replay *replay, struct replay_size size) {
    cr_assert_eq(replay_open(replay, &size), STATUS_OK, "%s", fail_sentence());
}

static int size_of(int i) {
    return 1 + i % ROOM;
}

/* Pushes a group of `size` episodes about text `text`, whose codes and rewards tell them apart. */
static void push_group(struct replay *replay, uint64_t text, int size) {
    int64_t tokens = 0;
    for (int i = 0; i < size; i++)
        tokens += size_of(i);
    replay_begin_group(replay, size, tokens);
    for (int i = 0; i < size; i++) {
        int32_t code[ROOM] = {(int32_t)text, i, 7, 8, 9};
        float log_probability[ROOM + 1] = {-1, -2, -3, -4, -5, -(float)text};
        struct episode episode = {.text = text,
                                  .iteration = (int64_t)text,
                                  .policy = i,
                                  .size = size_of(i),
                                  .exact = i == 0,
                                  .reward = (float)text + 0.1f * (float)i,
                                  .nats = 2.5f,
                                  .terms = {1, 2, 3}};
        replay_push(replay, &episode, code, i % 2 ? NULL : log_probability);
    }
}

static void expect_consistent(const struct replay *replay) {
    int64_t tokens = 0;
    for (int64_t i = 0; i < replay->count; i++) {
        const struct episode *e = replay_at(replay, i);
        const int32_t expected[ROOM] = {(int32_t)e->text, e->policy, 7, 8, 9};
        const float reals[ROOM + 1] = {-1, -2, -3, -4, -5, -(float)e->text};
        int32_t code[ROOM];
        float log_probability[ROOM + 1];
        size_t size = (size_t)e->size;
        tokens += e->size;
        replay_code(replay, i, code);
        cr_expect_arr_eq(code, expected, size * sizeof *code);
        cr_expect_eq(e->known, e->policy % 2 == 0);
        cr_expect_eq(replay_log_probability(replay, i, log_probability), e->known);
        if (e->known)
            cr_expect_arr_eq(log_probability, reals, (size + 1) * sizeof *reals);
        if (i > 0)
            cr_expect_geq(e->group, replay_at(replay, i - 1)->group, "oldest first");
    }
    cr_expect_leq(tokens, replay->size.tokens);
    cr_expect_eq(replay_at(replay, 0)->policy, 0, "the oldest group is whole");
}

/* ---- room ---- */

Test(replay, wraps_around_by_whole_groups) {
    const struct {
        struct replay_size size;
        int64_t held;                                 /* of groups of 1, 2, 3, 4, after the last push */
    } cases[] = {{{10, 50, VOCABULARY, ROOM, 0}, 10}, /* no more episodes */
                 {{12, 18, VOCABULARY, ROOM, 0}, 7},  /* no more tokens: 10 + 6, but not 10 + 6 + 3 */
                 {{10, 50, 1 << 16, ROOM, 0}, 10},
                 {{10, 50, (1 << 16) + 1, ROOM, 0}, 10}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct replay replay;
        open_replay(&replay, cases[c].size);
        for (uint64_t text = 0; text < 48; text++) {
            push_group(&replay, text, 1 + (int)(text % 4));
            cr_assert_leq(replay.count, replay.size.episodes);
            expect_consistent(&replay);
            cr_expect_eq(replay_at(&replay, replay.count - 1)->text, text, "the newest is there");
        }
        cr_expect_eq(replay.groups, 48);
        cr_expect_eq(replay.count, cases[c].held);
        replay_close(&replay);
    }
}

Test(replay, holds_a_group_as_large_as_itself) {
    struct replay replay;
    open_replay(&replay, sized(4, 10, 0));
    push_group(&replay, 1, 3);
    push_group(&replay, 2, 4);
    cr_expect_eq(replay.count, 4);
    cr_expect_eq(replay_at(&replay, 0)->text, 2);
    expect_consistent(&replay);
    replay_close(&replay);
}

Test(replay, packs_ids_as_narrow_as_the_vocabulary_allows) {
    for (int vocabulary = 1 << 16; vocabulary <= (1 << 16) + 1; vocabulary++) {
        struct replay replay;
        struct replay_size size = {2, 10, vocabulary, ROOM, 2};
        int32_t code[ROOM] = {0, vocabulary - 1, 1, 2, 259}, out[ROOM];
        int length;
        open_replay(&replay, size);
        replay_begin_group(&replay, 1, ROOM);
        replay_push(&replay, &(struct episode){.text = 3, .size = ROOM, .exact = 1}, code, NULL);
        replay_code(&replay, 0, out);
        cr_expect_arr_eq(out, code, sizeof code);
        cr_assert(replay_best(&replay, 3, out, &length));
        cr_expect_arr_eq(out, code, sizeof code);
        replay_close(&replay);
    }
    cr_expect_eq(tokens_width(1 << 16), 2);
    cr_expect_eq(tokens_width((1 << 16) + 1), 4);
}

Test(replay, refuses_sizes_beyond_memory) {
    const struct replay_size sizes[] = {{INT64_MAX, 1, VOCABULARY, ROOM, 0},
                                        {1, INT64_MAX, VOCABULARY, ROOM, 0},
                                        {1, 1, VOCABULARY, ROOM, INT64_MAX},
                                        {INT64_MAX / 100, INT64_MAX / 8, VOCABULARY, ROOM, 0},
                                        {1, 1, VOCABULARY, INT32_MAX, INT64_MAX / (1 << 20)}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct replay replay;
        cr_expect_eq(replay_open(&replay, &sizes[i]), STATUS_LIMIT, "sizes %zu", i);
        cr_expect(strstr(fail_sentence(), "lower replay.capacity") != NULL, "%s", fail_sentence());
        replay_close(&replay);
    }
}

/* ---- drawing ---- */

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

Test(replay, without_tastes_only_the_candidate_is_drawn) {
    struct replay replay;
    struct rng one, other;
    rng_seed(&one, 5, "draws");
    rng_seed(&other, 5, "draws");
    open_replay(&replay, sized(20, 100, 0));
    for (uint64_t text = 0; text < 9; text++)
        push_group(&replay, text, 1 + (int)(text % 3));
    for (int i = 0; i < 1000; i++) {
        struct replay_taste taste = {.newest = 0.1 * (i % 11), .newest_count = i % 4, .now = i};
        cr_assert_eq(replay_draw(&replay, &one, &taste).first,
                     plain_draw(&replay, &other, taste.newest, taste.newest_count));
    }
    cr_expect_eq(memcmp(&one, &other, sizeof one), 0);
    replay_close(&replay);
}

Test(replay, draws_follow_the_shares) {
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
            struct replay_taste taste = {
                .newest = 0.5, .newest_count = 4, .half_life = half_lives[h], .now = 9};
            struct replay_group group = replay_draw(&replay, &rng, &taste);
            cr_assert_eq(group.size, 4);
            cr_assert_eq(replay_at(&replay, group.first)->policy, 0);
            newest += replay_at(&replay, group.first)->text == 9;
        }
        cr_expect_float_eq((double)newest / DRAWS, 0.5 + 0.5 * of_all[h], 0.015);
        replay_close(&replay);
    }
}

/* Pearson's statistic of draws from groups whose chances are known must look like its distribution. */
static void expect_distribution(const struct replay_taste *taste) {
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
                                .size = 1,
                                .reward = -0.1f * (float)((group * 5 + i) % GROUPS)};
            replay_push(&replay, &e, (int32_t[]){1}, NULL);
            double age = taste->half_life > 0 ? (double)(taste->now - group) / taste->half_life : 0;
            double less = taste->reward_scale > 0 ? -(double)e.reward / taste->reward_scale : 0;
            chance[group] += exp2(-age) * exp(-less);
        }
        sum += chance[group];
    }
    for (int i = 0; i < DRAWS; i++)
        drawn[replay_at(&replay, replay_draw(&replay, &rng, taste).first)->text]++;
    for (int group = 0; group < GROUPS; group++) {
        double expected = DRAWS * chance[group] / sum;
        statistic += (drawn[group] - expected) * (drawn[group] - expected) / expected;
    }
    cr_expect_lt(statistic, 24.3, "one in a thousand exceeds this with 7 degrees of freedom");
    replay_close(&replay);
}

Test(replay, draws_follow_age_and_reward) {
    expect_distribution(&(struct replay_taste){.now = 7});
    expect_distribution(&(struct replay_taste){.now = 7, .half_life = 2});
    expect_distribution(&(struct replay_taste){.now = 7, .reward_scale = 0.15});
    expect_distribution(&(struct replay_taste){.now = 9, .half_life = 3, .reward_scale = 0.3});
}

Test(replay, highest_reward_is_that_of_episodes_held) {
    struct replay replay;
    struct rng rng;
    struct replay_statistics s;
    struct replay_taste taste = {.reward_scale = 0.01};
    const float rewards[] = {9, 1, 1, 1, 2};
    rng_seed(&rng, 4, "draws");
    open_replay(&replay, sized(4, 20, 0));
    for (uint64_t text = 0; text < 5; text++) { /* the 9 leaves when the 2 comes */
        replay_begin_group(&replay, 1, 1);
        replay_push(&replay, &(struct episode){.text = text, .size = 1, .reward = rewards[text]},
                    (int32_t[]){1}, NULL);
        if (text == 3)
            cr_expect_eq(replay_draw(&replay, &rng, &taste).first, 0);
    }
    replay_statistics(&replay, 0, &s);
    for (int i = 0; i < 500; i++)
        cr_assert_eq(replay_at(&replay, replay_draw(&replay, &rng, &taste).first)->text, 4);
    replay_statistics(&replay, 0, &s);
    cr_expect_float_eq(s.acceptance, 0.25, 0.05, "one of four is taken");
    replay_close(&replay);
}

Test(replay, hopeless_tastes_still_draw) {
    struct replay replay;
    struct rng rng;
    struct replay_statistics s;
    rng_seed(&rng, 6, "draws");
    open_replay(&replay, sized(4, 20, 0));
    push_group(&replay, 0, 1);
    push_group(&replay, 1, 1);
    for (int i = 0; i < 10; i++)
        replay_draw(&replay, &rng, &(struct replay_taste){.half_life = 1, .now = 1000000});
    cr_expect_eq(replay.tried, 10 * REPLAY_TRIES);
    replay_statistics(&replay, 1000000, &s);
    cr_expect_eq(s.acceptance, 0);
    cr_expect_eq(s.largest_age, 1000000);
    replay_statistics(&replay, 1000000, &s);
    cr_expect_eq(s.acceptance, 1, "nothing was drawn since");
    replay_close(&replay);
}

/* ---- the best code of a text ---- */

static void push_one(struct replay *replay, uint64_t text, int size, int exact, float nats, int32_t id) {
    const int32_t code[ROOM] = {id, id, id, id, id};
    replay_begin_group(replay, 1, size);
    replay_push(replay, &(struct episode){.text = text, .size = size, .exact = exact, .nats = nats}, code,
                NULL);
}

/* The first id of the best code of a text; -1: none. */
static int32_t best_id(const struct replay *replay, uint64_t text) {
    int32_t code[ROOM] = {-1};
    int size = 0;
    if (!replay_best(replay, text, code, &size))
        return -1;
    for (int i = 1; i < size; i++)
        cr_expect_eq(code[i], code[0]);
    return code[0];
}

Test(replay, best_codes_outlive_their_groups) {
    struct replay replay;
    open_replay(&replay, sized(2, 10, 1000));
    cr_expect_eq(best_id(&replay, 7), -1);
    push_one(&replay, 7, 4, 0, 1, 10);
    cr_expect_eq(best_id(&replay, 7), -1, "not exact");
    push_one(&replay, 7, 4, 1, 3, 11);
    cr_expect_eq(best_id(&replay, 7), 11, "the first");
    push_one(&replay, 7, 5, 1, 1, 12);
    cr_expect_eq(best_id(&replay, 7), 11, "longer");
    push_one(&replay, 7, 4, 1, 3, 13);
    cr_expect_eq(best_id(&replay, 7), 11, "the same");
    push_one(&replay, 7, 4, 1, 2, 14);
    cr_expect_eq(best_id(&replay, 7), 14, "lower loss");
    push_one(&replay, 7, 2, 1, 9, 15);
    cr_expect_eq(best_id(&replay, 7), 15, "shorter");
    push_one(&replay, 8, 3, 1, 1, 16);
    push_one(&replay, 9, 3, 1, 1, 17);
    cr_expect_eq(replay_at(&replay, 0)->text, 8, "the groups of text 7 left");
    cr_expect_eq(best_id(&replay, 7), 15);
    replay_forget_best(&replay, 7);
    replay_forget_best(&replay, 7);
    replay_forget_best(&replay, 12345);
    cr_expect_eq(best_id(&replay, 7), -1, "told that it does not hold");
    cr_expect_eq(best_id(&replay, 8), 16);
    cr_expect_eq(best_id(&replay, 9), 17, "moved into the gap");
    push_one(&replay, 7, 5, 1, 9, 18);
    cr_expect_eq(best_id(&replay, 7), 18);
    replay_close(&replay);
}

Test(replay, a_newer_text_takes_the_slot_of_an_older_one) {
    struct replay replay;
    open_replay(&replay, sized(2, 10, 1));
    push_one(&replay, 1, 1, 1, 1, 11);
    push_one(&replay, 2, 5, 1, 9, 12);
    cr_expect_eq(best_id(&replay, 1), -1);
    cr_expect_eq(best_id(&replay, 2), 12);
    push_one(&replay, 1, 3, 0, 1, 13);
    cr_expect_eq(best_id(&replay, 2), 12);
    replay_close(&replay);
    open_replay(&replay, sized(2, 10, 0));
    push_one(&replay, 1, 1, 1, 1, 11);
    cr_expect_eq(best_id(&replay, 1), -1, "a table without room");
    replay_forget_best(&replay, 1);
    replay_close(&replay);
}

Test(replay, best_codes_are_drawn_uniformly) {
    enum { TEXTS = 5, DRAWS = 10000 };
    struct replay replay;
    struct rng rng;
    uint64_t text;
    int32_t code[ROOM];
    int size, drawn[TEXTS] = {0};
    rng_seed(&rng, 7, "draws");
    open_replay(&replay, sized(2, 10, 4096));
    cr_expect_not(replay_draw_best(&replay, &rng, &text, code, &size));
    for (uint64_t t = 0; t < TEXTS; t++)
        push_one(&replay, t, 1 + (int)t, 1, 1, (int32_t)t + 20);
    replay_forget_best(&replay, 2);
    for (int i = 0; i < DRAWS; i++) {
        cr_assert(replay_draw_best(&replay, &rng, &text, code, &size));
        cr_assert_lt(text, TEXTS);
        cr_assert_eq(size, 1 + (int)text);
        cr_assert_eq(code[size - 1], (int32_t)text + 20);
        drawn[text]++;
    }
    for (int t = 0; t < TEXTS; t++)
        cr_expect_float_eq((double)drawn[t] / DRAWS, t == 2 ? 0 : 0.25, 0.02);
    replay_close(&replay);
}

/* ---- statistics ---- */

Test(replay, statistics_describe_what_is_held) {
    struct replay replay;
    struct replay_statistics s;
    open_replay(&replay, sized(100, 500, 64));
    replay_statistics(&replay, 5, &s);
    cr_expect_eq(s.episodes + s.tokens + s.best + s.largest_age, 0);
    cr_expect_eq(s.bytes, 0);
    cr_expect_eq(s.mean_age, 0);
    push_group(&replay, 2, 3); /* sizes 1, 2, 3; the first is exact; the first and the last are known */
    push_group(&replay, 6, 1);
    replay_statistics(&replay, 10, &s);
    cr_expect_eq(s.episodes, 4);
    cr_expect_eq(s.tokens, 7);
    cr_expect_eq(s.best, 2);
    cr_expect_float_eq(s.mean_age, (3 * 8 + 4) / 4.0, 1e-12);
    cr_expect_eq(s.largest_age, 8);
    cr_expect_float_eq(s.share[0], 0.5, 1e-12);
    cr_expect_float_eq(s.share[1], 0.25, 1e-12);
    cr_expect_eq(s.share[3], 0);
    cr_expect_float_eq(s.exact, 0.5, 1e-12);
    size_t episode = sizeof(struct episode) + sizeof(struct replay_place);
    size_t best = sizeof(struct best_code) + sizeof(int64_t) + ROOM * 2;
    cr_expect_eq(s.bytes, 4 * episode + 7 * 2 + (2 + 4 + 2) * 4 + 2 * best);
    cr_expect_eq(s.reserved, 100 * episode + 500 * 2 + 600 * 4 + 64 * best);
    replay_close(&replay);
}

/* ---- checkpoints ---- */

static void path_of(char path[64], const char *name) {
    snprintf(path, 64, "replay-test-%d-%s.h5", (int)getpid(), name);
}

static void write_replay(const struct replay *replay, const char *path) {
    struct h5_file *file = NULL;
    cr_assert_eq(h5_create(&file, path), STATUS_OK);
    cr_assert_eq(replay_write(file, "replay", replay), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(h5_commit(file), STATUS_OK);
    h5_close(file);
}

static enum status read_replay(struct replay *replay, const char *path, uint64_t text_count) {
    struct h5_file *file = NULL;
    cr_assert_eq(h5_open(&file, path), STATUS_OK);
    enum status status = replay_read(file, "replay", replay, text_count);
    h5_close(file);
    return status;
}

/* Two buffers that hold the same, draw the same from now on. */
static void expect_equal(struct replay *a, struct replay *b) {
    struct rng one, other;
    struct replay_statistics s[2];
    cr_assert_eq(a->count, b->count);
    cr_expect_eq(a->groups, b->groups);
    cr_expect_eq(a->accepted, b->accepted);
    cr_expect_eq(a->tried, b->tried);
    for (int64_t i = 0; i < a->count; i++) {
        int32_t codes[2][ROOM] = {{0}};
        float reals[2][ROOM + 1] = {{0}};
        cr_expect_eq(memcmp(replay_at(a, i), replay_at(b, i), sizeof(struct episode)), 0);
        replay_code(a, i, codes[0]);
        replay_code(b, i, codes[1]);
        cr_expect_arr_eq(codes[0], codes[1], sizeof codes[0]);
        cr_expect_eq(replay_log_probability(a, i, reals[0]), replay_log_probability(b, i, reals[1]));
        cr_expect_arr_eq(reals[0], reals[1], sizeof reals[0]);
    }
    rng_seed(&one, 8, "draws");
    other = one;
    for (int i = 0; i < 200 && a->count > 0; i++) {
        struct replay_taste taste = {0.3, 2, i % 3, 0.5 * (i % 2), (int64_t)a->groups};
        uint64_t texts[2] = {0};
        int32_t codes[2][ROOM] = {{0}};
        int sizes[2] = {0};
        cr_expect_eq(replay_draw(a, &one, &taste).first, replay_draw(b, &other, &taste).first);
        cr_expect_eq(replay_draw_best(a, &one, &texts[0], codes[0], &sizes[0]),
                     replay_draw_best(b, &other, &texts[1], codes[1], &sizes[1]));
        cr_expect_eq(texts[0], texts[1]);
        cr_expect_eq(sizes[0], sizes[1]);
        cr_expect_arr_eq(codes[0], codes[1], (size_t)sizes[0] * sizeof(int32_t));
    }
    replay_statistics(a, 100, &s[0]);
    replay_statistics(b, 100, &s[1]);
    s[0].reserved = s[1].reserved;
    cr_expect_eq(memcmp(&s[0], &s[1], sizeof s[0]), 0);
}

Test(replay, survives_a_checkpoint) {
    struct replay replay, again, larger;
    struct rng rng;
    char path[64];
    path_of(path, "round-trip");
    rng_seed(&rng, 9, "draws");
    open_replay(&replay, sized(10, 30, 16));
    open_replay(&again, sized(10, 30, 16));
    open_replay(&larger, sized(20, 60, 16));
    write_replay(&replay, path); /* empty */
    push_group(&again, 1, 3);
    cr_assert_eq(read_replay(&again, path, 20), STATUS_OK, "%s", fail_sentence());
    cr_expect_eq(again.count, 0);
    for (uint64_t text = 0; text < 17; text++)
        push_group(&replay, text, 1 + (int)text % 4);
    replay_forget_best(&replay, 15);
    replay_draw(&replay, &rng, &(struct replay_taste){.reward_scale = 1, .now = 17});
    unlink(path);
    write_replay(&replay, path);
    cr_assert_eq(read_replay(&again, path, 17), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(read_replay(&larger, path, 17), STATUS_OK, "%s", fail_sentence());
    larger.accepted = larger.tried = replay.accepted = replay.tried = 0;
    cr_expect_gt(again.tried, 0);
    again.accepted = again.tried = 0;
    expect_equal(&replay, &larger);
    expect_equal(&replay, &again);
    for (uint64_t text = 17; text < 40; text++) { /* and they go on alike */
        push_group(&replay, text, 1 + (int)text % 3);
        push_group(&again, text, 1 + (int)text % 3);
        expect_equal(&replay, &again);
    }
    unlink(path);
    replay_close(&larger);
    replay_close(&again);
    replay_close(&replay);
}

Test(replay, refuses_a_buffer_larger_than_the_configured_one) {
    const struct {
        struct replay_size size;
        const char *sentence;
    } cases[] = {
        {{3, 100, VOCABULARY, ROOM, 9}, "holds 8 episodes, the configuration allows 3: set replay.capacity"},
        {{9, 11, VOCABULARY, ROOM, 9}, "holds 20 tokens, the configuration allows 11: set replay.capacity"},
        {{9, 30, VOCABULARY, ROOM, 1}, "holds 2 best codes, the configuration allows 1: set replay.capacity"},
        {{9, 30, VOCABULARY, 3, 9}, "longer than any text"},
        {{9, 30, 5, ROOM, 9}, "beyond the vocabulary of 5"},
        {{9, 30, 1 << 20, ROOM, 9}, NULL},
    };
    struct replay replay;
    char path[64];
    path_of(path, "larger");
    open_replay(&replay, sized(9, 30, 1 << 16));
    push_group(&replay, 1, 4);
    push_group(&replay, 2, 4);
    write_replay(&replay, path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct replay other;
        open_replay(&other, cases[i].size);
        enum status status = read_replay(&other, path, 3);
        cr_expect_eq(status, cases[i].sentence ? STATUS_FORMAT : STATUS_OK, "%s", fail_sentence());
        cr_expect(!cases[i].sentence || strstr(fail_sentence(), cases[i].sentence), "%s", fail_sentence());
        cr_expect_eq(other.count, cases[i].sentence ? 0 : 8);
        replay_close(&other);
    }
    unlink(path);
    replay_close(&replay);
}

/* Copies a file's arrays but for one number of one of them. */
struct damage {
    struct h5_file *to;
    const char *array;
    size_t index;
    double value;
};

static enum status copy_array(void *context, struct h5_file *file, const char *name, bool is_group) {
    const struct damage *damage = context;
    struct h5_shape shape;
    bool is_float;
    void *data = NULL;
    if (is_group)
        return STATUS_OK;
    TRY(h5_shape(file, name, &shape, &is_float));
    enum h5_type type = is_float ? H5_F32 : H5_I64;
    TRY(h5_read_alloc(file, name, type, &shape, 1 << 16, &data));
    if (strcmp(strchr(name, '/') + 1, damage->array) == 0) {
        if (is_float)
            ((float *)data)[damage->index] = (float)damage->value;
        else
            ((int64_t *)data)[damage->index] = (int64_t)damage->value;
    }
    enum status status = h5_write(damage->to, name, type, &shape, data);
    free(data);
    return status;
}

Test(replay, refuses_damaged_files) {
    enum { COLUMNS = 7 }; /* text, group, iteration, policy, size, exact, known */
    const struct {
        const char *array;
        size_t index;
        double value;
        const char *sentence; /* NULL: as good as before */
    } cases[] = {
        {"none", 0, 0, NULL},
        {"reals", 0, -3, NULL},
        {"counters", 0, 1, "episode 2 of its replay buffer is damaged: its group is out of order"},
        {"counters", 0, -1, "counters"},
        {"counters", 1, 1, "counters"},
        {"counters", 2, -1, "counters"},
        {"integers", 0, 3, "episode 0 of its replay buffer is damaged: the training split has no such text"},
        {"integers", 0, -1, "no such text"},
        {"integers", 0, 2, "several texts"},
        {"integers", 1, 0, "out of order"},
        {"integers", COLUMNS + 1, 2, "several texts"},
        {"integers", 2 * COLUMNS + 1, 9, "out of order"},
        {"integers", 2, -1, "before the first iteration"},
        {"integers", 3, POLICIES_MAXIMUM, "behaviour policy"},
        {"integers", 3, -1, "behaviour policy"},
        {"integers", 3, 4294967296.0, "too large"},
        {"integers", 4, ROOM + 1, "longer"},
        {"integers", 4, -1, "longer"},
        {"integers", 4, 2, "ask for 7 tokens and 5 log-probabilities, stored are 6 and 4"},
        {"integers", 5, 2, "yes or no"},
        {"integers", 6, 0, "ask for 6 tokens and 2 log-probabilities"},
        {"integers", 6, -1, "yes or no"},
        {"codes", 3, VOCABULARY, "beyond the vocabulary of 300"},
        {"codes", 3, -1, "out of range"},
        {"codes", 3, 65536, "out of range"},
        {"best_integers", 0, 3, "best code 0 of its replay buffer is damaged: the training split"},
        {"best_integers", 2, 1, "another one"},
        {"best_integers", 1, 2, "best code 1 of its replay buffer is damaged: it is longer"},
        {"best_integers", 1, 0, "have 1 tokens, stored are 2"},
        {"best_integers", 1, -1, "longer"},
        {"best_codes", 0, VOCABULARY, "beyond the vocabulary"},
    };
    struct replay replay, again;
    char path[64], damaged[64];
    path_of(path, "whole");
    path_of(damaged, "damaged");
    open_replay(&replay, sized(10, 30, 1 << 16));
    open_replay(&again, sized(10, 30, 1 << 16));
    push_group(&replay, 1,
               2); /* the greatest log-probability count that tells sizes apart: 1 + 1 of 1 token */
    push_group(&replay, 2, 2);
    write_replay(&replay, path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct damage damage = {NULL, cases[i].array, cases[i].index, cases[i].value};
        struct h5_file *from = NULL;
        cr_assert_eq(h5_open(&from, path), STATUS_OK);
        cr_assert_eq(h5_create(&damage.to, damaged), STATUS_OK);
        cr_assert_eq(h5_walk(from, "", copy_array, &damage), STATUS_OK, "%s", fail_sentence());
        cr_assert_eq(h5_commit(damage.to), STATUS_OK);
        h5_close(damage.to);
        h5_close(from);
        enum status status = read_replay(&again, damaged, 3);
        cr_expect_eq(status, cases[i].sentence ? STATUS_FORMAT : STATUS_OK, "case %zu: %s", i,
                     fail_sentence());
        cr_expect(!cases[i].sentence || strstr(fail_sentence(), cases[i].sentence), "case %zu: %s", i,
                  fail_sentence());
        cr_expect_eq(again.count, cases[i].sentence ? 0 : replay.count);
        cr_expect_eq(again.best.count, cases[i].sentence ? 0 : 2);
        unlink(damaged);
    }
    unlink(path);
    replay_close(&again);
    replay_close(&replay);
}

/* ---- a plain model beside the real one ---- */

enum { MODEL_EPISODES = 24, MODEL_TOKENS = 50, MODEL_TEXTS = 12, MODEL_SLOTS = 9, MODEL_STEPS = 6000 };

struct plain_episode {
    struct episode episode;
    int32_t code[ROOM];
    float log_probability[ROOM + 1];
};

/* Every episode there ever was; those from `begin` on are held. */
struct model {
    struct plain_episode *all; /* [MODEL_STEPS * 4] */
    int64_t begin, end;
    uint64_t groups;
    struct plain_episode best[MODEL_TEXTS];
    bool has_best[MODEL_TEXTS], share_slot[MODEL_TEXTS][MODEL_TEXTS];
    int64_t accepted, tried;
};

/* Two texts share a slot when the best code of one drives out the other's. */
static void find_shared_slots(struct model *m) {
    for (uint64_t a = 0; a < MODEL_TEXTS; a++)
        for (uint64_t b = 0; b < MODEL_TEXTS; b++) {
            struct replay replay;
            open_replay(&replay, sized(2, 2, MODEL_SLOTS));
            push_one(&replay, a, 1, 1, 0, 3);
            push_one(&replay, b, 1, 1, 0, 4);
            m->share_slot[a][b] = a != b && best_id(&replay, a) < 0;
            replay_close(&replay);
        }
}

static int64_t model_tokens(const struct model *m) {
    int64_t tokens = 0;
    for (int64_t i = m->begin; i < m->end; i++)
        tokens += m->all[i].episode.size;
    return tokens;
}

static void model_drop_group(struct model *m) {
    uint64_t group = m->all[m->begin].episode.group;
    while (m->begin < m->end && m->all[m->begin].episode.group == group)
        m->begin++;
}

static void model_offer(struct model *m, const struct plain_episode *p) {
    uint64_t text = p->episode.text;
    const struct episode *old = &m->best[text].episode;
    if (!p->episode.exact ||
        (m->has_best[text] &&
         (old->size < p->episode.size || (old->size == p->episode.size && old->nats <= p->episode.nats))))
        return;
    for (uint64_t other = 0; other < MODEL_TEXTS; other++)
        m->has_best[other] = m->has_best[other] && !m->share_slot[text][other];
    m->best[text] = *p;
    m->has_best[text] = true;
}

static struct plain_episode random_episode(struct rng *rng, uint64_t text, int64_t iteration) {
    struct plain_episode p = {.episode = {.text = text,
                                          .iteration = iteration,
                                          .policy = (int32_t)rng_below(rng, POLICIES_MAXIMUM),
                                          .size = (int32_t)rng_below(rng, ROOM + 1),
                                          .exact = (int32_t)rng_below(rng, 2),
                                          .known = (int32_t)rng_below(rng, 2),
                                          .reward = -rng_uniform(rng),
                                          .nats = (float)rng_below(rng, 4),
                                          .terms = {rng_uniform(rng)}}};
    for (int i = 0; i < ROOM; i++)
        p.code[i] = (int32_t)rng_below(rng, VOCABULARY);
    for (int i = 0; i <= ROOM; i++)
        p.log_probability[i] = -rng_uniform(rng);
    return p;
}

static void push_both(struct model *m, struct replay *replay, struct rng *rng, int64_t iteration) {
    struct plain_episode group[4];
    int count = 1 + (int)rng_below(rng, 4);
    int64_t tokens = 0;
    uint64_t text = rng_below(rng, MODEL_TEXTS);
    m->groups++;
    for (int i = 0; i < count; i++) {
        group[i] = random_episode(rng, text, iteration);
        group[i].episode.group = m->groups;
        tokens += group[i].episode.size;
    }
    while (m->end - m->begin + count > MODEL_EPISODES || model_tokens(m) + tokens > MODEL_TOKENS)
        model_drop_group(m);
    replay_begin_group(replay, count, tokens);
    for (int i = 0; i < count; i++) {
        m->all[m->end++] = group[i];
        model_offer(m, &group[i]);
        replay_push(replay, &group[i].episode, group[i].code,
                    group[i].episode.known ? group[i].log_probability : NULL);
    }
}

/* Returns the position of the first episode of the group, counted from the oldest. */
static int64_t model_draw(struct model *m, struct rng *rng, const struct replay_taste *taste) {
    int64_t count = m->end - m->begin, span = count, at = 0;
    double highest = -INFINITY;
    bool plain = taste->half_life == 0 && taste->reward_scale == 0, taken = false;
    for (int64_t i = m->begin; i < m->end; i++)
        highest = fmax(highest, (double)m->all[i].episode.reward);
    if (taste->newest_count > 0 && taste->newest_count < count && (double)rng_uniform(rng) < taste->newest)
        span = taste->newest_count;
    for (int tries = 0; tries < REPLAY_TRIES && !taken; tries++) {
        at = m->end - span + (int64_t)rng_below(rng, (uint64_t)span);
        const struct episode *e = &m->all[at].episode;
        double age = taste->half_life > 0 ? (double)(taste->now - e->iteration) / taste->half_life : 0;
        double less = taste->reward_scale > 0 ? (highest - (double)e->reward) / taste->reward_scale : 0;
        taken = plain || (double)rng_uniform(rng) < exp2(-age) * exp(-less);
        m->tried++;
    }
    m->accepted += taken;
    while (at > m->begin && m->all[at - 1].episode.group == m->all[at].episode.group)
        at--;
    return at - m->begin;
}

static void draw_both(struct model *m, struct replay *replay, struct rng *rng, int64_t now) {
    const double half_lives[] = {0, 1, 20}, scales[] = {0, 0.02, 0.5};
    struct replay_taste taste = {.newest = 0.4,
                                 .newest_count = (int64_t)rng_below(rng, 8),
                                 .half_life = half_lives[rng_below(rng, 3)],
                                 .reward_scale = scales[rng_below(rng, 3)],
                                 .now = now};
    struct rng other = *rng;
    int64_t expected = model_draw(m, &other, &taste);
    struct replay_group group = replay_draw(replay, rng, &taste);
    cr_assert_eq(group.first, expected);
    uint64_t number = m->all[m->begin + expected].episode.group;
    for (int64_t i = m->begin; i < m->end; i++)
        group.size -= m->all[i].episode.group == number;
    cr_assert_eq(group.size, 0, "whole groups");
    cr_assert_eq(memcmp(rng, &other, sizeof other), 0, "as many random numbers");
}

static void expect_best(const struct model *m, uint64_t text, const int32_t *code, int size) {
    cr_assert(m->has_best[text]);
    cr_assert_eq(size, m->best[text].episode.size);
    cr_assert_eq(memcmp(code, m->best[text].code, (size_t)size * sizeof *code), 0);
}

static void expect_held(const struct model *m, const struct replay *replay, struct rng *rng) {
    int32_t code[ROOM];
    float reals[ROOM + 1];
    uint64_t drawn;
    int size, filled = 0;
    cr_assert_eq(replay->count, m->end - m->begin);
    for (int64_t i = 0; i < replay->count; i++) {
        const struct plain_episode *p = &m->all[m->begin + i];
        cr_assert_eq(memcmp(replay_at(replay, i), &p->episode, sizeof p->episode), 0);
        replay_code(replay, i, code);
        cr_assert_eq(memcmp(code, p->code, (size_t)p->episode.size * sizeof *code), 0);
        cr_assert_eq(replay_log_probability(replay, i, reals), p->episode.known);
        cr_assert(!p->episode.known ||
                  memcmp(reals, p->log_probability, ((size_t)p->episode.size + 1) * sizeof *reals) == 0);
    }
    for (uint64_t text = 0; text < MODEL_TEXTS; text++) {
        filled += m->has_best[text];
        cr_assert_eq(replay_best(replay, text, code, &size), m->has_best[text]);
        if (m->has_best[text])
            expect_best(m, text, code, size);
    }
    cr_assert_eq(replay->best.count, filled);
    if (replay_draw_best(replay, rng, &drawn, code, &size))
        expect_best(m, drawn, code, size);
}

static void expect_statistics(struct model *m, struct replay *replay, int64_t now) {
    struct replay_statistics s;
    double ages = 0, exact = 0, first_policy = 0, count = (double)(m->end - m->begin);
    for (int64_t i = m->begin; i < m->end; i++) {
        ages += (double)(now - m->all[i].episode.iteration);
        exact += m->all[i].episode.exact;
        first_policy += m->all[i].episode.policy == 0;
    }
    replay_statistics(replay, now, &s);
    cr_assert_eq(s.episodes, m->end - m->begin);
    cr_assert_eq(s.tokens, model_tokens(m));
    cr_assert_eq(s.largest_age, now - m->all[m->begin].episode.iteration);
    cr_assert_float_eq(s.mean_age, ages / count, 1e-9);
    cr_assert_float_eq(s.exact, exact / count, 1e-9);
    cr_assert_float_eq(s.share[0], first_policy / count, 1e-9);
    cr_assert_float_eq(s.acceptance, m->tried ? (double)m->accepted / (double)m->tried : 1, 1e-9);
    m->accepted = m->tried = 0;
}

/* Through a file and back. */
static void replace_by_stored(struct replay *replay) {
    struct replay_size size = replay->size;
    char path[64];
    path_of(path, "model");
    write_replay(replay, path);
    replay_close(replay);
    open_replay(replay, size);
    cr_assert_eq(read_replay(replay, path, MODEL_TEXTS), STATUS_OK, "%s", fail_sentence());
    unlink(path);
}

Test(replay, does_what_a_plain_model_does) {
    struct model *m = calloc(1, sizeof *m);
    struct replay replay;
    struct rng rng;
    rng_seed(&rng, 10, "model");
    m->all = calloc(MODEL_STEPS * 4, sizeof *m->all);
    find_shared_slots(m);
    open_replay(&replay, sized(MODEL_EPISODES, MODEL_TOKENS, MODEL_SLOTS));
    push_both(m, &replay, &rng, 0);
    for (int64_t step = 1; step < MODEL_STEPS; step++) {
        uint64_t choice = rng_below(&rng, 100), text = rng_below(&rng, MODEL_TEXTS);
        if (choice < 40)
            push_both(m, &replay, &rng, step / 10);
        else if (choice < 80)
            draw_both(m, &replay, &rng, step / 10);
        else if (choice < 95) {
            replay_forget_best(&replay, text);
            m->has_best[text] = false;
        } else if (choice < 99)
            expect_statistics(m, &replay, step / 10);
        else
            replace_by_stored(&replay);
        expect_held(m, &replay, &rng);
    }
    cr_expect_gt(m->begin, MODEL_STEPS / 2, "most of what was pushed left again");
    replay_close(&replay);
    free(m->all);
    free(m);
}
