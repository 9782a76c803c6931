/* The replay buffer: leaving by whole groups, packed codes, sizes, statistics. */
#include <string.h>
#include "replay_world.h"

static void expect_consistent(const struct replay *replay) {
    int64_t tokens = 0;
    for (int64_t i = 0; i < replay->count; i++) {
        const struct episode *e = replay_at(replay, i);
        const int32_t expected[CAPACITY] = {(int32_t)e->text, e->policy, 7, 8, 9};
        const float reals[CAPACITY + 1] = {-1, -2, -3, -4, -5, -(float)e->text};
        int32_t code[CAPACITY];
        float log_probability[CAPACITY + 1];
        size_t size = (size_t)e->tokens;
        tokens += e->tokens;
        replay_code(replay, i, code);
        cr_expect_arr_eq(code, expected, size * sizeof *code);
        cr_expect_eq(e->has_log_probability, e->policy % 2 == 0);
        cr_expect_eq(replay_log_probability(replay, i, log_probability), e->has_log_probability);
        if (e->has_log_probability)
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
        int64_t held;                                     /* of groups of 1, 2, 3, 4, after the last push */
    } cases[] = {{{10, 50, VOCABULARY, CAPACITY, 0}, 10}, /* no more episodes */
                 {{12, 18, VOCABULARY, CAPACITY, 0}, 7},  /* no more tokens: 10 + 6, but not 10 + 6 + 3 */
                 {{10, 50, 1 << 16, CAPACITY, 0}, 10},
                 {{10, 50, (1 << 16) + 1, CAPACITY, 0}, 10}};
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

Test(replay, packs_ids_as_tightly_as_the_vocabulary_allows) {
    for (int vocabulary = 1 << 16; vocabulary <= (1 << 16) + 1; vocabulary++) {
        struct replay replay;
        struct replay_size size = {2, 10, vocabulary, CAPACITY, 2};
        int32_t code[CAPACITY] = {0, vocabulary - 1, 1, 2, 259}, out[CAPACITY];
        int length;
        open_replay(&replay, size);
        replay_begin_group(&replay, 1, CAPACITY);
        replay_push(&replay, &(struct episode){.text = 3, .tokens = CAPACITY, .exact = 1}, code, NULL);
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
    const struct replay_size sizes[] = {{INT64_MAX, 1, VOCABULARY, CAPACITY, 0},
                                        {1, INT64_MAX, VOCABULARY, CAPACITY, 0},
                                        {1, 1, VOCABULARY, CAPACITY, INT64_MAX},
                                        {INT64_MAX / 100, INT64_MAX / 8, VOCABULARY, CAPACITY, 0},
                                        {1, 1, VOCABULARY, INT32_MAX, INT64_MAX / (1 << 20)}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct replay replay;
        cr_expect_eq(replay_open(&replay, &sizes[i]), STATUS_LIMIT, "sizes %zu", i);
        cr_expect(strstr(fail_sentence(), "lower replay.capacity") != NULL, "%s", fail_sentence());
        replay_close(&replay);
    }
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
    size_t best = sizeof(struct best_code) + sizeof(int64_t) + CAPACITY * 2;
    cr_expect_eq(s.bytes, 4 * episode + 7 * 2 + (2 + 4 + 2) * 4 + 2 * best);
    cr_expect_eq(s.reserved, 100 * episode + 500 * 2 + 600 * 4 + 64 * best);
    replay_close(&replay);
}
