/* The scripts: the same list, told to bash, zsh and fish. */
#include <stdio.h>
#include <string.h>
#include "completions/completions.h"

static bool takes_value(const struct completion_option *option) {
    return option->kind == 'v' || option->kind == 'l';
}

static bool is_below(const struct completion_command *command, const struct completion_command *group) {
    size_t length = strlen(group->path);
    const char *name = command->path;
    if (length > 0 && (strncmp(name, group->path, length) != 0 || name[length] != ' '))
        return false;
    return length > 0 || (*name && !strchr(name, ' '));
}

/* The last word of its path. */
static const char *word_of(const struct completion_command *command) {
    const char *blank = strrchr(command->path, ' ');
    return blank ? blank + 1 : command->path;
}

/* With a backslash before each of `special`; a quote is written as `quote` (we are inside '...'). */
static void print_escaped(const char *text, const char *special, const char *quote) {
    for (; *text; text++) {
        if (*text == '\'')
            fputs(quote, stdout);
        else {
            if (strchr(special, *text))
                putchar('\\');
            putchar(*text);
        }
    }
}

static void print_groups(const struct completion_list *list) {
    const char *bar = "";
    for (int i = 1; i < list->count; i++)
        if (list->commands[i].subcommands) {
            printf("%s%s", bar, list->commands[i].path);
            bar = " | ";
        }
}

/* ---- bash ---- */

static void print_option_words(const struct completion_command *command, bool only_with_value) {
    for (int i = 0; i < command->option_count; i++) {
        const struct completion_option *o = &command->options[i];
        if (only_with_value && !takes_value(o))
            continue;
        printf(" --%s", o->name);
        if (o->letter[0] == '#' && !only_with_value)
            printf(" -1 -2 -3 -4 -5 -6 -7 -8 -9");
        else if (o->letter[0] && o->letter[0] != '#')
            printf(" -%s", o->letter);
    }
}

static void print_bash_case(const struct completion_list *list, const struct completion_command *command) {
    printf("    '%s')\n        words='", command->path);
    for (int i = 1; command->subcommands && i < list->count; i++)
        if (is_below(&list->commands[i], command))
            printf(" %s", word_of(&list->commands[i]));
    print_option_words(command, false);
    printf("%s'\n        valued='", command->subcommands ? " help" : "");
    print_option_words(command, true);
    printf(" ' ;;\n");
}

/* What both shells share: the words in front become `command`; `current` names the word at the cursor. */
static void print_word_loop(const struct completion_list *list, const char *current) {
    printf("        [[ $word = -* || $word = help ]] && continue\n"
           "        case $command in\n"
           "        '') command=$word ;;\n"
           "        ");
    print_groups(list);
    printf(") command+=\" $word\" ;;\n"
           "        esac\n"
           "    done\n"
           "    # \"laconic -d\" is \"laconic compress -d\"\n"
           "    [[ -z $command && %s = -* ]] && command=compress\n",
           current);
}

void completion_print_bash(const struct completion_list *list) {
    printf("# bash completion for laconic, written by 'laconic completions bash'.\n"
           "_laconic() {\n"
           "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
           "    local command='' words='' valued='' word i\n"
           "    COMPREPLY=()\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        word=${COMP_WORDS[i]}\n");
    print_word_loop(list, "$current");
    printf("    case $command in\n");
    for (int i = 0; i < list->count; i++)
        print_bash_case(list, &list->commands[i]);
    printf("    esac\n"
           "    # a value, or a file: readline's own names of files\n"
           "    [[ $valued != *\" $previous \"* ]] || return 0\n"
           "    [[ $current = -* || $words != *--* ]] || return 0\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
           "}\n"
           "complete -o default -F _laconic laconic\n");
}

/* ---- zsh ---- */

