/* Command lines: what is understood, what is refused and how, what the help looks like. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include "base/cli.h"
#include "expect.h"

static struct {
    const char *output;
    bool force, keep;
    long threads;
    double rate;
    struct cli_list sets;
    const char *title;
} given;

static const struct cli_option options[] = {
    {"output", 'o', "FILE", "write to FILE instead of standard output", CLI_TEXT, &given.output},
    {"force", 'f', NULL, "overwrite", CLI_FLAG, &given.force},
    {"remove", 'r', NULL, "remove the input", CLI_CLEAR, &given.keep},
    {"threads", 'T', "N", "use N threads", CLI_INTEGER, &given.threads},
    {"rate", 0, "X", "learning rate", CLI_NUMBER, &given.rate},
    {"set", 's', "KEY=VALUE", "change one setting", CLI_LIST, &given.sets},
    {"title", 0, "TEXT", "for people", CLI_WORDS, &given.title},
    CLI_RENAMED("step-size", "rate"),
    CLI_RENAMED("replace", "force"),
    CLI_END,
};
static const struct cli_command command = {"laconic compress", "[-o FILE] [FILE...]", "Compress files.",
                                           "Archives end in .lcn.\n", options};

static char **operands;
static int operand_count;

/* The operands point into a copy that outlives the call. */
static enum status parse(char **arguments) {
    static char *argv[200];
    int argc = 0;

    for (; arguments[argc]; argc++)
        argv[argc] = arguments[argc];
    argv[argc] = NULL;
    memset(&given, 0, sizeof given);
    given.keep = true;
    return cli_parse(&command, argc, argv, &operands, &operand_count);
}
#define PARSE(...) parse((char **)(const char *[]){"compress", __VA_ARGS__, NULL})

Test(cli, understands_every_spelling) {
    EXPECT_OK(PARSE("a", "--output", "x", "-f", "b", "--threads=4", "--rate=3e-4", "-"));
    cr_assert_str_eq(given.output, "x");
    cr_assert(given.force);
    cr_assert(given.keep);
    cr_assert_eq(given.threads, 4);
    cr_assert_float_eq(given.rate, 3e-4, 1e-12);
    cr_assert_eq(operand_count, 3);
    cr_assert_str_eq(operands[0], "a");
    cr_assert_str_eq(operands[1], "b");
    cr_assert_str_eq(operands[2], "-");
    EXPECT_OK(PARSE("-frT8", "-oy", "-s", "a=1", "--set=b=2"));
    cr_assert(given.force);
    cr_assert(!given.keep);
    cr_assert_eq(given.threads, 8);
    cr_assert_str_eq(given.output, "y");
    cr_assert_eq(given.sets.count, 2);
    cr_assert_str_eq(given.sets.items[0], "a=1");
    cr_assert_str_eq(given.sets.items[1], "b=2");
    EXPECT_OK(PARSE("-T", "-1", "--", "-f", "--", "--output"));
    cr_assert_eq(given.threads, -1);
    cr_assert(!given.force);
    cr_assert_eq(operand_count, 3);
}

Test(cli, old_names_are_understood_and_said, .init = cr_redirect_stderr) {
    EXPECT_OK(PARSE("--step-size", "0.5", "--replace", "file"));
    cr_expect_eq(given.rate, 0.5);
    cr_expect(given.force);
    cr_expect_eq(operand_count, 1);
    EXPECT_FAIL(PARSE("--replace=1"), STATUS_USAGE, "--force takes no value");
    EXPECT_FAIL(PARSE("--step-size=x"), STATUS_USAGE, "--rate needs a number such as 0.5 or 3e-4, not 'x'");
    EXPECT_FAIL(PARSE("--step-siz=1"), STATUS_USAGE,
                "unknown option '--step-siz=1'; 'laconic compress --help' lists");
    fflush(stderr);
    cr_expect_stderr_eq_str("laconic compress: the option --step-size is called --rate now\n"
                            "laconic compress: the option --replace is called --force now\n"
                            "laconic compress: the option --replace is called --force now\n"
                            "laconic compress: the option --step-size is called --rate now\n");
}

Test(cli, integers_have_suffixes) {
    EXPECT_OK(PARSE("-T", "20k"));
    cr_assert_eq(given.threads, 20000);
    EXPECT_OK(PARSE("-T2M"));
    cr_assert_eq(given.threads, 2000000);
    EXPECT_OK(PARSE("-T1G"));
    cr_assert_eq(given.threads, 1000000000);
    EXPECT_FAIL(PARSE("-T", "99999999999G"), STATUS_USAGE, "99999999999G");
    EXPECT_FAIL(PARSE("-T", "1kk"), STATUS_USAGE, "-T needs a whole number");
}

