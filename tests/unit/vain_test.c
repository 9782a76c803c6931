/* Runs that bring nothing are told of and end: constant codes of any length, gradients without bounds, losses
 * that are no numbers, iterations that file or teach nothing. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "run_folder.h"
#include "base/number.h"
#include "train/judging/one_code.h"
#include "train/run/trainer.h"

static struct train_settings settings_with(const char *const *changes) {
    struct train_settings s;
    options_defaults(train_options, &s);
    for (int i = 0; changes[i]; i++)
        cr_assert_eq(options_set(train_options, &s, changes[i]), STATUS_OK, "%s", fail_sentence());
    return s;
}

static void quiet(void) {
    log_set_level(LOG_ERROR);
}

/* ---- constant codes ---- */

/* Adds a text of one token with a code that is the first `size` ids of `code`. */
static void add_code(struct one_code *codes, int32_t text_id, const int32_t *code, int size) {
    struct text text = {.tokens = 1, .ids = {text_id}};
    cr_assert_eq(one_code_add(codes, &text, code, size), STATUS_OK);
}

static double share_and_free(struct one_code *codes) {
    double share = one_code_share(codes);
    one_code_free(codes);
    return share;
}

Test(one_code, a_constant_code_is_one_however_long_it_is_cut) {
    int32_t code[512];
    for (int i = 0; i < 512; i++)
        code[i] = i % 3 ? 7 : 0;
    const int sizes[4][6] = {
        {0, 0, 0, 0, 0, 0}, {512, 3, 17, 1, 0, 511}, {2, 2, 2, 2, 2, 2}, {9, 8, 7, 6, 5, 4}};
    for (int i = 0; i < 4; i++) {
        static struct one_code codes;
        for (int text = 0; text < 6; text++)
            add_code(&codes, text, code, sizes[i][text]);
        cr_expect_eq(share_and_free(&codes), 1.0, "case %d", i);
    }
}

Test(one_code, different_texts_have_different_codes_and_equal_ones_the_same) {
    static struct one_code codes;
    for (int32_t text = 0; text < 10; text++)
        for (int again = 0; again < 20; again++)
            add_code(&codes, text, (const int32_t[]){text, 5, 5}, 3);
    cr_expect_eq(share_and_free(&codes), 1 / 10.0);
    for (int32_t text = 0; text < 8; text++) /* the last two say something */
        add_code(&codes, text, (const int32_t[]){text < 6 ? 9 : text, 5, 5}, 1 + text % 3);
    cr_expect_eq(share_and_free(&codes), 6 / 8.0);
    for (int32_t text = 0; text < 90; text++)
        add_code(&codes, text % (ONE_CODE_LEAST - 1), (const int32_t[]){1}, 1);
    cr_expect(isnan(share_and_free(&codes)), "too few texts to say anything");
}

/* ---- collapse monitors ---- */

/* Whether COLUMN rang in an evaluation. */
static bool evaluation_warns(struct collapse_monitors *a, const char *column, enum phase phase,
                             double progress, const struct evaluation *e) {
    struct train_settings s = settings_with((const char *const[]){"collapse.length=0.1", NULL});
    struct metrics m = {0};
    cr_assert_eq(metrics_begin_row(&m), STATUS_OK);
    collapse_after_evaluation(a, &(struct moment){&s, phase, 7, progress}, e, &m);
    bool rang = metrics_get(&m, column) == 1;
    metrics_close(&m);
    return rang;
}

