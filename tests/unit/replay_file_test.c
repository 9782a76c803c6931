/* The replay buffer in a checkpoint: what was written goes on alike, what was damaged is refused. */
#include <stdlib.h>
#include <string.h>
#include "replay_world.h"

/* Two buffers that hold the same, draw the same from now on. */
static void expect_equal(struct replay *a, struct replay *b) {
    struct rng one, other;
    struct replay_statistics s[2];
    cr_assert_eq(a->count, b->count);
    cr_expect_eq(a->groups, b->groups);
    cr_expect_eq(a->accepted, b->accepted);
    cr_expect_eq(a->tried, b->tried);
    for (int64_t i = 0; i < a->count; i++) {
        int32_t codes[2][CAPACITY] = {{0}};
        float reals[2][CAPACITY + 1] = {{0}};
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
        struct replay_sampling sampling = {0.3, 2, i % 3, 0.5 * (i % 2), (int64_t)a->groups};
        uint64_t texts[2] = {0};
        int32_t codes[2][CAPACITY] = {{0}};
        int sizes[2] = {0};
        cr_expect_eq(replay_draw(a, &one, &sampling).first, replay_draw(b, &other, &sampling).first);
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

Test(replay_file, survives_a_checkpoint) {
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
    replay_draw(&replay, &rng, &(struct replay_sampling){.reward_scale = 1, .now = 17});
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

Test(replay_file, refuses_a_buffer_larger_than_the_configured_one) {
    const struct {
        struct replay_size size;
        const char *sentence;
    } cases[] = {
        {{3, 100, VOCABULARY, CAPACITY, 9},
         "holds 8 episodes, the configuration allows 3: set replay.capacity"},
        {{9, 11, VOCABULARY, CAPACITY, 9},
         "holds 20 tokens, the configuration allows 11: set replay.capacity"},
        {{9, 30, VOCABULARY, CAPACITY, 1},
         "holds 2 best codes, the configuration allows 1: set replay.capacity"},
        {{9, 30, VOCABULARY, 3, 9}, "longer than any text"},
        {{9, 30, 5, CAPACITY, 9}, "beyond the vocabulary of 5"},
        {{9, 30, 1 << 20, CAPACITY, 9}, NULL},
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

Test(replay_file, refuses_damaged_files) {
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
        {"integers", 4, CAPACITY + 1, "longer"},
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
