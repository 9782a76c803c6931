/* Metrics in a checkpoint: columns keep their order, old names are read as the present ones, damage is told.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "expect.h"
#include "train/metrics.h"

TestSuite(metrics, .init = expect_enter_folder, .fini = expect_leave_folder);

static const struct h5_shape two_rows = {.rank = 1, .extent = {2}};

/* A file with such columns under /metrics, as an earlier version wrote them. */
static void write_columns(const char *path, const char *const *names, const char *order) {
    struct h5_file *file = NULL;
    EXPECT_OK(h5_create(&file, path));
    for (int i = 0; names[i]; i++) {
        char name[96];
        snprintf(name, sizeof name, "metrics/%s", names[i]);
        EXPECT_OK(h5_write(file, name, H5_F64, &two_rows, (const double[]){i, i + 0.5}));
    }
    if (order)
        EXPECT_OK(h5_set_text(file, "metrics", "columns", order));
    EXPECT_OK(h5_commit(file));
    h5_close(file);
}

static enum status read_columns(const char *path, struct metrics *m) {
    struct h5_file *file = NULL;
    *m = (struct metrics){0};
    EXPECT_OK(h5_open(&file, path));
    enum status status = metrics_read(file, "metrics", m);
    h5_close(file);
    return status;
}

Test(metrics, columns_come_back_in_their_order) {
    static const char *const names[] = {"step", "phase", "loss", "acceptance"};
    struct metrics m = {0}, after;
    struct h5_file *file = NULL;
    for (int row = 0; row < 3; row++) {
        EXPECT_OK(metrics_begin_row(&m));
        for (int i = 0; i <= row + 1; i++)
            metrics_set(&m, names[i], 10 * row + i);
    }
    EXPECT_OK(h5_create(&file, "run.h5"));
    EXPECT_OK(metrics_write(file, "metrics", &m));
    EXPECT_OK(h5_commit(file));
    h5_close(file);
    EXPECT_OK(read_columns("run.h5", &after));
    cr_assert_eq(after.columns, 4);
    cr_assert_eq(after.rows, 3);
    for (int i = 0; i < 4; i++) {
        cr_expect_str_eq(after.names[i], names[i]);
        cr_expect_eq(metrics_get(&after, names[i]), 20 + i);
    }
    cr_expect(isnan(after.values[3]), "the first row has no acceptance");
    metrics_close(&m);
    metrics_close(&after);
}

Test(metrics, old_names_are_read_as_the_present_ones) {
    static const char *const before[] = {"behaviour_gap",  "target_gap",         "text_exact",
                                         "replay_exact",   "search_exact",       "alarm_exact",
                                         "alarm_constant", "exact_sample",       "held_out_exact_fallback",
                                         "reward_exact",   "exact_match_greedy", NULL},
                             *const now[] = {
                                 "log_ratio",          "target_log_ratio",   "text_exact_match",
                                 "replay_exact_match", "search_exact_match", "collapse_exact_match",
                                 "collapse_constant",  "exact_match_sample", "held_out_exact_match_fallback",
                                 "reward_exact",       "exact_match_greedy"};
    struct metrics m;
    write_columns("old.h5", before, NULL);
    EXPECT_OK(read_columns("old.h5", &m));
    cr_assert_eq(m.columns, 11);
    for (int i = 0; before[i]; i++)
        cr_expect_eq(metrics_get(&m, now[i]), i + 0.5, "%s", now[i]);
    metrics_close(&m);
}

Test(metrics, damaged_lists_are_refused) {
    static const char *const names[] = {"loss", NULL};
    static char long_name[200], many[METRICS_MAXIMUM * 8];
    struct metrics m;
    memset(long_name, 'x', sizeof long_name - 1);
    write_columns("long.h5", names, long_name);
    EXPECT_FAIL(read_columns("long.h5", &m), STATUS_FORMAT, "long.h5: the list of metrics is damaged");
    metrics_close(&m);
    for (int i = 0; i <= METRICS_MAXIMUM; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "\nm%d", i);
    write_columns("many.h5", names, many);
    EXPECT_FAIL(read_columns("many.h5", &m), STATUS_FORMAT, "the list of metrics is damaged");
    metrics_close(&m);
    write_columns("name.h5", (const char *const[]){"exact_yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", NULL},
                  NULL);
    EXPECT_FAIL(read_columns("name.h5", &m), STATUS_FORMAT, "is too long");
    metrics_close(&m);
}