Test(cli, says_what_is_wrong_and_what_is_near) {
    EXPECT_FAIL(PARSE("--forse"), STATUS_USAGE, "unknown option '--forse'; did you mean --force?");
    EXPECT_FAIL(PARSE("--hlep"), STATUS_USAGE, "did you mean --help?");
    EXPECT_FAIL(PARSE("--xyzzy=3"), STATUS_USAGE, "unknown option '--xyzzy=3'; 'laconic compress --help'");
    EXPECT_FAIL(PARSE("-x"), STATUS_USAGE, "unknown option '-x'");
    EXPECT_FAIL(PARSE("-o"), STATUS_USAGE, "-o needs a value: -o FILE");
    EXPECT_FAIL(PARSE("--output"), STATUS_USAGE, "--output needs a value: --output FILE");
    EXPECT_FAIL(PARSE("--force=yes"), STATUS_USAGE, "--force takes no value");
    EXPECT_FAIL(PARSE("-T", "four"), STATUS_USAGE, "-T needs a whole number such as 100 or 20k, not 'four'");
    EXPECT_FAIL(PARSE("--threads", ""), STATUS_USAGE, "not ''");
    EXPECT_FAIL(PARSE("--rate", "nan"), STATUS_USAGE, "--rate needs a number");
}

Test(cli, numbers_are_decimal_and_end_where_they_end) {
    static const char *const wholes[] = {"",   " 5",  "5 ",  "0x10", "1e3",
                                         "5x", "--5", "1.5", "nan",  "99999999999999999999"};
    static const char *const numbers[] = {"",          " 5",  "5 ",    "0x10", "5x", "inf",
                                          "-Infinity", "nan", "1e309", "1e",   "1,5"};
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++)
        EXPECT_FAIL(PARSE("--threads", wholes[i]), STATUS_USAGE, "--threads needs a whole number");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        EXPECT_FAIL(PARSE("--rate", numbers[i]), STATUS_USAGE, "--rate needs a number");
    EXPECT_OK(PARSE("-T", "+010", "--rate=-.5e1"));
    cr_assert_eq(given.threads, 10);
    cr_assert_float_eq(given.rate, -5, 1e-12);
    EXPECT_OK(PARSE("-T", "1", "--threads=2", "-T3"));
    cr_assert_eq(given.threads, 3); /* the last one counts */
}

Test(cli, nothing_is_no_name) {
    EXPECT_FAIL(PARSE("a", ""), STATUS_USAGE, "an argument is empty");
    EXPECT_FAIL(PARSE("--", ""), STATUS_USAGE, "an argument is empty");
    EXPECT_FAIL(PARSE("-o", ""), STATUS_USAGE, "-o needs a value that is not empty: -o FILE");
    EXPECT_FAIL(PARSE("--output="), STATUS_USAGE, "--output needs a value that is not empty: --output FILE");
    EXPECT_OK(PARSE("--title="));
    cr_assert_str_eq(given.title, "");
}

Test(cli, a_list_has_an_end) {
    char name[] = "compress", option[] = "-s", value[] = "a=1";
    char *argv[140] = {name};

    for (int i = 1; i < 139; i++)
        argv[i] = i % 2 ? option : value;
    argv[139] = NULL;
    EXPECT_FAIL(parse(argv), STATUS_USAGE, "more than 64 times");
}

/* ---- help ---- */

Test(cli, help_goes_to_stdout_and_exits_with_zero, .init = cr_redirect_stdout, .exit_code = 0) {
    (void)PARSE("--help");
    cr_assert_fail("--help must not return");
}

Test(cli, help_shows_everything_in_columns, .init = cr_redirect_stdout) {
    cli_print_help(&command);
    fflush(stdout);
    cr_assert_stdout_eq_str("Usage: laconic compress [-o FILE] [FILE...]\n"
                            "\n"
                            "Compress files.\n"
                            "\n"
                            "Options:\n"
                            "  -o, --output FILE    write to FILE instead of standard output\n"
                            "  -f, --force          overwrite\n"
                            "  -r, --remove         remove the input\n"
                            "  -T, --threads N      use N threads\n"
                            "      --rate X         learning rate\n"
                            "  -s, --set KEY=VALUE  change one setting\n"
                            "      --title TEXT     for people\n"
                            "      --help           show this help\n"
                            "\n"
                            "Archives end in .lcn.\n");
}

