/* The best code of a text, which outlives its group. */
#include "replay_world.h"

Test(replay_best, best_codes_outlive_their_groups) {
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

Test(replay_best, a_newer_text_takes_the_slot_of_an_older_one) {
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

Test(replay_best, best_codes_are_drawn_uniformly) {
    enum { TEXTS = 5, DRAWS = 10000 };
    struct replay replay;
    struct rng rng;
    uint64_t text;
    int32_t code[CAPACITY];
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
