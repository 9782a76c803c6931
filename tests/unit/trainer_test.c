/* Training as a whole on a small model: an interrupted run ends bit for bit where the unbroken one does, with
 * every algorithm and every option that has a state; modes do what they say; wrong settings are refused by
 * name. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "train/run/trainer.h"

static char folder[64];

static void path_in(char *path, size_t capacity, const char *run, const char *name) {
    snprintf(path, capacity, "%s/%s%s%s", folder, run, *name ? "/" : "", name);
}

static void write_file(const char *name, const char *text, int repeat) {
    char path[128];
    path_in(path, sizeof path, name, "");
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    for (int i = 0; i < repeat; i++)
        fputs(text, f);
    fclose(f);
}

static void set_up(void) {
    char data[128], source[128];
    log_set_level(LOG_ERROR); /* a collapse monitor warns */
    snprintf(folder, sizeof folder, "trainer-test-%d", (int)getpid());
    cr_assert_eq(mkdir(folder, 0700), 0);
    write_file("model.json",
               "{\"vocab_size\": 300, \"d_model\": 16, \"d_kv\": 8, \"d_ff\": 32, \"num_layers\": 1, "
               "\"num_heads\": 2, \"dropout_rate\": 0.1}\n",
               1);
    write_file("sure.json",
               "{\"vocab_size\": 300, \"d_model\": 16, \"d_kv\": 8, \"d_ff\": 32, \"num_layers\": 1, "
               "\"num_heads\": 2, \"dropout_rate\": 0}\n",
               1);
    write_file("text", "open\nclose\nread\nwrite\nsend\nclose\n", 6);
    path_in(data, sizeof data, "data.h5", "");
    path_in(source, sizeof source, "text", "");
    const char *paths[] = {source};
    struct dataset_recipe recipe = {
        .paths = paths, .path_count = 1, .chunking = {CHUNK_LINES, 8}, .shares = {0.6, 0.2, 0.2}};
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

static void change(struct train_settings *s, const char *const *changes) {
    for (; *changes; changes++)
        cr_assert_eq(options_set(train_options, s, *changes), STATUS_OK, "%s", fail_sentence());
}

static const char *shape = "model.json"; /* of both models */

static struct train_settings small_settings(const char *const *changes) {
    struct train_settings s;
    const char *small[] = {"supervised.steps=7",
                           "rl.steps=6",
                           "rl.texts=4",
                           "rl.updates=2",
                           "batch.rows=8",
                           "ir.merges=1",
                           "evaluation.every=40", /* in the rl stage every other step */
                           "evaluation.chunks=16",
                           "replay.capacity=300",
                           "behaviour.samples=2",
                           "behaviour.merges=0",
                           "reward.loss=1",
                           "checkpoint.minutes=0",
                           "behaviour.deletions=6",
                           NULL};
    options_defaults(train_options, &s);
    path_in(s.model, sizeof s.model, shape, "");
    path_in(s.data, sizeof s.data, "data.h5", "");
    change(&s, small);
    change(&s, changes);
    return s;
}

static const char *const no_changes[] = {NULL};

/* Opens a run in FOLDER/NAME; the caller closes it. */
static void open_run(struct trainer *t, const char *name, const char *const *changes) {
    static char path[128];
    struct train_settings settings = small_settings(changes);
    path_in(path, sizeof path, name, "");
    mkdir(path, 0700);
    cr_assert_eq(trainer_open(t, &settings, path), STATUS_OK, "%s", fail_sentence());
}

static void go_on(struct trainer *t, long steps) {
    cr_assert_eq(trainer_run(t, &(struct run_limits){.steps = steps}), STATUS_OK, "%s", fail_sentence());
}

/* What a run begins with: fresh weights, FOLDER/NAME/checkpoint.h5, or the rl stage with the weights of a
 * file.
 */
enum beginning { FRESH, RESUMED, FROM_FILE };

/* Runs `steps` steps (0: to the end) in FOLDER/NAME. */
static void run(const char *name, long steps, enum beginning beginning, const char *const *changes) {
    struct trainer *t = calloc(1, sizeof *t);
    char from[128];
    open_run(t, name, changes);
    path_in(from, sizeof from, "teacher", "checkpoint.h5");
    if (beginning == RESUMED)
        cr_assert_eq(checkpoint_load(t), STATUS_OK, "%s", fail_sentence());
    if (beginning == FROM_FILE)
        cr_assert_eq(checkpoint_begin_from(t, from), STATUS_OK, "%s", fail_sentence());
    go_on(t, steps);
    trainer_close(t);
    free(t);
}

