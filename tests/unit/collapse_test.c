/* Collapse monitors warn once, again when they recovered or became twice as bad, also across a checkpoint;
 * collapse.stop ends a run that can go on. And the rows of metrics that they read: means and extremes. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "run_folder.h"
#include "train/run/trainer.h"

static struct train_settings settings_with(const char *const *changes) {
    struct train_settings s;
    options_defaults(train_options, &s);
    for (int i = 0; changes[i]; i++)
        cr_assert_eq(options_set(train_options, &s, changes[i]), STATUS_OK, "%s", fail_sentence());
    return s;
}

static const char *const limits[] = {"collapse.length=0.1", "collapse.exact_match=0.2", "collapse.q=10",
                                     NULL};

/* Whether COLUMN rang in an iteration with these figures. */
static bool step_warns(struct collapse_monitors *a, const char *column, double length, double least,
                       double largest) {
    struct train_settings s = settings_with(limits);
    struct metrics m = {0};
    cr_assert_eq(metrics_begin_row(&m), STATUS_OK);
    if (isfinite(length))
        metrics_set(&m, "tokens_per_byte_greedy", length);
    metrics_set(&m, "q_least", least);
    metrics_set(&m, "q_largest", largest);
    collapse_after_step(a, &(struct moment){&s, PHASE_RL, 7, 0.1}, &(struct step_deeds){1, true, true}, &m);
    bool rang = metrics_get(&m, column) == 1;
    metrics_close(&m);
    return rang;
}

static bool evaluation_warns(struct collapse_monitors *a, const char *column, double length, double exact) {
    struct train_settings s = settings_with(limits);
    struct evaluation e = {.tokens_per_byte = length, .exact_match = exact, .one_code = NAN};
    struct metrics m = {0};
    cr_assert_eq(metrics_begin_row(&m), STATUS_OK);
    collapse_after_evaluation(a, &(struct moment){&s, PHASE_RL, 7, 0.1}, &e, &m);
    bool rang = metrics_get(&m, column) == 1;
    metrics_close(&m);
    return rang;
}

static void quiet(void) {
    log_set_level(LOG_ERROR);
}

TestSuite(collapse, .init = quiet);

Test(collapse, short_codes_warn_once_again_when_half_as_long_and_after_recovery) {
    struct collapse_monitors a;
    collapse_begin(&a);
    cr_expect_not(step_warns(&a, "collapse_length", 0.1, 0, 0), "at the limit, not below");
    cr_expect_not(a.warned);
    cr_expect(step_warns(&a, "collapse_length", 0.08, 0, 0));
    cr_expect(a.warned);
    cr_expect_not(step_warns(&a, "collapse_length", 0.08, 0, 0), "said already");
    cr_expect_not(step_warns(&a, "collapse_length", 0.05, 0, 0), "not yet twice as bad");
    cr_expect(step_warns(&a, "collapse_length", 0.04, 0, 0), "twice as bad");
    cr_expect_not(step_warns(&a, "collapse_length", 0.102, 0, 0));
    cr_expect_not(step_warns(&a, "collapse_length", 0.09, 0, 0), "just above the limit was no recovery");
    cr_expect_not(step_warns(&a, "collapse_length", NAN, 0, 0), "no greedy code, nothing to say");
    cr_expect_not(step_warns(&a, "collapse_length", 0.2, 0, 0));
    cr_expect(step_warns(&a, "collapse_length", 0.09, 0, 0), "recovered in between");
    cr_expect(step_warns(&a, "collapse_length", 0, 0, 0), "empty codes");
    cr_expect_not(step_warns(&a, "collapse_length", 0, 0, 0), "nothing is worse");
}

Test(collapse, held_out_codes_have_a_monitor_of_their_own) {
    struct collapse_monitors a;
    collapse_begin(&a);
    cr_expect(evaluation_warns(&a, "collapse_length", 0.05, 0.5));
    cr_expect_not(step_warns(&a, "collapse_length", 0.3, 0, 0));
    cr_expect_not(evaluation_warns(&a, "collapse_length", 0.05, 0.5));
}

