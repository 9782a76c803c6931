/* Command lines described by tables. */
#include "base/cli.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/signals.h"
#include "base/suggest.h"

enum { CANDIDATES = 64, HELP_WIDTH = 80, HELP_COLUMN_MAXIMUM = 30 };

/* ---- values ---- */

/* How the option is called in sentences: "--output", or "-o" where it was written so. */
struct spelling {
    char text[80];
};

static struct spelling spell(const struct cli_option *option, bool by_letter) {
    struct spelling spelling;

    if (by_letter)
        snprintf(spelling.text, sizeof spelling.text, "-%c", option->letter);
    else
        snprintf(spelling.text, sizeof spelling.text, "--%s", option->name);
    return spelling;
}

static bool takes_value(const struct cli_option *option) {
    return option->kind != CLI_FLAG && option->kind != CLI_CLEAR;
}

static enum status append_to_list(struct cli_list *list, const char *text, const char *called) {
    enum { CAPACITY = sizeof list->items / sizeof list->items[0] };

    if (list->count >= CAPACITY)
        return fail(STATUS_USAGE, "%s is given more than %d times; give it less often", called,
                    (int)CAPACITY);
    list->items[list->count++] = text;
    return STATUS_OK;
}

static enum status store(const struct cli_option *option, const char *text, const char *called) {
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)option->target = true;
        break;
    case CLI_CLEAR:
        *(bool *)option->target = false;
        break;
    case CLI_TEXT:
        if (!*text)
            return fail(STATUS_USAGE, "%s needs a value that is not empty: %s %s", called, called,
                        option->argument ? option->argument : "VALUE");
        *(const char **)option->target = text;
        break;
    case CLI_WORDS:
        *(const char **)option->target = text;
        break;
    case CLI_OPTIONAL:
        *(const char **)option->target = text ? text : "";
        break;
    case CLI_INTEGER:
        if (!number_read_whole(text, option->target))
            return fail(STATUS_USAGE, "%s needs a whole number such as 100 or 20k, not '%s'", called, text);
        break;
    case CLI_NUMBER:
        if (!number_read(text, option->target))
            return fail(STATUS_USAGE, "%s needs a number such as 0.5 or 3e-4, not '%s'", called, text);
        break;
    case CLI_LIST:
        return append_to_list(option->target, text, called);
    case CLI_ALIAS: /* take_long() has turned it into the option */
        break;
    }
    return STATUS_OK;
}

/* ---- arguments ---- */

/* A walk over argv that keeps the operands at its front. */
struct walk {
    const struct cli_command *command;
    int argc, next; /* argv[next] is read next */
    char **argv;
    int operands; /* kept in argv[1 .. operands] */
};

static enum status fail_unknown(const struct walk *walk, const char *argument, const char *name) {
    const char *names[CANDIDATES];
    size_t count = 0;

    for (const struct cli_option *o = walk->command->options; o && o->name && count + 1 < CANDIDATES; o++)
        if (o->kind != CLI_ALIAS)
            names[count++] = o->name;
    names[count++] = "help";
    const char *nearest = suggest_nearest(name, names, count);
    if (nearest)
        return fail(STATUS_USAGE, "unknown option '%s'; did you mean --%s? '%s --help' lists all", argument,
                    nearest, walk->command->name);
    return fail(STATUS_USAGE, "unknown option '%s'; '%s --help' lists all", argument, walk->command->name);
}

static const struct cli_option *find_option(const struct cli_command *command, const char *name,
                                            size_t length) {
    for (const struct cli_option *o = command->options; o && o->name; o++) {
        if (strlen(o->name) == length && strncmp(o->name, name, length) == 0)
            return o;
    }
    return NULL;
}

static const struct cli_option *find_letter(const struct cli_command *command, char letter) {
    for (const struct cli_option *o = command->options; o && o->name; o++) {
        if (o->letter == letter)
            return o;
    }
    return NULL;
}

enum status cli_flush(void) {
    int error = file_flush(stdout);
    return error ? fail(STATUS_IO, "cannot write to standard output: %s", strerror(error)) : STATUS_OK;
}

int cli_finish(const char *program, enum status status) {
    enum status written = status == STATUS_OK ? cli_flush() : status;
    if (status == STATUS_OK && written != STATUS_OK && signals_stop_number() == SIGPIPE)
        written = STATUS_INTERRUPTED;
    return status_report(program, written);
}

static void print_help_and_exit(const struct cli_command *command) {
    cli_print_help(command);
    exit(cli_finish(command->name, STATUS_OK));
}

static void print_table_and_exit(const struct cli_command *command) {
    cli_print_option_table(command);
    exit(cli_finish(command->name, STATUS_OK));
}

