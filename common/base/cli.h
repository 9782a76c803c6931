/* Command lines described by tables: one row per option, one struct per command.
 *
 *     struct cli_option options[] = {
 *         {"output", 'o', "FILE", "write to FILE", CLI_TEXT, &output},
 *         {"force", 'f', NULL, "overwrite", CLI_FLAG, &force},
 *         CLI_END};
 *     struct cli_command command = {
 *         "laconic compress", "[-m MODEL.h5] [FILE...]", "Compress files.", NULL, options};
 *     TRY(cli_parse(&command, argc, argv, &files, &file_count));
 *
 * Understands --name VALUE, --name=VALUE, -oVALUE, -o VALUE, grouped flags, "--" and lone "-" (a file). Adds
 * --help to every command: prints to stdout and exits the process with 0. Anything wrong is STATUS_USAGE with
 * a sentence that names the argument and the nearest valid option.
 *
 * Tables also describe themselves to programs, one row per line, fields apart by tabs (cli_table.c):
 * --help-table prints
 *     command NAME SUMMARY                         of a program with subcommands
 *     option NAME LETTER KIND ARGUMENT HELP        of a command; KIND f: flag, v: value, o: optional value,
 *                                                  l: value, may be repeated
 */
#ifndef LACONIC_BASE_CLI_H
#define LACONIC_BASE_CLI_H

#include "base/status.h"

enum cli_kind {
    CLI_FLAG,     /* bool *: set to true */
    CLI_CLEAR,    /* bool *: set to false */
    CLI_TEXT,     /* const char **: points into argv, not empty */
    CLI_WORDS,    /* the same for what people are told; may be empty */
    CLI_INTEGER,  /* long *; suffixes k, M, G (1000s) */
    CLI_NUMBER,   /* double * */
    CLI_OPTIONAL, /* const char **: as CLI_TEXT; "" where --name stands without =VALUE */
    CLI_LIST,     /* struct cli_list *: may be repeated, order kept */
    CLI_ALIAS     /* the name that the option `argument` had before: understood, and said once; never shown */
};

struct cli_list {
    const char *items[64];
    int count;
};

struct cli_option {
    const char *name;     /* without dashes; NULL ends the table */
    char letter;          /* 0: none; CLI_DIGITS: -1, -9, -12 and so on give the option this number */
    const char *argument; /* shown in the help; NULL for flags */
    const char *help;
    enum cli_kind kind;
    void *target;
};
enum { CLI_DIGITS = '#' };
/* CLI_RENAMED("dtype", "precision") */
#define CLI_RENAMED(old, now)                                                                                \
    { old, 0, now, NULL, CLI_ALIAS, NULL }
#define CLI_END                                                                                              \
    { NULL, 0, NULL, NULL, CLI_FLAG, NULL }

struct cli_command {
    const char *name;     /* "laconic compress" */
    const char *synopsis; /* what follows the name in the usage line */
    const char *summary;  /* one sentence */
    const char *details;  /* further paragraphs of the help, or NULL */
    const struct cli_option *options;
};

/* Removes options from argv and leaves the operands: *operands points into argv, *count of them. argv[0] is
 * skipped. */
enum status cli_parse(const struct cli_command *command, int argc, char **argv, char ***operands, int *count);

void cli_print_help(const struct cli_command *command);
void cli_print_option_table(const struct cli_command *command);

/* A program with subcommands: one row each. */
struct cli_subcommand {
    const char *name; /* NULL ends the table */
    const char *summary;
    enum status (*run)(int argc, char **argv); /* argv[0] is the subcommand's name */
};

void cli_print_command_table(const struct cli_subcommand *table);

/* Finds argv[1] in the table and runs it; "help", "--help", none or unknown names are handled here. */
enum status cli_dispatch(const char *program, const char *summary, const struct cli_subcommand *table,
                         int argc, char **argv);

/* What was printed so far must reach standard output: for commands that print as they go. */
enum status cli_flush(void);

/* What a main() ends with: makes sure that standard output was written, reports, returns the exit code. */
int cli_finish(const char *program, enum status status);

#endif
