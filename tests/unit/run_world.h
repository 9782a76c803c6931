/* Runs of small models in a folder of their own, for tests of training as a whole. */
#ifndef LACONIC_TESTS_RUN_WORLD_H
#define LACONIC_TESTS_RUN_WORLD_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "run_folder.h"
#include "train/run/trainer.h"

enum { WORLD_TEXTS = 60 };

/* model.json without dropout, and data.h5: WORLD_TEXTS lines, no two alike, 40 of them to learn from. */
static inline void world_begin(void) {
    run_folder_enter();
    run_folder_shape(", \"dropout_rate\": 0");
    FILE *f = run_folder_file("text");
    for (int i = 0; i < WORLD_TEXTS; i++)
        fprintf(f, "%.*s%c%c%c\n", i % 3, "xx", 'a' + i % 4, 'a' + i / 4 % 4, 'a' + i / 16);
    fclose(f);
    run_folder_data((struct chunking){CHUNK_LINES, 8}, (const double[]){2 / 3.0, 1 / 3.0, 0});
}

/* A run that begins with the rl stage and learns from any code (rl.goal reward), with `changes`; to be closed
 * with world_leave(). */
static inline struct trainer *world_run(const char *const *changes) {
    static const char *const small[] = {"supervised.steps=0",
                                        "rl.goal=reward",
                                        "rl.steps=6",
                                        "rl.texts=4",
                                        "rl.updates=1",
                                        "batch.rows=8",
                                        "ir.merges=1",
                                        "evaluation.every=4000",
                                        "evaluation.chunks=16",
                                        "evaluation.prior=30",
                                        "replay.capacity=800",
                                        "demonstration.pairs=0",
                                        "behaviour.deletions=3",
                                        "behaviour.merges=0",
                                        "optimizer.warmup=0",
                                        "optimizer.final_share=1",
                                        "checkpoint.minutes=9",
                                        "precision=fp32",
                                        NULL};
    struct trainer *t = calloc(1, sizeof *t);
    struct train_settings s;
    options_defaults(train_options, &s);
    run_path(s.model, sizeof s.model, "model.json");
    run_path(s.data, sizeof s.data, "data.h5");
    for (const char *const *list = small; list; list = list == small ? changes : NULL)
        for (int i = 0; list[i]; i++)
            cr_assert_eq(options_set(train_options, &s, list[i]), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(trainer_open(t, &s, run_folder), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(metrics_begin_row(&t->metrics), STATUS_OK);
    return t;
}

#define WORLD_RUN(...) world_run((const char *const[]){__VA_ARGS__, NULL})

static inline void world_leave(struct trainer *t) {
    trainer_close(t);
    free(t);
}

static inline void world_go_on(struct trainer *t, long steps) {
    cr_assert_eq(trainer_run(t, &(struct run_limits){.steps = steps}), STATUS_OK, "%s", fail_sentence());
}

/* What t5_head() shows, kept: [tokens, vocabulary]. */
struct logits_of {
    float *to;
    int vocabulary;
};

static inline void keep_logits(void *context, float *logits, int first, int count) {
    struct logits_of *l = context;
    memcpy(l->to + first * l->vocabulary, logits, (size_t)(count * l->vocabulary) * sizeof *logits);
}

/* Which training text these ids are; -1: none. */
static inline int64_t world_text_of(const struct trainer *t, const int32_t *ids, int size) {
    for (uint64_t i = 0; i < dataset_count(t->data, SPLIT_TRAIN); i++) {
        struct text text;
        environment_text(&t->environment, SPLIT_TRAIN, i, &text);
        if (text.tokens == size && memcmp(text.ids, ids, (size_t)size * sizeof *ids) == 0)
            return (int64_t)i;
    }
    return -1;
}

#endif
