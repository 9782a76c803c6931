/* Settings from tables: JSON, --set, writing back, and what is refused in which words. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include "expect.h"
#include "store/options.h"

TestSuite(options, .init = expect_enter_folder, .fini = expect_leave_folder);

struct settings {
    int64_t seed, batch;
    double rate, length_weight;
    bool greedy;
    enum { REINFORCE, IMITATION } algorithm;
    char name[OPTION_TEXT_CAPACITY];
};

static const char *const algorithms[] = {[REINFORCE] = "reinforce", [IMITATION] = "imitation", NULL};

static struct option_alias aliases[] = {
    OPTION_RENAMED("lr", "optimizer.rate"),
    OPTION_RENAMED("penalty.length", "reward.length"),
    OPTION_VALUE_RENAMED("algorithm", "copying", "imitation"),
    OPTION_ALIAS_END,
};

static const struct option_row rows[] = {
    OPTION_ROW_INT("seed", struct settings, seed, OPTION_FREE, 0, 1e15, "1", "first number of all streams"),
    OPTION_ROW_INT("batch", struct settings, batch, OPTION_FREE, 1, 4096, "64", "chunks in a batch"),
    OPTION_ROW_FLOAT("optimizer.rate", struct settings, rate, OPTION_FREE, 0, 1, "1e-3", "learning rate"),
    OPTION_ROW_FLOAT("reward.length", struct settings, length_weight, OPTION_FREE, -10, 10, "1",
                     "weight of |z|"),
    OPTION_ROW_BOOL("greedy", struct settings, greedy, OPTION_FREE, "true", "decode greedily"),
    OPTION_ROW_CHOICE("algorithm", struct settings, algorithm, OPTION_FREE, algorithms, "reinforce",
                      "how to learn"),
    OPTION_ROW_TEXT("name", struct settings, name, OPTION_FREE, "", "of the run"),
    OPTION_ROW_END(aliases),
};

static struct settings settings;

static enum status read_json(const char *json) {
    options_defaults(rows, &settings);
    return options_read_json(rows, &settings, json, "x.json");
}

static enum status set(const char *assignment) {
    return options_set(rows, &settings, assignment);
}

Test(options, defaults_come_from_the_table) {
    options_defaults(rows, &settings);
    cr_assert_eq(settings.seed, 1);
    cr_assert_eq(settings.batch, 64);
    cr_assert_float_eq(settings.rate, 1e-3, 1e-15);
    cr_assert(settings.greedy);
    cr_assert_eq(settings.algorithm, REINFORCE);
    cr_assert_str_eq(settings.name, "");
}

Test(options, json_fills_nested_names) {
    EXPECT_OK(
        read_json("{\"_comment\": [1, 2], \"batch\": 32, \"optimizer\": {\"_why\": null, \"rate\": 0.5},"
                  " \"reward.length\": -1, \"greedy\": false, \"algorithm\": \"imitation\"}"));
    cr_assert_eq(settings.batch, 32);
    cr_assert_eq(settings.rate, 0.5);
    cr_assert_eq(settings.length_weight, -1);
    cr_assert(!settings.greedy);
    cr_assert_eq(settings.algorithm, IMITATION);
    cr_assert_eq(settings.seed, 1);
}

Test(options, whole_numbers_may_be_written_as_floats_and_for_floats) {
    EXPECT_OK(read_json("{\"batch\": 1e3, \"optimizer\": {\"rate\": 1}}"));
    cr_assert_eq(settings.batch, 1000);
    cr_assert_eq(settings.rate, 1);
    EXPECT_FAIL(read_json("{\"batch\": 0.5}"), STATUS_CONFIG,
                "x.json: batch must be a whole number from 1 to 4096, not 0.5");
}

static void expect_said(const char *text) {
    fflush(stderr);
    cr_expect_stderr_eq_str(text);
}

Test(options, old_names_are_read_and_said_once, .init = cr_redirect_stderr) {
    options_defaults(rows, &settings);
    EXPECT_OK(set("lr=0.5"));
    EXPECT_OK(set("lr=0.25"));
    EXPECT_OK(set("penalty.length=-2"));
    EXPECT_OK(set("algorithm=copying"));
    EXPECT_OK(set("name=copying"));
    cr_expect_eq(settings.rate, 0.25);
    cr_expect_eq(settings.length_weight, -2);
    cr_expect_eq(settings.algorithm, IMITATION);
    cr_expect_str_eq(settings.name, "copying");
    expect_said("--set: the option lr is called optimizer.rate now\n"
                "--set: the option penalty.length is called reward.length now\n"
                "--set: algorithm=copying is called imitation now\n");
}

static void write_file(const char *name, const char *text) {
    FILE *file = fopen(name, "w");

    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

Test(options, records_are_read_by_old_names_without_a_word, .init = cr_redirect_stderr) {
    const char *json = "{\"penalty\": {\"length\": -2}, \"lr\": 0.5, \"algorithm\": \"copying\"}";
    EXPECT_OK(read_json(json));
    cr_expect_eq(settings.length_weight, -2);
    cr_expect_eq(settings.algorithm, IMITATION);
    write_file("old.json", json);
    EXPECT_OK(options_read_record(rows, &settings, "old.json"));
    EXPECT_OK(options_read_file(rows, &settings, "old.json"));
    expect_said("old.json: the option penalty.length is called reward.length now\n"
                "old.json: the option lr is called optimizer.rate now\n"
                "old.json: algorithm=copying is called imitation now\n");
}

Test(options, old_names_are_never_shown) {
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    options_print_help(rows, stream);
    fclose(stream);
    cr_expect_null(strstr(text, "copying"));
    cr_expect_null(strstr(text, "penalty"));
    free(text);
    options_defaults(rows, &settings);
    EXPECT_FAIL(set("penalty.lenght=1"), STATUS_USAGE, "no key 'penalty.lenght'");
    cr_expect_null(strstr(fail_sentence(), "penalty.length'"));
    EXPECT_FAIL(set("algorithm=copyin"), STATUS_USAGE,
                "algorithm must be one of reinforce, imitation, not 'copyin'");
    cr_expect_null(strstr(fail_sentence(), "copying"));
    EXPECT_FAIL(set("lr=2"), STATUS_USAGE, "optimizer.rate must be a number from 0 to 1, not 2");
}

Test(options, ranges_and_types_are_told) {
    EXPECT_FAIL(read_json("{\"batch\": 0}"), STATUS_CONFIG,
                "batch must be a whole number from 1 to 4096, not 0");
    EXPECT_FAIL(read_json("{\"batch\": 4097}"), STATUS_CONFIG, "from 1 to 4096, not 4097");
    EXPECT_FAIL(read_json("{\"batch\": \"8\"}"), STATUS_CONFIG, "from 1 to 4096, not \"8\"");
    EXPECT_FAIL(read_json("{\"optimizer\": {\"rate\": 1e999}}"), STATUS_CONFIG,
                "optimizer.rate must be a number from 0 to 1, not inf");
    EXPECT_FAIL(read_json("{\"optimizer\": 3}"), STATUS_CONFIG,
                "optimizer must be an object of settings, not 3");
    EXPECT_FAIL(read_json("{\"batch\": {}}"), STATUS_CONFIG, "not an object");
    EXPECT_FAIL(read_json("{\"greedy\": 1}"), STATUS_CONFIG, "greedy must be true or false, not 1");
    EXPECT_FAIL(read_json("{\"name\": null}"), STATUS_CONFIG, "name must be a text, not null");
    EXPECT_FAIL(read_json("{\"algorithm\": \"imitatoin\"}"), STATUS_CONFIG,
                "algorithm must be one of reinforce, imitation, not 'imitatoin'; did you mean 'imitation'?");
}

Test(options, unknown_keys_are_answered_with_the_nearest) {
    EXPECT_FAIL(read_json("{\"bacth\": 1}"), STATUS_CONFIG,
                "x.json: there is no key 'bacth'; did you mean 'batch'?");
    EXPECT_FAIL(read_json("{\"rewrad\": {\"length\": 1}}"), STATUS_CONFIG,
                "no key 'rewrad.length'; did you mean 'reward.length'?");
    EXPECT_FAIL(read_json("{\"zzzzzzzzzzzzzzz\": 1}"), STATUS_CONFIG, "there is no key 'zzzzzzzzzzzzzzz'");
    EXPECT_FAIL(read_json("{\"nothing\": {}}"), STATUS_CONFIG, "there is no key 'nothing'");
}

Test(options, a_key_twice_is_refused_however_it_is_spelled) {
    EXPECT_FAIL(read_json("{\"batch\": 1, \"batch\": 1}"), STATUS_CONFIG,
                "at batch: this key is given twice");
    EXPECT_FAIL(read_json("{\"reward.length\": 1, \"reward\": {\"length\": 1}}"), STATUS_CONFIG,
                "reward.length is given twice");
    EXPECT_FAIL(read_json("{\"lr\": 1, \"optimizer\": {\"rate\": 1}}"), STATUS_CONFIG,
                "x.json: lr and optimizer.rate are one option, which is given twice; keep optimizer.rate");
    EXPECT_FAIL(read_json("{\"reward\": {\"length\": 1}, \"penalty\": {\"length\": 1}}"), STATUS_CONFIG,
                "reward.length and penalty.length are one option");
}

Test(options, broken_json_is_located) {
    EXPECT_FAIL(read_json("{\"batch\": 1,\n\"seed\": }"), STATUS_CONFIG, "x.json: not valid JSON in line 2");
    EXPECT_FAIL(read_json("[1]"), STATUS_CONFIG, "must be a JSON object");
    EXPECT_FAIL(read_json(""), STATUS_CONFIG, "not valid JSON in line 1");
    EXPECT_FAIL(read_json("{} x"), STATUS_CONFIG, "not valid JSON");
}

Test(options, deep_and_long_keys_do_no_harm) {
    char json[20000] = "";
    for (int i = 0; i < 60; i++)
        strcat(json, "{\"abcdefgh\":");
    strcat(json, "1");
    for (int i = 0; i < 60; i++)
        strcat(json, "}");
    EXPECT_FAIL(read_json(json), STATUS_CONFIG, "too long to be one of ours");
}

Test(options, set_changes_one_value) {
    options_defaults(rows, &settings);
    EXPECT_OK(set("batch=128"));
    EXPECT_OK(set("optimizer.rate=2.5e-4"));
    EXPECT_OK(set("greedy=false"));
    EXPECT_OK(set("name=a=b c"));
    EXPECT_OK(set("name="));
    EXPECT_OK(set("name=last=one"));
    cr_assert_eq(settings.batch, 128);
    cr_assert_eq(settings.rate, 2.5e-4);
    cr_assert(!settings.greedy);
    cr_assert_str_eq(settings.name, "last=one");
}

Test(options, set_says_what_is_wrong) {
    char text[4300] = "name=";

    EXPECT_FAIL(set("batch"), STATUS_USAGE, "--set needs KEY=VALUE, not 'batch'");
    EXPECT_FAIL(set("=3"), STATUS_USAGE, "--set needs KEY=VALUE");
    EXPECT_FAIL(set("btch=3"), STATUS_USAGE, "--set: there is no key 'btch'; did you mean 'batch'?");
    EXPECT_FAIL(set("reward=3"), STATUS_USAGE, "reward is a group of settings");
    EXPECT_FAIL(set("batch=x"), STATUS_USAGE, "batch must be a whole number from 1 to 4096, not x");
    EXPECT_FAIL(set("batch="), STATUS_USAGE, "not nothing");
    EXPECT_FAIL(set("batch=nan"), STATUS_USAGE, "not nan");
    EXPECT_FAIL(set("batch=1.5"), STATUS_USAGE, "not 1.5");
    EXPECT_FAIL(set("greedy=yes"), STATUS_USAGE, "greedy must be true or false, not yes");
    static const char *const no_numbers[] = {"0x10",      " 5",    "5 ", "5x",  "inf",
                                             "-infinity", "1e999", "1e", "--5", "1,5"};
    for (size_t i = 0; i < sizeof no_numbers / sizeof *no_numbers; i++) {
        char assignment[32];
        snprintf(assignment, sizeof assignment, "optimizer.rate=%s", no_numbers[i]);
        EXPECT_FAIL(set(assignment), STATUS_USAGE, "optimizer.rate must be a number from 0 to 1, not ");
    }
    EXPECT_FAIL(set("name=caf\xe9"), STATUS_USAGE, "name is no UTF-8 text");
    memset(text + 5, 'x', 4200);
    EXPECT_FAIL(set(text), STATUS_USAGE, "name is a text of 4200 bytes; at most 4095 fit");
}

Test(options, what_is_written_reads_back_the_same) {
    struct buffer json = {0};
    struct settings before;

    options_defaults(rows, &settings);
    EXPECT_OK(set("seed=900719925474099"));
    EXPECT_OK(set("optimizer.rate=0.1"));
    EXPECT_OK(set("name=\"quoted\" \\ and\ttabbed"));
    before = settings;
    EXPECT_OK(options_write_json(rows, &settings, &json));
    EXPECT_OK(buffer_append_byte(&json, '\0'));
    cr_assert_str_eq((char *)json.data, "{\n"
                                        "  \"seed\": 900719925474099,\n"
                                        "  \"batch\": 64,\n"
                                        "  \"optimizer\": {\n"
                                        "    \"rate\": 0.1\n"
                                        "  },\n"
                                        "  \"reward\": {\n"
                                        "    \"length\": 1\n"
                                        "  },\n"
                                        "  \"greedy\": true,\n"
                                        "  \"algorithm\": \"reinforce\",\n"
                                        "  \"name\": \"\\\"quoted\\\" \\\\ and\\u0009tabbed\"\n"
                                        "}\n");
    EXPECT_OK(read_json((char *)json.data));
    cr_assert_eq(settings.seed, before.seed);
    cr_assert_eq(settings.rate, before.rate);
    cr_assert_str_eq(settings.name, before.name);
    buffer_free(&json);
}

Test(options, files_are_read_and_named) {
    FILE *file = fopen("run.json", "w");

    cr_assert_not_null(file);
    fputs("{\"batch\": 0}", file);
    fclose(file);
    options_defaults(rows, &settings);
    EXPECT_FAIL(options_read_file(rows, &settings, "run.json"), STATUS_CONFIG, "run.json: batch must be");
    EXPECT_FAIL(options_read_file(rows, &settings, "none.json"), STATUS_IO, "cannot open none.json");
}

Test(options, the_help_shows_default_and_range) {
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    options_print_help(rows, stream);
    fclose(stream);
    cr_assert_not_null(strstr(text, "  batch=64\n      chunks in a batch (a whole number from 1 to 4096)\n"));
    cr_assert_not_null(strstr(text, "(one of reinforce, imitation)"));
    free(text);
}

Test(options, values_are_told_apart_and_shown) {
    struct settings other;
    const char *const shown[] = {"1", "64", "0.001", "1", "true", "reinforce", ""};
    const char *const changes[] = {
        "seed=2", "batch=1", "optimizer.rate=0.25", "reward.length=-2", "greedy=false", "algorithm=imitation",
        "name=x"};
    for (int i = 0; rows[i].name; i++) {
        char *text = NULL;
        options_defaults(rows, &settings);
        other = settings;
        cr_expect(options_same(&rows[i], &settings, &other), "%s", rows[i].name);
        EXPECT_OK(options_show(&rows[i], &settings, &text));
        cr_expect_str_eq(text, shown[i]);
        free(text);
        EXPECT_OK(set(changes[i]));
        for (int k = 0; rows[k].name; k++)
            cr_expect_eq(options_same(&rows[k], &settings, &other), k != i, "%s", rows[k].name);
        EXPECT_OK(options_show(&rows[i], &settings, &text));
        cr_expect_str_eq(text, strchr(changes[i], '=') + 1);
        free(text);
    }
}