/* A pair that rebuilds most words, also when a token is missing, in FOLDER/teacher: the rl stage begins
 * from it. */
static void train_teacher(void) {
    const char *changes[] = {"supervised.steps=200",
                             "supervised.compressor_rate=2e-2",
                             "supervised.decompressor_rate=2e-2",
                             "demonstration.drop=0.5",
                             "batch.rows=24",
                             "rl.steps=0",
                             NULL};
    run("teacher", 0, FRESH, changes);
}

/* ------------------------------------------------------------ checkpoints compared */

struct comparison {
    struct h5_file *other;
    const char *label;
    int arrays, metrics;
};

/* Seconds pass as they like. */
static size_t leave_out_seconds(const char *name, double *values, size_t count) {
    if (strcmp(name, "trainer/reals") == 0)
        values[0] = values[1] = 0;
    return strcmp(name, "metrics/seconds") == 0 ? 0 : count;
}

static enum status compare_array(void *context, struct h5_file *file, const char *name, bool is_group) {
    struct comparison *c = context;
    struct h5_shape a, b;
    bool is_float;
    void *x = NULL, *y = NULL;
    if (is_group)
        return STATUS_OK;
    TRY(h5_shape(file, name, &a, &is_float));
    enum h5_type type = is_float ? H5_F64 : strcmp(name, "trainer/random") == 0 ? H5_U64 : H5_I64;
    TRY(h5_read_alloc(file, name, type, &a, 1 << 24, &x));
    TRY(h5_read_alloc(c->other, name, type, &b, 1 << 24, &y));
    size_t n = 1;
    for (int i = 0; i < a.rank; i++) {
        cr_assert_eq(a.extent[i], b.extent[i], "%s: %s", c->label, name);
        n *= (size_t)a.extent[i];
    }
    if (is_float)
        leave_out_seconds(name, y, n), n = leave_out_seconds(name, x, n);
    cr_expect_eq(memcmp(x, y, n * 8), 0, "%s: %s differs", c->label, name);
    free(x);
    free(y);
    c->arrays++;
    c->metrics += strncmp(name, "metrics/", 8) == 0;
    return STATUS_OK;
}