Test(collapse, a_fall_of_the_exact_match_rate_is_counted_from_the_best) {
    struct collapse_monitors a;
    collapse_begin(&a);
    cr_expect_not(evaluation_warns(&a, "collapse_exact_match", 1, 0.5), "the first is the best so far");
    cr_expect_not(evaluation_warns(&a, "collapse_exact_match", 1, 0.8));
    cr_expect_not(evaluation_warns(&a, "collapse_exact_match", 1, 0.65));
    cr_expect(evaluation_warns(&a, "collapse_exact_match", 1, 0.55), "25 points below 80%%");
    cr_expect_not(evaluation_warns(&a, "collapse_exact_match", 1, 0.4));
    cr_expect(evaluation_warns(&a, "collapse_exact_match", 1, 0.25), "a fall twice as deep");
    cr_expect_not(evaluation_warns(&a, "collapse_exact_match", 1, 0.75), "recovered");
    cr_expect(evaluation_warns(&a, "collapse_exact_match", 1, 0.5));
    cr_expect_float_eq(a.best_exact_match, 0.8, 1e-12);
}

Test(collapse, values_warn_by_magnitude) {
    struct collapse_monitors a;
    collapse_begin(&a);
    cr_expect_not(step_warns(&a, "collapse_q", 1, -9, 9));
    cr_expect(step_warns(&a, "collapse_q", 1, -11, 9));
    cr_expect_not(step_warns(&a, "collapse_q", 1, -11, 21));
    cr_expect(step_warns(&a, "collapse_q", 1, -11, 23));
}

Test(collapse, the_sentence_says_what_where_how_much_and_what_to_do) {
    struct collapse_monitors a;
    char path[64], line[1024] = "";
    snprintf(path, sizeof path, "collapse-test-%d.txt", (int)getpid());
    FILE *messages = freopen(path, "w+", stderr);
    cr_assert_not_null(messages);
    log_set_level(LOG_WARNING);
    collapse_begin(&a);
    a.best_exact_match = 0.8;
    evaluation_warns(&a, "collapse_exact_match", 1, 0.5);
    rewind(messages);
    cr_assert_not_null(fgets(line, sizeof line, messages));
    unlink(path);
    cr_expect_not_null(strstr(line,
                              "warning: rl stage step 7: the held-out exact-match rate is 50.0%, 30.0 points "
                              "below its best in the rl stage (collapse.exact_match allows 20.0)"));
    cr_expect_not_null(strstr(line, "lower rl.compressor_rate"));
}

Test(metrics, what_is_measured_several_times_is_folded_into_its_row) {
    struct metrics m = {0};
    cr_expect(isnan(metrics_get(&m, "mean")), "no row yet");
    for (int row = 0; row < 2; row++) {
        cr_assert_eq(metrics_begin_row(&m), STATUS_OK);
        cr_expect(isnan(metrics_get(&m, "mean")), "each row begins anew");
        for (int i = 1; i <= 3; i++) {
            metrics_add(&m, "mean", row + 2.0 * i);
            metrics_add_least(&m, "least", row - i);
            metrics_add_largest(&m, "largest", row - i);
        }
        cr_expect_float_eq(metrics_get(&m, "mean"), row + 4, 1e-12);
        cr_expect_eq(metrics_get(&m, "least"), row - 3);
        cr_expect_eq(metrics_get(&m, "largest"), row - 1);
        cr_expect(isnan(metrics_get(&m, "unheard of")));
    }
    cr_expect_eq(m.columns, 3, "asking makes no column");
    metrics_close(&m);
}

/* ---- with files ---- */

TestSuite(collapse_files, .init = run_folder_begin, .fini = run_folder_leave);