Test(vain, constant_and_empty_codes_ring_in_both_phases, .init = quiet) {
    const struct evaluation constant = {.tokens_per_byte = 1, .exact_match = 0.5, .one_code = 0.95},
                            well = {.tokens_per_byte = 1, .exact_match = 0.5, .one_code = 0.2},
                            empty = {.tokens_per_byte = 0.01, .exact_match = 0.5, .one_code = NAN};
    for (int phase = 0; phase < PHASE_COUNT; phase++) {
        struct collapse_monitors a;
        collapse_begin(&a);
        cr_expect_eq(evaluation_warns(&a, "collapse_constant", (enum phase)phase, 0.4, &constant),
                     phase == PHASE_RL, "an untrained model may write anything");
        collapse_begin(&a);
        cr_expect_not(evaluation_warns(&a, "collapse_constant", (enum phase)phase, 0.6, &well));
        cr_expect(evaluation_warns(&a, "collapse_constant", (enum phase)phase, 0.6, &constant));
        cr_expect_not(evaluation_warns(&a, "collapse_constant", (enum phase)phase, 0.7, &constant),
                      "said already");
        cr_expect(evaluation_warns(&a, "collapse_length", (enum phase)phase, 0.6, &empty));
    }
}

Test(vain, the_exact_match_rate_may_not_fall_in_the_warm_start_either, .init = quiet) {
    struct collapse_monitors a;
    struct evaluation e = {.tokens_per_byte = 1, .exact_match = 0.9, .one_code = NAN};
    collapse_begin(&a);
    cr_expect_not(evaluation_warns(&a, "collapse_exact_match", PHASE_SUPERVISED, 0.2, &e));
    e.exact_match = 0.1;
    cr_expect(evaluation_warns(&a, "collapse_exact_match", PHASE_SUPERVISED, 0.4, &e));
    collapse_begin_rl_stage(&a, e.exact_match);
    cr_expect_not(evaluation_warns(&a, "collapse_exact_match", PHASE_RL, 0, &e),
                  "the rl stage begins with this");
    cr_expect_eq(a.best_exact_match, 0.1);
}

/* One step with these gradients and deeds; whether COLUMN rang. */
static bool step_warns(struct collapse_monitors *a, const char *column, const struct train_settings *s,
                       enum phase phase, double gradient, struct step_deeds deeds) {
    struct metrics m = {0};
    cr_assert_eq(metrics_begin_row(&m), STATUS_OK);
    metrics_set(&m, "compressor_gradient", 1);
    metrics_set(&m, "decompressor_gradient", gradient);
    metrics_set(&m, "refused_unended", 12);
    metrics_set(&m, "refused_repeated", 3);
    collapse_after_step(a, &(struct moment){s, phase, 7, 0.5}, &deeds, &m);
    bool rang = metrics_get(&m, column) == 1;
    metrics_close(&m);
    return rang;
}

static const struct step_deeds all_well = {5, true, true};

Test(vain, gradients_without_bounds_ring_and_end_the_run, .init = quiet) {
    struct train_settings s =
        settings_with((const char *const[]){"collapse.gradient=100", "collapse.patience=4", NULL});
    for (int phase = 0; phase < PHASE_COUNT; phase++) {
        struct collapse_monitors a;
        collapse_begin(&a);
        cr_expect_not(step_warns(&a, "collapse_gradient", &s, (enum phase)phase, 99, all_well));
        cr_expect(step_warns(&a, "collapse_gradient", &s, (enum phase)phase, 101, all_well));
        cr_expect_not(step_warns(&a, "collapse_gradient", &s, (enum phase)phase, 150, all_well),
                      "said already");
        cr_expect_not(step_warns(&a, "collapse_gradient", &s, (enum phase)phase, 1, all_well));
        cr_expect_not(step_warns(&a, "collapse_gradient", &s, (enum phase)phase, 120, all_well),
                      "one good step among bad ones is no recovery");
        cr_expect_null(collapse_impatience(&a, &s));
        cr_expect(step_warns(&a, "collapse_gradient", &s, (enum phase)phase, 300, all_well), "twice as bad");
        step_warns(&a, "collapse_gradient", &s, (enum phase)phase, 300, all_well);
        cr_expect_not_null(collapse_impatience(&a, &s), "four more beyond than within");
        s.collapse.patience = 0;
        cr_expect_null(collapse_impatience(&a, &s), "endless patience");
        s.collapse.patience = 4;
        cr_expect_not_null(collapse_in_vain(&a, PHASE_SUPERVISED, 7), "most steps of a short phase");
        cr_expect_null(collapse_in_vain(&a, PHASE_SUPERVISED, 8));
        collapse_forgive(&a);
        cr_expect_null(collapse_impatience(&a, &s));
    }
}

