/* Names of files in the settings of a run: found from any folder, written relative to the run. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "expect.h"
#include "train/run/places.h"

TestSuite(places, .init = expect_enter_folder, .fini = expect_leave_folder);

static struct train_settings settings, stored;

static void make_file(const char *path) {
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fclose(f);
}

static void begin(const char *data, const char *model) {
    options_defaults(train_options, &settings);
    snprintf(settings.data, sizeof settings.data, "%s", data);
    snprintf(settings.model, sizeof settings.model, "%s", model);
}

Test(places, a_configuration_finds_what_stands_beside_it) {
    EXPECT_OK(file_make_folder("conf"));
    make_file("conf/d.h5");
    make_file("conf/m.json");
    begin("d.h5", "m.json");
    EXPECT_OK(places_find(&settings, "conf/c.json"));
    cr_expect_str_eq(settings.data, "conf/d.h5");
    cr_expect_str_eq(settings.model, "conf/m.json");
    make_file("d.h5"); /* as written comes first */
    begin("d.h5", "byte-1m");
    EXPECT_OK(places_find(&settings, "conf/c.json"));
    cr_expect_str_eq(settings.data, "d.h5");
    cr_expect_str_eq(settings.model, "byte-1m");
    begin("nowhere.h5", "");
    EXPECT_OK(places_find(&settings, "c.json"));
    cr_expect_str_eq(settings.data, "nowhere.h5");
    cr_expect_str_eq(settings.decompressor_model, "");
}

Test(places, a_run_finds_its_own_first) {
    EXPECT_OK(file_make_folder("runs/a"));
    make_file("runs/d.h5");
    make_file("d.h5");
    begin("../d.h5", "../../m.json");
    EXPECT_OK(places_find_own(&settings, "runs/a"));
    cr_expect_str_eq(settings.data, "runs/a/../d.h5");
    cr_expect_str_eq(settings.model, "runs/a/../../m.json"); /* nowhere, and not needed */
    EXPECT_OK(places_store(&stored, &settings, "runs/a"));
    cr_expect_str_eq(stored.data, "../d.h5");
    cr_expect_str_eq(stored.model, "../../m.json");
    begin("d.h5", "/m.json"); /* as typed in the time before */
    EXPECT_OK(places_find_own(&settings, "runs/a"));
    cr_expect_str_eq(settings.data, "d.h5");
    cr_expect_str_eq(settings.model, "/m.json");
}

Test(places, names_are_stored_relative_to_the_run) {
    static const char *const cases[][3] = {
        /* run, as typed, as stored */
        {"runs/a", "d.h5", "../../d.h5"},         {"runs/a", "./runs/../d.h5", "../../d.h5"},
        {"runs/a", "runs/d.h5", "../d.h5"},       {"runs/a", "runs/a/d.h5", "d.h5"},
        {"runs/a", "runs/ab/d.h5", "../ab/d.h5"}, {"runs/ab", "runs/a/d.h5", "../a/d.h5"},
        {"runs/a/", "runs/d.h5", "../d.h5"},      {".", "d.h5", "d.h5"},
        {".", "runs/d.h5", "runs/d.h5"},          {"link", "d.h5", "../../d.h5"},
        {"runs", "link/d.h5", "a/d.h5"},
    };
    EXPECT_OK(file_make_folder("runs/a"));
    EXPECT_OK(file_make_folder("runs/ab"));
    cr_assert_eq(symlink("runs/a", "link"), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin(cases[i][1], "byte-1m");
        EXPECT_OK(places_store(&stored, &settings, cases[i][0]));
        cr_expect_str_eq(stored.data, cases[i][2], "%s in %s: %s", cases[i][1], cases[i][0], stored.data);
        cr_expect_str_eq(stored.model, "byte-1m");
    }
}

Test(places, stored_names_lead_back) {
    char *here = realpath(".", NULL), absolute[5000], outside[5000];
    EXPECT_OK(file_make_folder("runs/a"));
    make_file("d.h5");
    snprintf(absolute, sizeof absolute, "%s/d.h5", here);
    snprintf(outside, sizeof outside, "/etc/passwd");
    const char *const names[] = {"d.h5", absolute, outside};
    for (int i = 0; i < 3; i++) {
        begin(names[i], "byte-1m");
        EXPECT_OK(places_store(&stored, &settings, "runs/a"));
        EXPECT_OK(places_find_own(&stored, "runs/a"));
        cr_expect(file_exists(stored.data), "%s", stored.data);
    }
    free(here);
}

Test(places, what_cannot_be_stored_is_named) {
    EXPECT_OK(file_make_folder("runs/a"));
    begin("no/folder/d.h5", "byte-1m");
    EXPECT_FAIL(places_store(&stored, &settings, "runs/a"), STATUS_IO,
                "data: cannot find the folder of no/folder/d.h5");
}