/* The option's value is in `attached`, or NULL and then the next argument. */
static enum status take(struct walk *walk, const struct cli_option *option, const char *attached,
                        bool by_letter) {
    struct spelling called = spell(option, by_letter);

    if (takes_value(option) && option->kind != CLI_OPTIONAL && !attached) {
        if (walk->next >= walk->argc)
            return fail(STATUS_USAGE, "%s needs a value: %s %s", called.text, called.text,
                        option->argument ? option->argument : "VALUE");
        attached = walk->argv[walk->next++];
    }
    return store(option, attached, called.text);
}

static const struct cli_option *renamed(const struct cli_command *command, const struct cli_option *alias) {
    log_info("%s: the option --%s is called --%s now", command->name, alias->name, alias->argument);
    return find_option(command, alias->argument, strlen(alias->argument));
}

static enum status take_long(struct walk *walk, const char *argument) {
    const char *name = argument + 2;
    size_t length = strcspn(name, "=");
    const char *attached = name[length] == '=' ? name + length + 1 : NULL;
    const struct cli_option *option = find_option(walk->command, name, length);

    if (!option) {
        char unknown[64];
        snprintf(unknown, sizeof unknown, "%.*s", (int)(length < 63 ? length : 63), name);
        if (strcmp(name, "help") == 0)
            print_help_and_exit(walk->command);
        if (strcmp(name, "help-table") == 0)
            print_table_and_exit(walk->command);
        return fail_unknown(walk, argument, unknown);
    }
    if (option->kind == CLI_ALIAS)
        option = renamed(walk->command, option);
    if (attached && !takes_value(option))
        return fail(STATUS_USAGE, "--%s takes no value; write --%s alone", option->name, option->name);
    return take(walk, option, attached, false);
}

/* "-12" in a group: the option gets the digits that stand together. Returns the last of them. */
static const char *take_digits(struct walk *walk, const struct cli_option *option, const char *digits,
                               enum status *status) {
    char number[16];
    size_t count = strspn(digits, "0123456789");

    snprintf(number, sizeof number, "%.*s", (int)(count < 15 ? count : 15), digits);
    *status = take(walk, option, number, true);
    return digits + count - 1;
}

/* "-kf", "-oFILE", "-T4", "-9k": flags may be grouped; the first letter with a value takes the rest. */
static enum status take_letters(struct walk *walk, const char *argument) {
    for (const char *letter = argument + 1; *letter; letter++) {
        const struct cli_option *option = find_letter(walk->command, *letter);
        const struct cli_option *digits =
            isdigit((unsigned char)*letter) ? find_letter(walk->command, CLI_DIGITS) : NULL;
        if (digits) {
            enum status status;
            letter = take_digits(walk, digits, letter, &status);
            TRY(status);
            continue;
        }
        if (!option && *letter == 'h')
            print_help_and_exit(walk->command);
        if (!option)
            return fail_unknown(walk, argument, argument + 1);
        if (takes_value(option))
            return take(walk, option, letter[1] ? letter + 1 : NULL, true);
        TRY(take(walk, option, NULL, true));
    }
    return STATUS_OK;
}

enum status cli_parse(const struct cli_command *command, int argc, char **argv, char ***operands,
                      int *count) {
    struct walk walk = {command, argc, 1, argv, 0};
    bool options_ended = false;

    while (walk.next < argc) {
        char *argument = argv[walk.next++];
        if (!*argument)
            return fail(STATUS_USAGE, "an argument is empty; write a name there, or leave the quotes out");
        if (options_ended || argument[0] != '-' || argument[1] == '\0')
            argv[++walk.operands] = argument;
        else if (strcmp(argument, "--") == 0)
            options_ended = true;
        else if (argument[1] == '-')
            TRY(take_long(&walk, argument));
        else
            TRY(take_letters(&walk, argument));
    }
    *operands = argv + (argc > 0);
    *count = walk.operands;
    return STATUS_OK;
}

/* ---- help ---- */

/* The part of `text` that fits `width` columns: up to a newline or the last space. */
static size_t line_length(const char *text, size_t width) {
    size_t end = strcspn(text, "\n");

    if (end <= width)
        return end;
    for (size_t i = width; i > 0; i--) {
        if (text[i] == ' ')
            return i;
    }
    return end;
}

/* Wraps `text` into the columns from `indent` on; the cursor stands in column `column`. */
static void print_wrapped(const char *text, int column, int indent) {
    for (;;) {
        size_t length = line_length(text, (size_t)(HELP_WIDTH - indent));
        printf("%*s%.*s\n", indent - column, "", (int)length, text);
        text += length;
        text += *text == ' ' || *text == '\n';
        if (!*text)
            return;
        column = 0;
    }
}