Test(collapse_files, come_back_as_they_were) {
    struct collapse_monitors before = {.level = {1.5, 0, 2, 1e12}, .best_exact_match = 0.75, .warned = true},
                             after;
    struct h5_file *file;
    char path[128];
    run_path(path, sizeof path, "monitors.h5");
    cr_assert_eq(h5_create(&file, path), STATUS_OK, "%s", fail_sentence());
    cr_expect_eq(collapse_write(file, "trainer/collapse", &before), STATUS_OK, "%s", fail_sentence());
    cr_expect_eq(h5_commit(file), STATUS_OK);
    h5_close(file);
    cr_assert_eq(h5_open(&file, path), STATUS_OK);
    collapse_begin(&after);
    cr_expect_eq(collapse_read(file, "no/such", &after), STATUS_OK, "a file without monitors");
    cr_expect(isnan(after.best_exact_match));
    cr_expect_eq(collapse_read(file, "trainer/collapse", &after), STATUS_OK, "%s", fail_sentence());
    h5_close(file);
    cr_expect_arr_eq(after.level, before.level, sizeof after.level);
    cr_expect_eq(after.best_exact_match, 0.75);
    cr_expect_not(after.warned, "what rang in another process stops nothing");
}

static const char *const small[] = {"supervised.steps=3",   "rl.steps=4",           "rl.texts=4",
                                    "rl.updates=2",         "batch.rows=8",         "ir.merges=20",
                                    "evaluation.every=20",  "evaluation.chunks=16", "replay.capacity=300",
                                    "checkpoint.minutes=9", "collapse.length=1e6",  NULL};

/* Goes on in the folder as these settings say; the trainer afterwards, to be closed by the caller. */
static struct trainer *run(const char *stop, bool resume, enum status expected) {
    struct trainer *t = calloc(1, sizeof *t);
    struct train_settings s = settings_with(small);
    cr_assert_eq(options_set(train_options, &s, stop), STATUS_OK);
    run_path(s.model, sizeof s.model, "model.json");
    run_path(s.data, sizeof s.data, "data.h5");
    cr_assert_eq(trainer_open(t, &s, run_folder), STATUS_OK, "%s", fail_sentence());
    if (resume)
        cr_assert_eq(checkpoint_load(t), STATUS_OK, "%s", fail_sentence());
    cr_expect_eq(trainer_run(t, &(struct run_limits){0}), expected, "%s", fail_sentence());
    return t;
}

static void close_run(struct trainer *t) {
    trainer_close(t);
    free(t);
}

/* No code has a million tokens per byte: the evaluation at the end of the warm start warns. */
Test(collapse_files, a_stopped_run_is_saved_and_goes_on) {
    struct trainer *t = run("collapse.stop=true", false, STATUS_LIMIT);
    cr_expect_not_null(strstr(fail_sentence(), "collapse.stop"));
    cr_expect_not_null(strstr(fail_sentence(), "--resume"));
    cr_expect_eq(t->phase, PHASE_RL);
    cr_expect_eq(t->steps[PHASE_RL], 0);
    cr_expect_eq(metrics_get(&t->metrics, "collapse_length"), 1, "the row tells");
    double level = t->collapse.level[COLLAPSE_HELD_OUT_LENGTH];
    close_run(t);
    cr_expect_gt(level, 1);
    t = run("collapse.stop=false", true, STATUS_OK);
    cr_expect_eq(t->phase, PHASE_COUNT);
    cr_expect_eq(t->steps[PHASE_RL], 4);
    cr_expect_geq(t->collapse.level[COLLAPSE_HELD_OUT_LENGTH], level,
                  "the state of the monitors went on, too");
    close_run(t);
}

Test(collapse_files, a_run_that_begins_with_the_rl_stage_is_evaluated_first) {
    struct trainer *t = calloc(1, sizeof *t);
    struct train_settings s = settings_with(small);
    s.supervised.steps = 0;
    s.rl.steps = 2;
    run_path(s.model, sizeof s.model, "model.json");
    run_path(s.data, sizeof s.data, "data.h5");
    cr_assert_eq(trainer_open(t, &s, run_folder), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(trainer_run(t, &(struct run_limits){.steps = 1}), STATUS_OK, "%s", fail_sentence());
    cr_expect_not(isnan(t->collapse.best_exact_match));
    cr_expect_gt(t->evaluation.chunks, 0);
    close_run(t);
}
