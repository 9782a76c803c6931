/* Reward terms and behaviour policies of stored episodes, found again by their names. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>
#include "train/acting/behaviour.h"
#include "train/run/replay_names.h"

static const struct replay_size size = {
    .episodes = 4, .tokens = 16, .vocabulary = 300, .code_limit = 4, .best = 0};
static struct train_settings settings;
static char path[64];
static struct h5_file *file;
static struct replay replay;

/* One episode whose terms are 1, 2, ..., of policy `copy`, in a file with these names (NULL: the build's
 * own). */
static void set_up(const char *terms, const char *policies) {
    const int32_t code[] = {5, 6};
    struct episode episode = {.size = 2, .policy = POLICY_copy};
    for (int i = 0; i < REWARD_TERMS_MAXIMUM; i++)
        episode.terms[i] = (float)(i + 1);
    options_defaults(train_options, &settings);
    snprintf(path, sizeof path, "replay-names-test-%d.h5", (int)getpid());
    cr_assert_eq(replay_open(&replay, &size), STATUS_OK);
    replay_begin_group(&replay, 1, 2);
    replay_push(&replay, &episode, code, NULL);
    cr_assert_eq(h5_create(&file, path), STATUS_OK);
    cr_assert_eq(replay_write(file, "replay", &replay), STATUS_OK, "%s", fail_sentence());
    if (terms) {
        cr_assert_eq(h5_set_text(file, "replay", "terms", terms), STATUS_OK);
        cr_assert_eq(h5_set_text(file, "replay", "policies", policies), STATUS_OK);
    } else {
        cr_assert_eq(replay_names_write(file, "replay", &settings), STATUS_OK, "%s", fail_sentence());
    }
    cr_assert_eq(h5_commit(file), STATUS_OK);
    h5_close(file);
    cr_assert_eq(h5_open(&file, path), STATUS_OK);
    cr_assert_eq(replay_read(file, "replay", &replay, 1), STATUS_OK, "%s", fail_sentence());
}

static enum status apply(void) {
    return replay_names_apply(file, "replay", &settings, &replay);
}

static void tear_down(void) {
    h5_close(file);
    replay_close(&replay);
    unlink(path);
}

Test(replay_names, a_build_reads_its_own, .fini = tear_down) {
    set_up(NULL, NULL);
    cr_assert_eq(apply(), STATUS_OK, "%s", fail_sentence());
    cr_expect_eq(replay_at(&replay, 0)->policy, POLICY_copy);
    cr_expect_eq(replay_at(&replay, 0)->terms[REWARD_loss], (float)REWARD_loss + 1);
    cr_expect_eq(replay_at(&replay, 0)->terms[REWARD_edits], 0.0f, "not measured");
}

Test(replay_names, rows_that_moved_are_found, .fini = tear_down) {
    set_up("beauty exact length loss", "nap copy demonstration");
    struct episode *e = replay.episodes;
    e->policy = 1;
    cr_assert_eq(apply(), STATUS_OK, "%s", fail_sentence());
    cr_expect_eq(replay_at(&replay, 0)->policy, POLICY_copy);
    cr_expect_eq(replay_at(&replay, 0)->terms[REWARD_exact], 2.0f);
    cr_expect_eq(replay_at(&replay, 0)->terms[REWARD_length], 3.0f);
    cr_expect_eq(replay_at(&replay, 0)->terms[REWARD_loss], 4.0f);
    cr_expect_eq(replay_at(&replay, 0)->terms[REWARD_repetition], 0.0f);
}

Test(replay_names, what_is_missing_is_refused_by_name, .fini = tear_down) {
    set_up("length exact", "greedy sample nap");
    cr_expect_eq(apply(), STATUS_MISMATCH, "the loss weighs something by default");
    cr_expect_not_null(strstr(fail_sentence(), "reward.loss"), "%s", fail_sentence());
    settings.reward.loss.weight = 0;
    cr_expect_eq(apply(), STATUS_MISMATCH, "the episode is by a policy called nap");
    cr_expect_not_null(strstr(fail_sentence(), "behaviour policy"), "%s", fail_sentence());
}