static int format_option(const struct cli_option *option, char *text, size_t capacity) {
    char letter[8] = "    ";

    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    bool optional = option->kind == CLI_OPTIONAL;
    return snprintf(text, capacity, "  %s--%s%s%s%s", letter, option->name,
                    optional           ? "[="
                    : option->argument ? " "
                                       : "",
                    option->argument ? option->argument : "", optional ? "]" : "");
}

static const struct cli_option help_option = {"help", 0, NULL, "show this help", CLI_FLAG, NULL};

/* Two blanks behind the longest option that is not longer than most of the line. */
static int help_column(const struct cli_command *command) {
    char text[128];
    int column = format_option(&help_option, text, sizeof text);

    for (const struct cli_option *o = command->options; o && o->name; o++) {
        int length = o->kind == CLI_ALIAS ? 0 : format_option(o, text, sizeof text);
        if (length > column && length <= HELP_COLUMN_MAXIMUM)
            column = length;
    }
    return column + 2;
}

static void print_option(const struct cli_option *option, int column) {
    char text[128];
    int length = format_option(option, text, sizeof text);

    printf("%s", text);
    if (length + 2 > column) {
        putchar('\n');
        length = 0;
    }
    print_wrapped(option->help, length, column);
}

void cli_print_help(const struct cli_command *command) {
    int column = help_column(command);

    printf("Usage: %s%s%s\n\n", command->name, command->synopsis && *command->synopsis ? " " : "",
           command->synopsis ? command->synopsis : "");
    print_wrapped(command->summary, 0, 0);
    printf("\nOptions:\n");
    for (const struct cli_option *o = command->options; o && o->name; o++)
        if (o->kind != CLI_ALIAS)
            print_option(o, column);
    print_option(&help_option, column);
    if (command->details) {
        size_t length = strlen(command->details);
        printf("\n%s%s", command->details, length && command->details[length - 1] == '\n' ? "" : "\n");
    }
}

/* ---- subcommands ---- */

static void print_subcommands(const char *program, const char *summary, const struct cli_subcommand *table) {
    int widest = 0;

    for (const struct cli_subcommand *s = table; s->name; s++) {
        int length = (int)strlen(s->name);
        widest = length > widest ? length : widest;
    }
    printf("Usage: %s COMMAND [OPTION...]\n\n", program);
    print_wrapped(summary, 0, 0);
    printf("\nCommands:\n");
    for (const struct cli_subcommand *s = table; s->name; s++) {
        printf("  %s", s->name);
        print_wrapped(s->summary, 2 + (int)strlen(s->name), widest + 4);
    }
    printf("\n'%s COMMAND --help' explains a command.\n", program);
}

static const struct cli_subcommand *find_subcommand(const struct cli_subcommand *table, const char *name) {
    for (; table->name; table++) {
        if (strcmp(table->name, name) == 0)
            return table;
    }
    return NULL;
}

static enum status fail_unknown_subcommand(const char *program, const struct cli_subcommand *table,
                                           const char *name) {
    const char *names[CANDIDATES];
    size_t count = 0;

    for (; table->name && count < CANDIDATES; table++)
        names[count++] = table->name;
    const char *nearest = suggest_nearest(name, names, count);
    if (nearest)
        return fail(STATUS_USAGE, "unknown command '%s'; did you mean '%s %s'?", name, program, nearest);
    return fail(STATUS_USAGE, "unknown command '%s'; '%s --help' lists all", name, program);
}

static bool asks_for_help(const char *argument) {
    return strcmp(argument, "help") == 0 || strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

/* "help X Y" turns into "X Y --help". */
static void turn_help_round(int argc, char **argv) {
    static char help_argument[] = "--help";

    memmove(argv + 1, argv + 2, (size_t)(argc - 2) * sizeof *argv);
    argv[argc - 1] = help_argument;
}

enum status cli_dispatch(const char *program, const char *summary, const struct cli_subcommand *table,
                         int argc, char **argv) {
    if (argc < 2)
        return fail(STATUS_USAGE, "which command? '%s --help' lists all", program);
    bool help = asks_for_help(argv[1]);
    while (help && argc > 2 && asks_for_help(argv[2])) { /* help on help is help */
        memmove(argv + 1, argv + 2, (size_t)(argc - 2) * sizeof *argv);
        argc--;
    }
    if (help && argc == 2) {
        print_subcommands(program, summary, table);
        return STATUS_OK;
    }
    if (strcmp(argv[1], "--help-table") == 0) {
        cli_print_command_table(table);
        return STATUS_OK;
    }
    if (help)
        turn_help_round(argc, argv);
    const struct cli_subcommand *found = find_subcommand(table, argv[1]);
    if (!found)
        return fail_unknown_subcommand(program, table, argv[1]);
    return found->run(argc - 1, argv + 1);
}
