/* Command lines described for programs: what `laconic completions` reads. */
#include <stdio.h>
#include "base/cli.h"

static char kind_letter(enum cli_kind kind) {
    switch (kind) {
    case CLI_FLAG:
    case CLI_CLEAR:
        return 'f';
    case CLI_OPTIONAL:
        return 'o';
    case CLI_LIST:
        return 'l';
    case CLI_TEXT:
    case CLI_WORDS:
    case CLI_INTEGER:
    case CLI_NUMBER:
    case CLI_ALIAS:
        break;
    }
    return 'v';
}

void cli_print_option_table(const struct cli_command *command) {
    for (const struct cli_option *o = command->options; o && o->name; o++)
        if (o->kind != CLI_ALIAS)
            printf("option\t%s\t%.1s\t%c\t%s\t%s\n", o->name, &o->letter, kind_letter(o->kind),
                   o->argument ? o->argument : "", o->help);
    printf("option\thelp\t\tf\t\tshow this help\n");
}

void cli_print_command_table(const struct cli_subcommand *table) {
    for (const struct cli_subcommand *s = table; s->name; s++)
        printf("command\t%s\t%s\n", s->name, s->summary);
}
