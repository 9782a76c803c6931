/* Completion of command lines in shells, from the tables that parse them. */
#ifndef LACONIC_COMPLETIONS_H
#define LACONIC_COMPLETIONS_H

#include <stdbool.h>
#include "base/status.h"

/* A command as a shell sees it: the words behind "laconic", and what may follow them. */
struct completion_option {
    char *name, *letter; /* without dashes; "" for none, "#" for -1 to -9 */
    char kind;           /* as --help-table says it (base/cli.h) */
    char *argument, *help;
};
struct completion_command {
    char *path, *summary; /* "", "compress", "data fetch"; the summary "" where nothing is said */
    struct completion_option *options;
    int option_count;
    int subcommands; /* how many there are; then there are no options */
};
struct completion_list {
    struct completion_command *commands; /* [count] the front command first, a group before its subcommands */
    int count;
};

/* A tool of the front command: `command` is its word; with keeps_name the executable wants to hear it. */
struct completion_tool {
    const char *command, *summary, *executable;
    bool keeps_name;
};

/* Asks every tool for its tables. */
enum status completion_list_make(struct completion_list *list, const struct completion_tool *tools,
                                 int count);
void completion_list_free(struct completion_list *list); /* safe on a zeroed one */

/* Scripts on standard output (scripts.c). */
void completion_print_bash(const struct completion_list *list);
void completion_print_zsh(const struct completion_list *list);
void completion_print_fish(const struct completion_list *list);

#endif