static void print_zsh_option(const struct completion_option *o) {
    const char *repeat = o->kind == 'l' ? "*" : "", *value = takes_value(o)   ? "="
                                                             : o->kind == 'o' ? "=-"
                                                                              : "";
    if (o->letter[0] && o->letter[0] != '#')
        printf("            '%s(-%s --%s)'{-%s%s,--%s%s}'[", repeat, o->letter, o->name, o->letter,
               takes_value(o) ? "+" : "", o->name, value);
    else
        printf("            '%s--%s%s[", repeat, o->name, value);
    print_escaped(o->help, "\\[]:", "'\\''");
    putchar(']');
    if (o->kind != 'f') {
        printf("%s", o->kind == 'o' ? "::" : ":");
        print_escaped(o->argument, "\\[]:", "'\\''");
        printf(":_files");
    }
    printf("' \\\n");
}

static void print_zsh_case(const struct completion_list *list, const struct completion_command *command) {
    printf("    '%s')\n", command->path);
    if (command->subcommands) {
        printf("        commands=(");
        for (int i = 1; i < list->count; i++)
            if (is_below(&list->commands[i], command)) {
                printf("'%s:", word_of(&list->commands[i]));
                print_escaped(list->commands[i].summary, "\\", "'\\''");
                printf("' ");
            }
        printf("'help:explain a command')\n        _describe command commands ;;\n");
        return;
    }
    printf("        _arguments -s \\\n");
    for (int i = 0; i < command->option_count; i++)
        print_zsh_option(&command->options[i]);
    printf("            '*:file:_files' ;;\n");
}

void completion_print_zsh(const struct completion_list *list) {
    printf("#compdef laconic\n"
           "# zsh completion for laconic, written by 'laconic completions zsh'.\n"
           "_laconic() {\n"
           "    local command='' word\n"
           "    local -a commands\n"
           "    for word in ${words[2,CURRENT-1]}; do\n");
    print_word_loop(list, "$words[CURRENT]");
    printf("    case $command in\n");
    for (int i = 0; i < list->count; i++)
        print_zsh_case(list, &list->commands[i]);
    printf("    *) _files ;;\n"
           "    esac\n"
           "}\n"
           "_laconic \"$@\"\n");
}

/* ---- fish ---- */

static void print_fish_option(const struct completion_command *command, const struct completion_option *o) {
    printf("complete -c laconic -n '__laconic_in %s' -l %s", command->path, o->name);
    if (o->letter[0] && o->letter[0] != '#')
        printf(" -s %s", o->letter);
    printf("%s -d '", takes_value(o) ? " -r" : "");
    print_escaped(o->help, "\\", "\\'");
    printf("'\n");
}

void completion_print_fish(const struct completion_list *list) {
    printf("# fish completion for laconic, written by 'laconic completions fish'.\n"
           "function __laconic_words\n"
           "    for word in (commandline -opc)[2..-1]\n"
           "        string match -q -- '-*' $word; or test $word = help; or echo $word\n"
           "    end\n"
           "end\n"
           "function __laconic_after\n"
           "    test \"$(__laconic_words | string join ' ')\" = \"$argv\"\n"
           "end\n"
           "function __laconic_in\n"
           "    set -l words (__laconic_words)\n"
           "    test \"$words[1..$(count $argv)]\" = \"$argv\"\n"
           "end\n");
    for (int g = 0; g < list->count; g++)
        for (int i = 1; list->commands[g].subcommands && i < list->count; i++)
            if (is_below(&list->commands[i], &list->commands[g])) {
                printf("complete -c laconic -f -n '__laconic_after%s%s' -a %s -d '", g ? " " : "",
                       list->commands[g].path, word_of(&list->commands[i]));
                print_escaped(list->commands[i].summary, "\\", "\\'");
                printf("'\n");
            }
    for (int i = 0; i < list->count; i++)
        for (int o = 0; o < list->commands[i].option_count; o++)
            print_fish_option(&list->commands[i], &list->commands[i].options[o]);
}
