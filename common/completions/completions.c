/* Gathering what can be completed: every tool is asked with --help-table. */
#include "completions/completions.h"

#include <stdlib.h>
#include <string.h>
#include "base/place.h"
#include "base/process.h"

enum { FIELDS = 6 };

static enum status fail_memory(void) {
    return fail(STATUS_MEMORY, "no memory for the completions");
}

/* ---- the list ---- */

static enum status add_command(struct completion_list *list, const char *group, const char *name,
                               const char *summary) {
    size_t size = ((size_t)list->count + 1) * sizeof *list->commands;
    struct completion_command *grown = realloc(list->commands, size), added = {0};
    if (!grown)
        return fail_memory();
    list->commands = grown;
    if (asprintf(&added.path, "%s%s%s", group, *group ? " " : "", name) < 0)
        return fail_memory();
    added.summary = strdup(summary);
    list->commands[list->count++] = added;
    return added.summary ? STATUS_OK : fail_memory();
}

static enum status add_option(struct completion_command *command, char *const fields[FIELDS]) {
    size_t size = ((size_t)command->option_count + 1) * sizeof *command->options;
    struct completion_option *grown = realloc(command->options, size);
    if (!grown)
        return fail_memory();
    command->options = grown;
    struct completion_option *o = &grown[command->option_count++];
    *o = (struct completion_option){.name = strdup(fields[1]),
                                    .letter = strdup(fields[2]),
                                    .kind = fields[3][0],
                                    .argument = strdup(fields[4]),
                                    .help = strdup(fields[5])};
    return o->name && o->letter && o->argument && o->help ? STATUS_OK : fail_memory();
}

static void free_command(struct completion_command *command) {
    for (int i = 0; i < command->option_count; i++) {
        struct completion_option *o = &command->options[i];
        free(o->name);
        free(o->letter);
        free(o->argument);
        free(o->help);
    }
    free(command->options);
    free(command->path);
    free(command->summary);
}

void completion_list_free(struct completion_list *list) {
    for (int i = 0; i < list->count; i++)
        free_command(&list->commands[i]);
    free(list->commands);
    *list = (struct completion_list){0};
}

/* ---- asking ---- */

/* One program, and the words in front of --help-table. */
struct question {
    const struct completion_tool *tool;
    const char *subcommand; /* NULL: none */
};

static enum status ask(const struct question *question, struct buffer *answer) {
    const char *argv[5] = {NULL};
    int count = 0;
    char *program = NULL;
    struct process process = {.argv = argv};
    struct process_outcome outcome;
    TRY(place_program(question->tool->executable, &program));
    argv[count++] = program;
    if (question->tool->keeps_name)
        argv[count++] = question->tool->command;
    if (question->subcommand)
        argv[count++] = question->subcommand;
    argv[count] = "--help-table";
    enum status status = process_run(&process, answer, &outcome);
    if (status == STATUS_OK)
        status = buffer_append_byte(answer, '\0');
    free(program);
    return status;
}

/* Cuts a line at its tabs; missing fields are "". */
static void cut_fields(char *line, char *fields[FIELDS]) {
    static char nothing[] = "";
    for (int i = 0; i < FIELDS; i++) {
        fields[i] = line ? strsep(&line, "\t") : nothing;
    }
}

/* Options join the command; subcommands join the list behind it. */
static enum status take_answer(struct completion_list *list, int command, char *answer) {
    char *line;
    while ((line = strsep(&answer, "\n")) && *line) {
        char *fields[FIELDS];
        cut_fields(line, fields);
        if (strcmp(fields[0], "option") == 0)
            TRY(add_option(&list->commands[command], fields));
        if (strcmp(fields[0], "command") != 0)
            continue;
        list->commands[command].subcommands++;
        TRY(add_command(list, list->commands[command].path, fields[1], fields[2]));
    }
    return STATUS_OK;
}

static enum status ask_about(struct completion_list *list, int command, const struct question *question) {
    struct buffer answer = {0};
    enum status status = ask(question, &answer);
    if (status == STATUS_OK)
        status = take_answer(list, command, (char *)answer.data);
    buffer_free(&answer);
    return status;
}

static enum status add_tool(struct completion_list *list, const struct completion_tool *tool) {
    int group = list->count;
    TRY(add_command(list, "", tool->command, tool->summary));
    TRY(ask_about(list, group, &(struct question){tool, NULL}));
    int last = list->count;
    for (int i = group + 1; i < last; i++) {
        const char *subcommand = strchr(list->commands[i].path, ' ') + 1;
        TRY(ask_about(list, i, &(struct question){tool, subcommand}));
    }
    return STATUS_OK;
}

enum status completion_list_make(struct completion_list *list, const struct completion_tool *tools,
                                 int count) {
    *list = (struct completion_list){0};
    enum status status = add_command(list, "", "", "");
    for (int i = 0; i < count && status == STATUS_OK; i++)
        status = add_tool(list, &tools[i]);
    if (status == STATUS_OK)
        list->commands[0].subcommands = count;
    else
        completion_list_free(list);
    return status;
}
