/* Small replay buffers for tests: groups whose codes and rewards tell them apart, single codes for the table
 * of best ones, and the way through a file. */
#ifndef LACONIC_TESTS_REPLAY_WORLD_H
#define LACONIC_TESTS_REPLAY_WORLD_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>
#include "train/replay/replay.h"

enum { CAPACITY = 5, VOCABULARY = 300 };

static inline struct replay_size sized(int64_t episodes, int64_t tokens, int64_t best) {
    return (struct replay_size){episodes, tokens, VOCABULARY, CAPACITY, best};
}

static inline void open_replay(struct replay *replay, struct replay_size size) {
    cr_assert_eq(replay_open(replay, &size), STATUS_OK, "%s", fail_sentence());
}

static inline int size_of(int i) {
    return 1 + i % CAPACITY;
}

/* Pushes a group of `size` episodes about text `text`, whose codes and rewards tell them apart. */
static inline void push_group(struct replay *replay, uint64_t text, int size) {
    int64_t tokens = 0;
    for (int i = 0; i < size; i++)
        tokens += size_of(i);
    replay_begin_group(replay, size, tokens);
    for (int i = 0; i < size; i++) {
        int32_t code[CAPACITY] = {(int32_t)text, i, 7, 8, 9};
        float log_probability[CAPACITY + 1] = {-1, -2, -3, -4, -5, -(float)text};
        struct episode episode = {.text = text,
                                  .iteration = (int64_t)text,
                                  .policy = i,
                                  .tokens = size_of(i),
                                  .exact = i == 0,
                                  .reward = (float)text + 0.1f * (float)i,
                                  .nll = 2.5f,
                                  .terms = {1, 2, 3}};
        replay_push(replay, &episode, code, i % 2 ? NULL : log_probability);
    }
}

/* A group of one episode, its code `size` times the same id. */
static inline void push_one(struct replay *replay, uint64_t text, int size, int exact, float nll,
                            int32_t id) {
    const int32_t code[CAPACITY] = {id, id, id, id, id};
    replay_begin_group(replay, 1, size);
    replay_push(replay, &(struct episode){.text = text, .tokens = size, .exact = exact, .nll = nll}, code,
                NULL);
}

/* The first id of the best code of a text; -1: none. */
static inline int32_t best_id(const struct replay *replay, uint64_t text) {
    int32_t code[CAPACITY] = {-1};
    int size = 0;
    if (!replay_best(replay, text, code, &size))
        return -1;
    for (int i = 1; i < size; i++)
        cr_expect_eq(code[i], code[0]);
    return code[0];
}

static inline void path_of(char path[64], const char *name) {
    snprintf(path, 64, "replay-test-%d-%s.h5", (int)getpid(), name);
}

static inline void write_replay(const struct replay *replay, const char *path) {
    struct h5_file *file = NULL;
    cr_assert_eq(h5_create(&file, path), STATUS_OK);
    cr_assert_eq(replay_write(file, "replay", replay), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(h5_commit(file), STATUS_OK);
    h5_close(file);
}

static inline enum status read_replay(struct replay *replay, const char *path, uint64_t text_count) {
    struct h5_file *file = NULL;
    cr_assert_eq(h5_open(&file, path), STATUS_OK);
    enum status status = replay_read(file, "replay", replay, text_count);
    h5_close(file);
    return status;
}

#endif