Test(vain, what_files_nothing_says_why_and_ends, .init = quiet) {
    const struct step_deeds nothing = {0, false, false}, learning = {0, true, true};
    struct train_settings s = settings_with((const char *const[]){"collapse.patience=5", NULL});
    struct collapse_monitors a;
    collapse_begin(&a);
    for (int i = 1; i <= 5; i++) {
        cr_expect_null(collapse_impatience(&a, &s));
        cr_expect_eq(step_warns(&a, "collapse_idle", &s, PHASE_RL, 1, nothing), i == 3, "iteration %d", i);
    }
    cr_expect_not_null(strstr(a.reasons, "12 did not end within the length of their text"), "%s", a.reasons);
    cr_expect_not_null(strstr(a.reasons, "3 were there already"), "%s", a.reasons);
    cr_expect_str_eq(collapse_impatience(&a, &s), "no code could be filed");
    cr_expect_not_null(collapse_in_vain(&a, PHASE_RL, 5));
    cr_expect_null(collapse_in_vain(&a, PHASE_RL, 6), "one of six filed something");
    cr_assert_eq(options_set(train_options, &s, "decompressor.mode=periodic"), STATUS_OK);
    cr_expect_null(collapse_impatience(&a, &s), "its updates may help");
    step_warns(&a, "collapse_idle", &s, PHASE_RL, 1, all_well);
    cr_expect_eq(a.unfiled, 0);
    cr_expect_eq(a.idle, 0);
    for (int i = 0; i < 5; i++)
        step_warns(&a, "collapse_idle", &s, PHASE_RL, 1, learning);
    cr_expect_eq(a.unfiled, 5);
    cr_expect_eq(a.idle, 0, "old codes are learned from, which is a matter of their own");
}

Test(vain, what_teaches_nothing_is_warned_of_and_ends_unless_nothing_was_to_be_taught, .init = quiet) {
    const struct step_deeds idle = {5, false, false}, one_learns = {5, false, true};
    struct train_settings s = settings_with((const char *const[]){"collapse.patience=5", NULL});
    struct collapse_monitors a;
    collapse_begin(&a);
    for (int i = 1; i <= 5; i++)
        cr_expect_eq(step_warns(&a, "collapse_idle", &s, PHASE_RL, 1, one_learns), i == 3);
    cr_expect_null(collapse_impatience(&a, &s), "the decompressor may find the way");
    for (int i = 1; i <= 5; i++)
        step_warns(&a, "collapse_idle", &s, PHASE_RL, 1, idle);
    cr_expect_str_eq(collapse_impatience(&a, &s), "neither model learned anything");
    s.rl.updates = 0;
    collapse_begin(&a);
    for (int i = 1; i <= 9; i++)
        cr_expect_not(step_warns(&a, "collapse_idle", &s, PHASE_RL, 1, idle));
    cr_expect_null(collapse_impatience(&a, &s), "rl.updates is 0: acting only");
}

Test(vain, no_message_shows_what_is_no_number) {
    cr_expect_str_eq(number_text(NAN, 3).text, "-");
    cr_expect_str_eq(number_text(-NAN, 0).text, "-");
    cr_expect_str_eq(number_text(INFINITY, 1).text, "-");
    cr_expect_str_eq(number_text(-1.25, 2).text, "-1.25");
    cr_expect_str_eq(number_text(1e300, 1).text, "1e+300");
}

/* ---- runs ---- */

TestSuite(vain_runs, .init = run_folder_begin, .fini = run_folder_leave);

