/* The command `laconic`: finds the executable of a subcommand and becomes it, as git does. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/cli.h"
#include "base/program.h"

/* Which executable does a subcommand, and whether it wants to hear its name (it has several). */
struct tool {
    const char *command, *summary, *executable;
    bool keeps_name;
};

static const struct tool tools[] = {
    {"data", "make data sets from files, fetch known corpora", "laconic-data", false},
    {"train", "train a pair of models from a configuration", "laconic-train", false},
    {"compress", "compress files", "laconic-infer", true},
    {"decompress", "restore compressed files", "laconic-infer", true},
    {"test", "check that archives can be restored", "laconic-infer", true},
    {"list", "say what archives contain", "laconic-infer", true},
    {"evaluate", "measure a pair on files", "laconic-infer", true},
    {"generate", "let one model of a pair write", "laconic-infer", true},
    {"pack", "pack a trained pair for use, with weights in 8 bits", "laconic-infer", true},
    {"inspect", "say in words what is inside a file of ours", "laconic-infer", true},
    {"experiment", "compare with other compressors", "laconic-experiment", false},
    {"bench", "measure speed, of whole models and of single kernels", "laconic-bench", false},
};

enum { TOOL_COUNT = sizeof tools / sizeof tools[0] };

static const struct tool *find_tool(const char *command) {
    size_t i = 0;

    while (strcmp(tools[i].command, command) != 0)
        i++; /* the dispatcher only hands over names from the table */
    return &tools[i];
}

/* The folder of this very program, ending in a slash; empty if the system does not tell. */
static void find_own_folder(char folder[PATH_MAX]) {
    ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);

    folder[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[1] = '\0';
    else
        folder[0] = '\0';
}

/* In the build tree and in most installations the executables stand beside each other. */
static bool find_executable(const char *name, char path[PATH_MAX]) {
    char own[PATH_MAX];
    const char *const folders[] = {own, LACONIC_LIBEXEC_FOLDER "/"};

    find_own_folder(own);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        int length = *folders[i] ? snprintf(path, PATH_MAX, "%s%s", folders[i], name) : -1;
        if (length > 0 && length < PATH_MAX && access(path, X_OK) == 0)
            return true;
    }
    return false;
}

/* argv[0] is the subcommand; only returns on failure. */
static enum status run_tool(int argc, char **argv) {
    const struct tool *tool = find_tool(argv[0]);
    char path[PATH_MAX];

    if (!find_executable(tool->executable, path))
        return fail(STATUS_IO,
                    "'%s' needs the program %s, which is neither beside laconic nor in %s; install it",
                    tool->command, tool->executable, LACONIC_LIBEXEC_FOLDER);
    const char **arguments = calloc((size_t)argc + 2, sizeof *arguments);
    if (!arguments)
        return fail(STATUS_MEMORY, "cannot start %s: memory ran out", tool->executable);
    int count = 0;
    arguments[count++] = tool->executable;
    for (int i = tool->keeps_name ? 0 : 1; i < argc; i++)
        arguments[count++] = argv[i];
    execv(path, (char *const *)arguments);
    int error = errno;
    free(arguments);
    return fail(STATUS_IO, "cannot start %s: %s", path, strerror(error));
}

/* "laconic -d FILE" is "laconic compress -d FILE", which knows what -d means. */
static bool is_habit(const char *argument) {
    return argument[0] == '-' && strcmp(argument, "--help") != 0 && strcmp(argument, "-h") != 0;
}

static enum status run_habit(int argc, char **argv) {
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
    if (argc > 1 && is_habit(argv[1]))
        return cli_finish("laconic", run_habit(argc, argv));
    for (size_t i = 0; i < TOOL_COUNT; i++)
        table[i] = (struct cli_subcommand){tools[i].command, tools[i].summary, run_tool};
    return cli_finish("laconic", cli_dispatch("laconic",
                                              "Lossless text compression with pairs of T5 models: make data, "
                                              "train, compress, measure.",
                                              table, argc, argv));
}