/* Both runs' whole state and all their metrics, to the last bit. */
static void expect_same(const char *one, const char *other, const char *label) {
    char a[128], b[128];
    struct h5_file *file = NULL;
    struct comparison forth = {.label = label}, back = {.label = label};
    path_in(a, sizeof a, one, "checkpoint.h5");
    path_in(b, sizeof b, other, "checkpoint.h5");
    cr_assert_eq(h5_open(&file, a), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(h5_open(&forth.other, b), STATUS_OK, "%s", fail_sentence());
    back.other = file;
    cr_assert_eq(h5_walk(file, "", compare_array, &forth), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(h5_walk(forth.other, "", compare_array, &back), STATUS_OK, "%s", fail_sentence());
    cr_expect_eq(forth.arrays, back.arrays);
    cr_expect_gt(forth.arrays, 90, "weights, moments, targets, replay, streams, metrics: %d", forth.arrays);
    cr_expect_gt(forth.metrics, 30, "%s: %d metrics", label, forth.metrics);
    h5_close(forth.other);
    h5_close(file);
}

/* The last number in a run's metrics of this name, NaN without any. */
static double last_metric(const struct trainer *t, const char *name) {
    for (int c = 0; c < t->metrics.columns; c++)
        for (int64_t row = t->metrics.rows; strcmp(t->metrics.names[c], name) == 0 && row-- > 0;)
            if (!isnan(t->metrics.values[row * METRICS_MAXIMUM + c]))
                return t->metrics.values[row * METRICS_MAXIMUM + c];
    return NAN;
}

Test(trainer, resumed_run_ends_where_the_unbroken_one_does) {
    run("whole", 0, FRESH, no_changes);
    run("broken", 4, FRESH, no_changes);
    run("broken", 3, RESUMED, no_changes); /* to the end of the warm start */
    run("broken", 2, RESUMED, no_changes);
    run("broken", 0, RESUMED, no_changes);
    expect_same("whole", "broken", "both phases");
}

Test(trainer, same_seed_same_run_and_another_seed_another_one) {
    char path[128];
    const char *other[] = {"seed=2", NULL};
    uint8_t hash[3][16];
    const char *names[] = {"first", "second", "third"};
    run("first", 0, FRESH, no_changes);
    run("second", 0, FRESH, no_changes);
    run("third", 0, FRESH, other);
    expect_same("first", "second", "same seed");
    for (int i = 0; i < 3; i++) {
        struct model_pair pair;
        path_in(path, sizeof path, names[i], "best.h5");
        cr_assert_eq(model_pair_load(path, &pair), STATUS_OK, "%s", fail_sentence());
        model_pair_hash(&pair, hash[i]);
        model_pair_free(&pair);
    }
    cr_expect_arr_eq(hash[0], hash[1], 16);
    cr_expect_arr_neq(hash[0], hash[2], 16);
}

/* The rl stage with each algorithm, and between them every option that the past has a hold on; `happens` is a
 * metric above zero that shows it. */
static const struct rl_stage_case {
    const char *happens;
    const char *changes[13];
} cases[] = {
    {"exact_match_recall",
     {"rl.algorithm=expert", "replay.best=8", "replay.best_share=0.3", "behaviour.recalls=1",
      "behaviour.recalls_begin=0.6", "behaviour.recalls_end=1", "reward.repetition=0.2"}},
    {"exact_match_combination",
     {"rl.algorithm=awr", "reward.code_bits=1", "reward.length_from=0", "reward.edits=0.5",
      "reward.edits_from=0", "reward.ramp=0.7", "behaviour.rounds=2", "demonstration.shortest=true",
      "evaluation.search=5"}},
    {"ratio",
     {"rl.algorithm=ppo", "rl.baseline=value", "reward.normalize=group", "behaviour.top_k=30",
      "behaviour.top_p=0.95", "behaviour.epsilon=0.05", "rl.imitation=0.1", "behaviour.samples=4"}},
    {"ratio",
     {"rl.algorithm=vtrace", "rl.entropy=0.01", "target.mode=periodic", "target.every=3", "rl.imitation=0.1",
      "reward.total_bits=1", "reward.text_bits=0.1"}},
    {"collapse_q",
     {"rl.algorithm=dqn", "q.steps=2", "q.support=group", "decompressor.mode=periodic",
      "decompressor.every=2", "reward.shaping=terminal", "collapse.q=0.01"}},
    {"q",
     {"rl.algorithm=pcl", "decompressor.mode=frozen", "replay.half_life=2", "replay.reward_scale=0.5",
      "target.tau=0.5", "replay.capacity=100"}},
    {"share_merge",
     {"rl.algorithm=ilql", "q.dueling=false", "demonstration.pairs=40", "behaviour.merges=4",
      "behaviour.swaps=2", "behaviour.replacements=3", "behaviour.replacements_end=0",
      "decompressor.drop=0.2", "replay.capacity=400", "precision=fp32"}},
    {"value",
     {"rl.algorithm=a2c", "behaviour.temperature=1", "behaviour.samples=4", "behaviour.samples_end=0.5",
      "behaviour.greedy=0", "replay.newest=0.9"}},
};
enum { CASES = sizeof cases / sizeof *cases };

static const char *algorithm_of(const struct rl_stage_case *c) {
    return strchr(c->changes[0], '=') + 1;
}

static void list_changes(const struct rl_stage_case *c, const char **list) {
    int count = 0;
    for (; c->changes[count]; count++)
        list[count] = c->changes[count];
    list[count] = "supervised.steps=0";
    list[count + 1] = NULL;
}

static void expect_happened(const struct rl_stage_case *c, const char *name, const char *const *changes) {
    struct trainer *t = calloc(1, sizeof *t);
    open_run(t, name, changes);
    cr_assert_eq(checkpoint_load(t), STATUS_OK, "%s", fail_sentence());
    cr_expect_gt(fabs(last_metric(t, c->happens)), 0.0, "%s: %s is %g", algorithm_of(c), c->happens,
                 last_metric(t, c->happens));
    cr_expect_gt(last_metric(t, "text_exact_match"), 0.0, "%s", algorithm_of(c));
    cr_expect_gt(last_metric(t, "compressor_gradient"), 0.0, "%s", algorithm_of(c));
    trainer_close(t);
    free(t);
}

Test(trainer, every_algorithm_resumes_in_the_rl_stage) {
    train_teacher();
    for (int i = 0; i < CASES; i++) {
        const char *changes[16], *label = algorithm_of(&cases[i]);
        char whole[32], broken[32];
        list_changes(&cases[i], changes);
        snprintf(whole, sizeof whole, "whole-%s", label);
        snprintf(broken, sizeof broken, "broken-%s", label);
        run(whole, 0, FROM_FILE, changes);
        run(broken, 1, FROM_FILE, changes);
        run(broken, 2, RESUMED, changes);
        run(broken, 0, RESUMED, changes);
        expect_same(whole, broken, label);
        expect_happened(&cases[i], whole, changes);
    }
}

Test(trainer, every_algorithm_has_its_case) {
    for (int i = 0; algorithms[i]; i++) {
        int found = 0;
        for (int c = 0; c < CASES; c++)
            found += strcmp(algorithm_of(&cases[c]), algorithms[i]->name) == 0;
        cr_expect_eq(found, 1, "%s", algorithms[i]->name);
    }
}

/* ------------------------------------------------------------ the rl stage's modes */

/* A trainer that has gone through `steps` steps of the rl stage from the teacher; close it. */
static struct trainer *in_rl_stage(const char *name, long steps, const char *const *changes) {
    struct trainer *t = calloc(1, sizeof *t);
    char from[128];
    open_run(t, name, changes);
    path_in(from, sizeof from, "teacher", "checkpoint.h5");
    cr_assert_eq(checkpoint_begin_from(t, from), STATUS_OK, "%s", fail_sentence());
    go_on(t, steps);
    return t;
}

static void leave(struct trainer *t) {
    trainer_close(t);
    free(t);
}

static bool same_weights(const struct t5_model *a, const struct t5_model *b) {
    return memcmp(a->weights, b->weights, a->weight_count * sizeof(float)) == 0;
}

/* A batch as the last update of a one-step run left it: token rewards add up to the episode's. */
static void expect_rewards_add_up(const struct trainer *t, bool dense, bool normalized) {
    const struct rl_batch *l = &t->rl_batch;
    cr_assert_gt(l->rows, 0);
    for (int r = 0; r < l->rows; r++) {
        int end = l->start[r + 1] - 1, bytes = t->batch.source_start[r + 1] - t->batch.source_start[r] - 1;
        float sum = 0;
        for (int k = l->start[r]; k <= end; k++)
            sum += l->reward[k];
        cr_expect_float_eq(sum, l->row[r].reward, 1e-4);
        for (int k = l->start[r]; k < end; k++) {
            cr_expect_eq(l->reward[k], l->reward[l->start[r]], "every token costs the same");
            if (!dense)
                cr_expect_eq(l->reward[k], 0.0f);
            else if (normalized)
                cr_expect_lt(l->reward[k], 0.0f);
            else
                cr_expect_float_eq(l->reward[k], -1.0f / (float)bytes, 1e-6);
        }
        for (int other = 0; other < l->rows; other++)
            if (l->row[other].text == l->row[r].text) {
                cr_expect_eq(l->row[other].baseline, l->row[r].baseline);
                cr_expect(other == r || !l->row[other].best || !l->row[r].best, "one best of a text");
            }
        if (normalized)
            cr_expect_float_eq(l->row[r].baseline, 0, 1e-4);
    }
}

Test(trainer, token_rewards_add_up_to_the_episodes) {
    char name[16];
    train_teacher();
    for (int i = 0; i < 4; i++) {
        bool dense = i % 2, normalized = i / 2;
        const char *changes[] = {"supervised.steps=0",
                                 "rl.algorithm=dqn",
                                 "decompressor.mode=frozen", /* the batch stays the compressor's */
                                 "rl.texts=12",
                                 dense ? "reward.shaping=dense" : "reward.shaping=terminal",
                                 normalized ? "reward.normalize=group" : "reward.normalize=none",
                                 NULL};
        snprintf(name, sizeof name, "batch-%d", i);
        struct trainer *t = in_rl_stage(name, 1, changes);
        expect_rewards_add_up(t, dense, normalized);
        leave(t);
    }
}

/* Before the first update the samples' ln mu, from the generator, are the learner's ln pi: all ratios are
 * one. */
Test(trainer, fresh_samples_have_ratios_of_one) {
    const char *changes[] = {"supervised.steps=0",
                             "rl.algorithm=ppo",
                             "rl.updates=1",
                             "precision=fp32",
                             "behaviour.temperature=1",
                             "behaviour.greedy=0",
                             "behaviour.samples=3",
                             "behaviour.deletions=0",
                             "behaviour.combinations=0",
                             NULL};
    shape = "sure.json"; /* without dropout, which is noise on pi */
    train_teacher();
    struct trainer *t = in_rl_stage("ratios", 1, changes);
    cr_expect_float_eq(last_metric(t, "ratio"), 1, 1e-4, "%g", last_metric(t, "ratio"));
    cr_expect_float_eq(last_metric(t, "ratio_largest"), 1, 1e-3);
    cr_expect_float_eq(last_metric(t, "log_ratio"), 0, 1e-4);
    cr_expect_eq(last_metric(t, "ratio_clipped"), 0);
    leave(t);
}

Test(trainer, a_frozen_decompressor_stays_and_a_periodic_one_learns_at_intervals) {
    const char *frozen[] = {"supervised.steps=0", "decompressor.mode=frozen", NULL};
    const char *periodic[] = {"supervised.steps=0", "decompressor.mode=periodic", "decompressor.every=3",
                              NULL};
    struct model_pair teacher;
    char path[128];
    train_teacher();
    path_in(path, sizeof path, "teacher", "checkpoint.h5");
    cr_assert_eq(model_pair_load(path, &teacher), STATUS_OK, "%s", fail_sentence());
    struct trainer *t = in_rl_stage("frozen", 4, frozen);
    cr_expect(same_weights(&t->pair.decompressor, &teacher.decompressor));
    cr_expect_float_eq(t->target_decompressor.weights[0], teacher.decompressor.weights[0], 1e-5f);
    cr_expect_not(same_weights(&t->pair.compressor, &teacher.compressor));
    leave(t);
    t = in_rl_stage("periodic", 2, periodic);
    cr_expect(same_weights(&t->pair.decompressor, &teacher.decompressor), "not yet");
    go_on(t, 1);
    cr_expect_not(same_weights(&t->pair.decompressor, &teacher.decompressor));
    cr_expect_eq(t->decompressor.step, 6, "as many steps as the compressor had");
    cr_expect_eq(t->compressor.step, 6);
    leave(t);
    model_pair_free(&teacher);
}

Test(trainer, periodic_targets_are_copies_and_averages_are_not) {
    const char *periodic[] = {"supervised.steps=0", "target.mode=periodic", "target.every=4",
                              "rl.algorithm=dqn", NULL};
    const char *polyak[] = {"supervised.steps=0", "target.tau=0.25", "rl.algorithm=dqn", NULL};
    train_teacher();
    struct trainer *t = in_rl_stage("copies", 2, periodic); /* four updates */
    cr_expect(same_weights(&t->target_compressor, &t->pair.compressor));
    cr_expect(same_weights(&t->target_decompressor, &t->pair.decompressor));
    cr_expect_arr_eq(t->value.target, t->value.weights, (size_t)t->value.size * sizeof(float));
    cr_expect_neq(t->value.weights[0], 0.0f);
    go_on(t, 1);
    cr_expect_not(same_weights(&t->target_compressor, &t->pair.compressor));
    leave(t);
    t = in_rl_stage("averages", 2, polyak);
    cr_expect_not(same_weights(&t->target_compressor, &t->pair.compressor));
    cr_expect_lt(gradient_norm(t->value.target, (size_t)t->value.size),
                 gradient_norm(t->value.weights, (size_t)t->value.size), "on its way from zero");
    leave(t);
}

/* The prior of rewards in coded bits is learned again at every evaluation. */
Test(trainer, rewards_in_coded_bits_follow_the_codes) {
    const char *changes[] = {"supervised.steps=0", "reward.code_bits=1", NULL};
    train_teacher();
    struct trainer *t = in_rl_stage("bits", 1, changes);
    const struct prior *first = t->prior;
    const int32_t code[] = {TOKEN_BYTE + 'o', TOKEN_BYTE + 'p'}, strange[] = {TOKEN_BYTE, TOKEN_BYTE + 1};
    cr_assert_not_null(first);
    cr_expect_lt(environment_code_bits(&t->environment, code, 2),
                 environment_code_bits(&t->environment, strange, 2));
    cr_expect_lt(last_metric(t, "reward_code_bits"), 0.0);
    cr_expect_geq(last_metric(t, "reward_total_bits"), -1e3);
    cr_expect_float_eq(last_metric(t, "reward_total_bits"),
                       last_metric(t, "reward_code_bits") + last_metric(t, "reward_text_bits"), 1e-6);
    go_on(t, 1);
    cr_expect_eq(t->prior, t->environment.prior);
    cr_expect_gt(t->recent.tokens.size, 0);
    leave(t);
}

/* ------------------------------------------------------------ refusals */

static void expect_refused(const char *const *changes, const char *sentence) {
    struct trainer *t = calloc(1, sizeof *t);
    struct train_settings s = small_settings(changes);
    cr_expect_eq(trainer_open(t, &s, folder), STATUS_CONFIG);
    cr_expect_str_eq(fail_sentence(), sentence);
    trainer_close(t);
    free(t);
}

Test(trainer, refuses_impossible_settings) {
    expect_refused(
        (const char *const[]){"replay.capacity=10", NULL},
        "replay.capacity is 10, less than one iteration fills (rl.texts x episodes per text = 56)");
    expect_refused((const char *const[]){"ir.merges=500", NULL},
                   "ir.merges is 500, a vocabulary of 300 leaves room for 41");
    expect_refused((const char *const[]){"behaviour.greedy=0", "behaviour.samples=0",
                                         "behaviour.demonstrations=0", "behaviour.recalls=1", NULL},
                   "no behaviour policy is on: set behaviour.samples, behaviour.greedy or "
                   "behaviour.demonstrations above 0, or rl.steps to 0");
    expect_refused((const char *const[]){"data=", NULL},
                   "no data set: make one with `laconic data make` and name it with --data DS.h5");
}

static int evaluations(const struct trainer *t) {
    int count = 0;
    for (int c = 0; c < t->metrics.columns; c++)
        for (int64_t row = 0;
             strcmp(t->metrics.names[c], "held_out_exact_match") == 0 && row < t->metrics.rows; row++)
            count += !isnan(t->metrics.values[row * METRICS_MAXIMUM + c]);
    return count;
}

Test(trainer, an_evaluation_that_was_broken_off_is_made_up_for) {
    struct trainer *t = calloc(1, sizeof *t);
    run("owing", 8, FRESH, no_changes); /* the rl stage, step 1 */
    open_run(t, "owing", no_changes);
    cr_assert_eq(checkpoint_load(t), STATUS_OK, "%s", fail_sentence());
    t->evaluation_due = true;
    cr_assert_eq(checkpoint_save(t), STATUS_OK, "%s", fail_sentence());
    trainer_close(t);
    open_run(t, "owing", no_changes);
    cr_assert_eq(checkpoint_load(t), STATUS_OK, "%s", fail_sentence());
    cr_expect(t->evaluation_due);
    int before = evaluations(t);
    go_on(t, 1);
    cr_expect_eq(evaluations(t), before + 2, "the one owed, and that of step 2");
    cr_expect_not(t->evaluation_due);
    trainer_close(t);
    free(t);
}

Test(trainer, a_term_that_the_replayed_episodes_never_measured_is_refused) {
    struct trainer *t = calloc(1, sizeof *t);
    const char *edits[] = {"reward.edits=1", NULL};
    run("unmeasured", 8, FRESH, no_changes);
    open_run(t, "unmeasured", edits);
    cr_expect_eq(checkpoint_load(t), STATUS_MISMATCH);
    cr_expect_not_null(strstr(fail_sentence(), "reward.edits"), "%s", fail_sentence());
    trainer_close(t);
    free(t);
}