/* Untrained, C writes one token for ever: no code ends. */
static const char *const mute[] = {"supervised.steps=0",
                                   "rl.steps=6",
                                   "rl.texts=4",
                                   "rl.updates=2",
                                   "batch.rows=8",
                                   "ir.merges=20",
                                   "evaluation.every=200",
                                   "evaluation.chunks=16",
                                   "replay.capacity=300",
                                   "checkpoint.minutes=9",
                                   "behaviour.demonstrations=0",
                                   NULL};

static struct trainer *open_run(const char *const *changes) {
    struct trainer *t = calloc(1, sizeof *t);
    struct train_settings s = settings_with(mute);
    for (int i = 0; changes[i]; i++)
        cr_assert_eq(options_set(train_options, &s, changes[i]), STATUS_OK, "%s", fail_sentence());
    run_path(s.model, sizeof s.model, "model.json");
    run_path(s.data, sizeof s.data, "data.h5");
    cr_assert_eq(trainer_open(t, &s, run_folder), STATUS_OK, "%s", fail_sentence());
    return t;
}

static enum status run(struct trainer *t) {
    return trainer_run(t, &(struct run_limits){0});
}

static void leave(struct trainer *t) {
    trainer_close(t);
    free(t);
}

Test(vain_runs, rl_stage_without_codes_ends_early_saved_and_with_reasons) {
    struct trainer *t = open_run((const char *const[]){"collapse.patience=2", NULL});
    cr_expect_eq(run(t), STATUS_LIMIT);
    cr_expect_not_null(strstr(fail_sentence(), "no code could be filed up to step 2 of the rl stage"), "%s",
                       fail_sentence());
    cr_expect_not_null(strstr(fail_sentence(), "4 did not end"), "%s", fail_sentence());
    cr_expect_eq(t->steps[PHASE_RL], 2);
    leave(t);
    t = open_run((const char *const[]){"collapse.patience=2", NULL});
    cr_assert_eq(checkpoint_load(t), STATUS_OK, "%s", fail_sentence());
    cr_expect_eq(run(t), STATUS_LIMIT);
    cr_expect_eq(t->steps[PHASE_RL], 4, "patience anew");
    leave(t);
    t = open_run((const char *const[]){"collapse.patience=0", NULL});
    cr_assert_eq(checkpoint_load(t), STATUS_OK, "%s", fail_sentence());
    cr_expect_eq(run(t), STATUS_OK, "%s", fail_sentence());
    cr_expect_eq(t->phase, PHASE_COUNT);
    leave(t);
}

Test(vain_runs, a_whole_phase_in_vain_is_no_success_however_short) {
    struct trainer *t = open_run((const char *const[]){NULL});
    cr_expect_eq(run(t), STATUS_LIMIT);
    cr_expect_not_null(strstr(fail_sentence(), "no code could be filed up to step 6 of the rl stage"), "%s",
                       fail_sentence());
    cr_expect_eq(t->phase, PHASE_COUNT, "evaluated and saved all the same");
    leave(t);
}

/* No text of the replay has an exact code, and only those may teach. */
Test(vain_runs, rl_stage_that_teaches_nothing_is_no_success) {
    struct trainer *t = open_run((const char *const[]){
        "behaviour.demonstrations=1", "decompressor.mode=frozen", "collapse.patience=3", NULL});
    cr_expect_eq(run(t), STATUS_LIMIT);
    cr_expect_not_null(strstr(fail_sentence(), "neither model learned anything up to step 3 of the rl stage"),
                       "%s", fail_sentence());
    cr_expect_not_null(strstr(fail_sentence(), "0 of them exact"), "%s", fail_sentence());
    leave(t);
}