Test(cli, long_help_is_wrapped_under_itself, .init = cr_redirect_stdout) {
    const struct cli_option wordy[] = {
        {"seed", 0, "N",
         "one number from which every stream of random numbers of the run is derived, so that it repeats",
         CLI_TEXT, &given.output},
        CLI_END};
    const struct cli_command wordy_command = {"x", NULL, "Sum.", NULL, wordy};

    cli_print_help(&wordy_command);
    fflush(stdout);
    cr_assert_stdout_eq_str(
        "Usage: x\n\nSum.\n\nOptions:\n"
        "      --seed N  one number from which every stream of random numbers of the run\n"
        "                is derived, so that it repeats\n"
        "      --help    show this help\n");
}

/* ---- subcommands ---- */

static int runs, seen_argc;
static char *seen_argv[4];

static enum status run(int argc, char **argv) {
    runs++;
    seen_argc = argc;
    for (int i = 0; i < argc && i < 4; i++)
        seen_argv[i] = argv[i];
    return STATUS_OK;
}

static const struct cli_subcommand table[] = {
    {"make", "make a data set", run}, {"info", "say what is inside", run}, {NULL, NULL, NULL}};

static enum status dispatch(char **argv) {
    int argc = 0;

    while (argv[argc])
        argc++;
    return cli_dispatch("laconic data", "Data sets.", table, argc, argv);
}
#define DISPATCH(...) dispatch((char **)(const char *[]){__VA_ARGS__, NULL})

Test(cli, subcommands_are_found) {
    EXPECT_OK(DISPATCH("laconic-data", "make", "-o", "x"));
    cr_assert_eq(runs, 1);
    cr_assert_eq(seen_argc, 3);
    cr_assert_str_eq(seen_argv[0], "make");
    cr_assert_str_eq(seen_argv[2], "x");
    EXPECT_FAIL(DISPATCH("laconic-data"), STATUS_USAGE, "which command? 'laconic data --help' lists all");
    EXPECT_FAIL(DISPATCH("laconic-data", "maek"), STATUS_USAGE, "did you mean 'laconic data make'?");
    EXPECT_FAIL(DISPATCH("laconic-data", "help", "inof"), STATUS_USAGE, "did you mean 'laconic data info'?");
    cr_assert_eq(runs, 1);
}

Test(cli, help_x_is_x_help) {
    EXPECT_OK(DISPATCH("laconic-data", "help", "info"));
    cr_assert_eq(seen_argc, 2);
    cr_assert_str_eq(seen_argv[0], "info");
    cr_assert_str_eq(seen_argv[1], "--help");
    EXPECT_OK(DISPATCH("laconic-data", "help", "help", "--help", "info"));
    cr_assert_eq(seen_argc, 2);
    cr_assert_str_eq(seen_argv[0], "info");
    EXPECT_OK(DISPATCH("laconic", "help", "info", "deep"));
    cr_assert_eq(seen_argc, 3);
    cr_assert_str_eq(seen_argv[1], "deep");
    cr_assert_str_eq(seen_argv[2], "--help");
}

Test(cli, help_lists_the_subcommands, .init = cr_redirect_stdout) {
    EXPECT_OK(DISPATCH("laconic-data", "--help"));
    fflush(stdout);
    cr_assert_stdout_eq_str("Usage: laconic data COMMAND [OPTION...]\n\nData sets.\n\nCommands:\n"
                            "  make  make a data set\n"
                            "  info  say what is inside\n"
                            "\n'laconic data COMMAND --help' explains a command.\n");
}

Test(cli, digits_and_values_that_may_be_left_out) {
    static long level;
    static bool keep;
    static const char *seekable;
    const struct cli_option rows[] = {{"level", CLI_DIGITS, "N", "how hard", CLI_INTEGER, &level},
                                      {"keep", 'k', NULL, "keep", CLI_FLAG, &keep},
                                      {"seekable", 0, "SIZE", "pieces", CLI_OPTIONAL, &seekable},
                                      CLI_END};
    const struct cli_command zip = {"zip", "", "", NULL, rows};
    const char *grouped[] = {"zip", "-12k", "--seekable", "file", NULL};
    const char *given_size[] = {"zip", "--seekable=4K", "-9", NULL};
    EXPECT_OK(cli_parse(&zip, 4, (char **)grouped, &operands, &operand_count));
    cr_assert_eq(level, 12);
    cr_assert(keep);
    cr_assert_str_eq(seekable, "");
    cr_assert_eq(operand_count, 1);
    EXPECT_OK(cli_parse(&zip, 3, (char **)given_size, &operands, &operand_count));
    cr_assert_eq(level, 9);
    cr_assert_str_eq(seekable, "4K");
}
