/* Training as a whole on a small model: an interrupted run ends bit for bit where the unbroken one does;
 * rewards, algorithms and mutations do what they say; wrong settings are refused by name. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "train/trainer.h"

static char folder[64];

static void path_in(char *path, size_t room, const char *run, const char *name) {
    snprintf(path, room, "%s/%s%s%s", folder, run, *name ? "/" : "", name);
}

static void write_file(const char *name, const char *text, int repeat) {
    char path[128];
    path_in(path, sizeof path, name, "");
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    for (int i = 0; i < repeat; i++)
        fprintf(f, "%s%d\n", text, i % 17);
    fclose(f);
}

static void set_up(void) {
    char data[128], source[128];
    log_set_level(LOG_WARNING);
    snprintf(folder, sizeof folder, "trainer-test-%d", (int)getpid());
    cr_assert_eq(mkdir(folder, 0700), 0);
    write_file("model.json", "", 0);
    char path[128];
    path_in(path, sizeof path, "model.json", "");
    FILE *f = fopen(path, "w");
    fputs("{\"vocab_size\": 300, \"d_model\": 16, \"d_kv\": 8, \"d_ff\": 32, \"num_layers\": 1, "
          "\"num_heads\": 2, "
          "\"dropout_rate\": 0.1}\n",
          f);
    fclose(f);
    write_file("text", "status=ok host=alpha request number ", 400);
    path_in(data, sizeof data, "data.h5", "");
    path_in(source, sizeof source, "text", "");
    const char *paths[] = {source};
    struct dataset_recipe recipe = {
        .paths = paths, .path_count = 1, .chunking = {CHUNK_BYTES, 16}, .shares = {0.8, 0.1, 0.1}};
    cr_assert_eq(dataset_make(&recipe, data), STATUS_OK, "%s", fail_sentence());
}

static void remove_tree(const char *path) {
    DIR *d = opendir(path);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        char inner[512];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (unlink(inner) != 0)
            remove_tree(inner);
    }
    if (d)
        closedir(d);
    rmdir(path);
}

static void tear_down(void) {
    remove_tree(folder);
}

TestSuite(trainer, .init = set_up, .fini = tear_down);

static struct train_settings small_settings(void) {
    struct train_settings s;
    const char *changes[] = {"supervised.steps=7",   "rl.steps=5",           "rl.texts=4",
                             "rl.updates=2",         "batch.rows=8",         "ir.merges=20",
                             "evaluation.every=3",   "evaluation.chunks=16", "replay.capacity=150",
                             "checkpoint.minutes=0", "behaviour.deletions=6"};
    options_defaults(train_options, &s);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        cr_assert_eq(options_set(train_options, &s, changes[i]), STATUS_OK, "%s", fail_sentence());
    path_in(s.model, sizeof s.model, "model.json", "");
    path_in(s.data, sizeof s.data, "data.h5", "");
    return s;
}

/* Runs `steps` steps (0: to the end) in FOLDER/NAME, resuming when asked. */
static void run(const char *name, long steps, bool resume) {
    struct trainer *t = calloc(1, sizeof *t);
    struct train_settings settings = small_settings();
    char path[128];
    path_in(path, sizeof path, name, "");
    mkdir(path, 0700);
    cr_assert_eq(trainer_open(t, &settings, path), STATUS_OK, "%s", fail_sentence());
    if (resume)
        cr_assert_eq(checkpoint_load(t), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(trainer_run(t, &(struct run_limits){.steps = steps}), STATUS_OK, "%s", fail_sentence());
    trainer_close(t);
    free(t);
}

struct comparison {
    struct h5_file *other;
    int arrays;
};

static enum status compare_array(void *context, struct h5_file *file, const char *name, bool is_group) {
    struct comparison *c = context;
    struct h5_shape a, b;
    bool is_float;
    void *x = NULL, *y = NULL;
    if (is_group || strcmp(name, "trainer/reals") == 0) /* holds wall-clock seconds */
        return STATUS_OK;
    TRY(h5_shape(file, name, &a, &is_float));
    enum h5_type type = is_float ? H5_F64 : strcmp(name, "trainer/random") == 0 ? H5_U64 : H5_I64;
    TRY(h5_read_alloc(file, name, type, &a, 1 << 24, &x));
    TRY(h5_read_alloc(c->other, name, type, &b, 1 << 24, &y));
    size_t n = 1;
    for (int i = 0; i < a.rank; i++) {
        cr_assert_eq(a.extent[i], b.extent[i], "%s", name);
        n *= (size_t)a.extent[i];
    }
    cr_expect_eq(memcmp(x, y, n * 8), 0, "%s differs", name);
    free(x);
    free(y);
    c->arrays++;
    return STATUS_OK;
}

Test(trainer, resumed_run_ends_where_the_unbroken_one_does) {
    char a[128], b[128];
    struct h5_file *one = NULL, *two = NULL;
    run("whole", 0, false);
    run("broken", 4, false);
    run("broken", 5, true); /* crosses into phase two */
    run("broken", 0, true);
    path_in(a, sizeof a, "whole", "checkpoint.h5");
    path_in(b, sizeof b, "broken", "checkpoint.h5");
    cr_assert_eq(h5_open(&one, a), STATUS_OK);
    cr_assert_eq(h5_open(&two, b), STATUS_OK);
    struct comparison c = {two, 0};
    cr_assert_eq(h5_walk(one, "", compare_array, &c), STATUS_OK, "%s", fail_sentence());
    cr_expect_gt(c.arrays, 60, "weights, moments, targets, replay, streams, metrics");
    h5_close(one);
    h5_close(two);
}

Test(trainer, same_seed_same_run) {
    char a[128], b[128];
    struct model_pair one, two;
    uint8_t hash[2][16];
    run("first", 0, false);
    run("second", 0, false);
    path_in(a, sizeof a, "first", "best.h5");
    path_in(b, sizeof b, "second", "best.h5");
    cr_assert_eq(model_pair_load(a, &one), STATUS_OK);
    cr_assert_eq(model_pair_load(b, &two), STATUS_OK);
    model_pair_hash(&one, hash[0]);
    model_pair_hash(&two, hash[1]);
    cr_expect_arr_eq(hash[0], hash[1], 16);
    model_pair_free(&one);
    model_pair_free(&two);
}

Test(trainer, refuses_other_data_and_impossible_settings) {
    struct trainer *t = calloc(1, sizeof *t);
    struct train_settings s = small_settings();
    s.replay.capacity = 10;
    cr_expect_eq(trainer_open(t, &s, folder), STATUS_CONFIG);
    cr_expect_str_eq(fail_sentence(),
                     "replay.capacity is 10, less than one iteration fills (rl.texts x episodes per "
                     "text = 56)");
    trainer_close(t);
    s = small_settings();
    s.ir.merges = 500;
    cr_expect_eq(trainer_open(t, &s, folder), STATUS_CONFIG);
    cr_expect_str_eq(fail_sentence(), "ir.merges is 500, a vocabulary of 300 leaves room for 41");
    trainer_close(t);
    s = small_settings();
    *s.data = '\0';
    cr_expect_eq(trainer_open(t, &s, folder), STATUS_CONFIG);
    trainer_close(t);
    free(t);
}

Test(reward, terms_are_weighted_and_kept_apart) {
    struct train_settings s;
    float terms[REWARD_TERMS_MAXIMUM];
    options_defaults(train_options, &s);
    s.reward.length = 2;
    s.reward.loss = 0.5;
    s.reward.exact = 3;
    struct outcome outcome = {.text_bytes = 10, .code_tokens = 4, .nats = 5, .exact = true};
    cr_expect_float_eq(reward_of(&s, &outcome, terms), -0.8 - 0.25 + 3, 1e-9);
    cr_expect_float_eq(terms[0], -0.4f, 1e-6f);
    cr_expect_float_eq(terms[1], -0.5f, 1e-6f);
    cr_expect_eq(terms[2], 1.0f);
    cr_expect_eq(reward_term_count(), 3);
}

/* Mutations start from the shortest exact code: each deletion lacks one token, combinations those that stayed
 * exact. */
Test(behaviour, mutations_shorten_the_best_exact_code) {
    struct train_settings s;
    struct environment environment = {.settings = &s};
    struct rng rng;
    struct rollout r;
    const int32_t code[] = {10, 20, 30, 40};
    options_defaults(train_options, &s);
    rng_seed(&rng, 1, "action");
    struct actor actor = {.environment = &environment, .rng = &rng};
    cr_assert_eq(rollout_open(&r, 1, 16, 8), STATUS_OK);
    rollout_add_text(&r)->size = 4;
    rollout_propose(&r, 0, POLICY_DEMONSTRATION, code, 4, NULL);
    rollout_episode(&r, 0, 0)->exact = 1;
    r.scored[0] = 1;
    behaviours[POLICY_DELETION].propose(&actor, &r, POLICY_DELETION);
    cr_assert_eq(r.count[0], 5, "one deletion per token");
    for (int e = 1; e < 5; e++) { /* without 20 or without 40 it still rebuilds, better without 40 */
        const int32_t *shorter = rollout_code(&r, 0, e);
        bool lacks_20 = shorter[0] == 10 && shorter[1] == 30, lacks_40 = shorter[2] == 30;
        cr_expect_eq(rollout_episode(&r, 0, e)->size, 3);
        rollout_episode(&r, 0, e)->exact = lacks_20 || lacks_40;
        rollout_episode(&r, 0, e)->nats = lacks_40 ? 1.0f : 2.0f;
    }
    r.scored[0] = 5;
    behaviours[POLICY_COMBINATION].propose(&actor, &r, POLICY_COMBINATION);
    cr_assert_eq(r.count[0], 6, "one pair of deletions stayed exact");
    const int32_t both[] = {10, 30};
    cr_expect_eq(rollout_episode(&r, 0, 5)->size, 2);
    cr_expect_arr_eq(rollout_code(&r, 0, 5), both, sizeof both);
    rollout_close(&r);
}

Test(algorithm, awr_weights_a_group_softly) {
    struct train_settings s;
    options_defaults(train_options, &s);
    s.rl.temperature = 0.5;
    struct episode episodes[] = {{.reward = 1.0f}, {.reward = 0.5f}, {.reward = -99.0f}};
    const struct episode *group[] = {&episodes[0], &episodes[1], &episodes[2]};
    float weights[3];
    algorithm_find("awr")->weigh(&s, group, 3, weights);
    cr_expect_float_eq(weights[0] / weights[1], expf(1.0f), 1e-4f);
    cr_expect_float_eq(weights[0] + weights[1] + weights[2], 1.0f, 1e-6f);
    cr_expect_lt(weights[2], 1e-20f);
    cr_expect_null(algorithm_find("alchemy"));
}

Test(rollout, keeps_one_of_each_and_finds_the_best) {
    struct rollout r;
    const int32_t code[] = {5, 6, 7};
    cr_assert_eq(rollout_open(&r, 2, 3, 4), STATUS_OK);
    rollout_add_text(&r)->index = 42;
    cr_expect(rollout_propose(&r, 0, POLICY_GREEDY, code, 3, NULL));
    cr_expect_not(rollout_propose(&r, 0, POLICY_SAMPLE, code, 3, NULL), "the same z again");
    cr_expect(rollout_propose(&r, 0, POLICY_SAMPLE, code, 2, NULL));
    cr_expect(rollout_propose(&r, 0, POLICY_SAMPLE, code, 1, NULL));
    cr_expect_not(rollout_propose(&r, 0, POLICY_SAMPLE, code, 0, NULL), "full");
    cr_expect_eq(rollout_best_exact(&r, 0), -1, "nothing scored yet");
    r.scored[0] = 3;
    rollout_episode(&r, 0, 0)->exact = rollout_episode(&r, 0, 1)->exact = 1;
    cr_expect_eq(rollout_best_exact(&r, 0), 1, "the shorter of the exact ones");
    cr_expect_eq(rollout_episode(&r, 0, 1)->text, 42);
    rollout_close(&r);
}
