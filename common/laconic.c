/* The command `laconic`: finds the executable of a subcommand and becomes it, as git does. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/cli.h"
#include "base/place.h"
#include "base/program.h"
#include "completions/completions.h"

/* Which executable does a subcommand, and whether it wants to hear its name (it has several). */
static const struct completion_tool tools[] = {
    {"data", "make data sets from files, fetch known corpora", "laconic-data", false},
    {"train", "train a pair of models from a configuration", "laconic-train", false},
    {"compress", "compress files", "laconic-infer", true},
    {"decompress", "decompress archives", "laconic-infer", true},
    {"test", "check that archives can be decompressed", "laconic-infer", true},
    {"list", "say what archives contain", "laconic-infer", true},
    {"evaluate", "measure a pair on files", "laconic-infer", true},
    {"generate", "let one model of a pair write", "laconic-infer", true},
    {"pack", "pack a trained pair for use, with weights in 8 bits", "laconic-infer", true},
    {"inspect", "say in words what is inside a file of ours", "laconic-infer", true},
    {"experiment", "compare with other compressors", "laconic-experiment", false},
    {"bench", "measure speed, of whole models and of single kernels", "laconic-bench", false},
    {"completions", "print a script that completes command lines in a shell", "laconic", true},
};

enum { TOOL_COUNT = sizeof tools / sizeof tools[0] };

/* What this very program does itself. */
static bool is_own(const struct completion_tool *tool) {
    return strcmp(tool->executable, "laconic") == 0;
}

static const struct completion_tool *find_tool(const char *command) {
    size_t i = 0;

    while (strcmp(tools[i].command, command) != 0)
        i++; /* the dispatcher only hands over names from the table */
    return &tools[i];
}

/* argv[0] is the subcommand; only returns on failure. */
static enum status run_tool(int argc, char **argv) {
    const struct completion_tool *tool = find_tool(argv[0]);
    char *path = NULL;

    enum status status = place_program(tool->executable, &path);
    if (status != STATUS_OK)
        return fail_context(status, "'%s'", tool->command);
    const char **arguments = calloc((size_t)argc + 2, sizeof *arguments);
    if (!arguments) {
        free(path);
        return fail(STATUS_MEMORY, "cannot start %s: memory ran out", tool->executable);
    }
    int count = 0;
    arguments[count++] = tool->executable;
    for (int i = tool->keeps_name ? 0 : 1; i < argc; i++)
        arguments[count++] = argv[i];
    execv(path, (char *const *)arguments);
    int error = errno;
    free(arguments);
    status = fail(STATUS_IO, "cannot start %s: %s", path, strerror(error));
    free(path);
    return status;
}

static const char completions_details[] =
    "bash: eval \"$(laconic completions bash)\" in ~/.bashrc. zsh: the output as a file\n"
    "_laconic in a folder of $fpath. fish: the output as a file\n"
    "~/.config/fish/completions/laconic.fish. An installation has all three in place.\n";

static enum status command_completions(int argc, char **argv) {
    static const struct {
        const char *shell;
        void (*print)(const struct completion_list *list);
    } shells[] = {
        {"bash", completion_print_bash}, {"zsh", completion_print_zsh}, {"fish", completion_print_fish}};
    const struct cli_option options[] = {CLI_END};
    const struct cli_command command = {"laconic completions", "bash|zsh|fish",
                                        "Print a script that completes command lines in a shell.",
                                        completions_details, options};
    struct completion_list list;
    char **words;
    int count;

    TRY(cli_parse(&command, argc, argv, &words, &count));
    for (size_t i = 0; count == 1 && i < sizeof shells / sizeof shells[0]; i++)
        if (strcmp(words[0], shells[i].shell) == 0) {
            TRY(completion_list_make(&list, tools, TOOL_COUNT));
            shells[i].print(&list);
            completion_list_free(&list);
            return STATUS_OK;
        }
    return fail(STATUS_USAGE, "for which shell? laconic completions takes bash, zsh or fish");
}

/* "laconic -d FILE" is "laconic compress -d FILE", which knows what -d means. */
static bool is_zstd_option(const char *argument) {
    static const char *const own[] = {"--help", "-h", "--help-table"};

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strcmp(argument, own[i]) == 0)
            return false;
    return argument[0] == '-';
}

static enum status run_compress(int argc, char **argv) {
    static char compress[] = "compress";
    char **arguments = calloc((size_t)argc + 1, sizeof *arguments);
    if (!arguments)
        return fail(STATUS_MEMORY, "cannot start: memory ran out");
    arguments[0] = compress;
    for (int i = 1; i < argc; i++)
        arguments[i] = argv[i];
    enum status status = run_tool(argc, arguments);
    free(arguments);
    return status;
}

int main(int argc, char **argv) {
    struct cli_subcommand table[TOOL_COUNT + 1] = {{NULL, NULL, NULL}};

    program_start();
    if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
        printf("laconic %s\n", LACONIC_VERSION);
        return cli_finish("laconic", STATUS_OK);
    }
    if (argc > 1 && is_zstd_option(argv[1]))
        return cli_finish("laconic", run_compress(argc, argv));
    for (size_t i = 0; i < TOOL_COUNT; i++)
        table[i] = (struct cli_subcommand){tools[i].command, tools[i].summary,
                                           is_own(&tools[i]) ? command_completions : run_tool};
    return cli_finish("laconic", cli_dispatch("laconic",
                                              "Lossless text compression with pairs of T5 models: make data, "
                                              "train, compress, measure.",
                                              table, argc, argv));
}