Test(vain_runs, a_diverged_warm_start_ends_saved) {
    struct trainer *t = open_run(
        (const char *const[]){"supervised.steps=9", "collapse.gradient=1e-6", "collapse.patience=3", NULL});
    cr_expect_eq(run(t), STATUS_LIMIT);
    cr_expect_not_null(strstr(fail_sentence(), "up to step 3 of the supervised warm start"), "%s",
                       fail_sentence());
    leave(t);
    t = open_run((const char *const[]){"supervised.steps=9", "collapse.gradient=1e-6", NULL});
    cr_assert_eq(checkpoint_load(t), STATUS_OK, "%s", fail_sentence());
    cr_expect_eq(t->steps[PHASE_SUPERVISED], 3);
    cr_expect_eq(run(t), STATUS_LIMIT, "all of a short phase");
    cr_expect_eq(t->phase, PHASE_RL);
    cr_expect_eq(t->steps[PHASE_RL], 0);
    leave(t);
}

Test(vain_runs, a_loss_that_is_no_number_ends_the_run_saved_and_whole) {
    struct trainer *t = open_run((const char *const[]){"supervised.steps=9", NULL});
    cr_assert_eq(trainer_run(t, &(struct run_limits){.steps = 1}), STATUS_OK, "%s", fail_sentence());
    size_t last = t->pair.decompressor.weight_count - 1;
    float kept = t->pair.decompressor.weights[last];
    t->pair.decompressor.weights[last] = NAN;
    cr_expect_eq(run(t), STATUS_LIMIT);
    cr_expect_not_null(strstr(fail_sentence(), "step 2 of the supervised warm start is not a number"), "%s",
                       fail_sentence());
    cr_expect_not_null(strstr(fail_sentence(), "checkpoint.h5 is saved"), "%s", fail_sentence());
    t->pair.decompressor.weights[last] = kept;
    cr_expect_eq(run(t), STATUS_LIMIT, "the rl stage files nothing");
    cr_expect_eq(t->steps[PHASE_SUPERVISED], 9, "nothing was spoilt by the update that failed");
    leave(t);
}

Test(vain_runs, monitors_come_back_and_those_of_an_earlier_version_too) {
    struct collapse_monitors before, after;
    struct h5_file *file;
    char path[128];
    collapse_begin(&before);
    for (int i = 0; i < COLLAPSE_COUNT; i++)
        before.level[i] = i + 1.5;
    before.best_exact_match = 0.5;
    before.unfiled = 3, before.untaught = 4, before.idle = 5, before.diverged = 6;
    run_path(path, sizeof path, "monitors.h5");
    cr_assert_eq(h5_create(&file, path), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(collapse_write(file, "new", &before), STATUS_OK, "%s", fail_sentence());
    cr_assert_eq(h5_write(file, "old", H5_F64, &(struct h5_shape){.rank = 1, .extent = {5}},
                          (const double[]){1.5, 2.5, 3.5, 4.5, 0.5}),
                 STATUS_OK);
    cr_assert_eq(h5_write(file, "other", H5_F64, &(struct h5_shape){.rank = 1, .extent = {2}},
                          (const double[]){1.5, 2.5}),
                 STATUS_OK);
    cr_assert_eq(h5_commit(file), STATUS_OK);
    h5_close(file);
    cr_assert_eq(h5_open(&file, path), STATUS_OK);
    collapse_begin(&after);
    cr_expect_eq(collapse_read(file, "new", &after), STATUS_OK, "%s", fail_sentence());
    cr_expect_arr_eq(after.level, before.level, sizeof after.level);
    cr_expect(after.best_exact_match == 0.5 && after.unfiled == 3 && after.untaught == 4 && after.idle == 5 &&
              after.diverged == 6);
    collapse_begin(&after);
    cr_expect_eq(collapse_read(file, "old", &after), STATUS_OK, "%s", fail_sentence());
    cr_expect_arr_eq(after.level, before.level, 4 * sizeof *after.level);
    cr_expect(after.best_exact_match == 0.5 && after.level[COLLAPSE_CONSTANT] == 0 && after.unfiled == 0);
    cr_expect_eq(collapse_read(file, "other", &after), STATUS_FORMAT);
    h5_close(file);
}
