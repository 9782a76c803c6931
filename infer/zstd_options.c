/* From "compress -dk FILE" to "decompress -k FILE". */
#include "zstd_options.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Options of compress and decompress whose value is the next argument. */
static const char value_letters[] = "moT";
static const char *const value_names[] = {"model",   "output",   "threads", "cpu",        "mode",    "level",
                                          "comment", "memlimit", "range",   "output-dir", "filelist"};

static char decompress_name[] = "decompress", test_name[] = "test", list_name[] = "list";
static char *const commands[] = {decompress_name, test_name, list_name};
enum { COMMANDS = sizeof commands / sizeof *commands };

static char *command_of_letter(char letter) {
    for (int i = 0; i < COMMANDS; i++)
        if (commands[i][0] == letter)
            return commands[i];
    return NULL;
}

static char *command_of_name(const char *name) {
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i], name) == 0)
            return commands[i];
    return strcmp(name, "uncompress") == 0 ? commands[0] : NULL;
}

static bool takes_next(const char *name) {
    for (size_t i = 0; i < sizeof value_names / sizeof *value_names; i++)
        if (strcmp(value_names[i], name) == 0)
            return true;
    return false;
}

/* Where the arguments that stay go, and the text of the changed ones. */
struct sieve {
    char **argv;
    int kept;
    char *text;
    char *command; /* the one asked for, NULL: none */
};

/* "--decompress", "--level 9", "--level=9" are left out. Returns how many arguments it was. */
static int sift_name(struct sieve *sieve, char **at, int left) {
    const char *name = *at + 2;
    char *command = command_of_name(name);
    int count = takes_next(name) && left > 1 ? 2 : 1;
    bool level = strcmp(name, "level") == 0 || strncmp(name, "level=", 6) == 0;
    if (command)
        sieve->command = command;
    for (int i = 0; i < count && !command && !level; i++)
        sieve->argv[sieve->kept++] = at[i];
    return count;
}

/* "-9dkT4": what stays of a group, up to a letter that takes a value. */
static int sift_letters(struct sieve *sieve, char **at, int left) {
    char *to = sieve->text, *letter = *at + 1;
    int count = 1;
    *to++ = '-';
    for (; *letter; letter++) {
        char *command = command_of_letter(*letter);
        if (strchr(value_letters, *letter)) {
            count = letter[1] == '\0' && left > 1 ? 2 : 1;
            to = stpcpy(to, letter);
            break;
        }
        if (command)
            sieve->command = command;
        else if (!isdigit((unsigned char)*letter))
            *to++ = *letter;
    }
    *to = '\0';
    if (to > sieve->text + 1)
        sieve->argv[sieve->kept++] = sieve->text;
    sieve->text = to + 1;
    if (count == 2)
        sieve->argv[sieve->kept++] = at[1];
    return count;
}

static void sift(struct sieve *sieve, int argc, char **argv) {
    bool ended = false;
    for (int i = 2; i < argc;) {
        char *argument = argv[i];
        ended = ended || strcmp(argument, "--") == 0;
        if (ended || argument[0] != '-' || argument[1] == '\0')
            sieve->argv[sieve->kept++] = argv[i++];
        else if (argument[1] == '-')
            i += sift_name(sieve, argv + i, argc - i);
        else
            i += sift_letters(sieve, argv + i, argc - i);
    }
}

enum status zstd_options_apply(int *argc, char **argv, char **text) {
    size_t capacity = 1;
    *text = NULL;
    if (*argc < 3 || strcmp(argv[1], "compress") != 0)
        return STATUS_OK;
    for (int i = 2; i < *argc; i++)
        capacity += strlen(argv[i]) + 1;
    char **kept = calloc((size_t)*argc + 1, sizeof *kept);
    *text = malloc(capacity);
    if (!kept || !*text) {
        free(kept);
        return fail(STATUS_MEMORY, "no memory for the arguments");
    }
    struct sieve sieve = {.argv = kept, .text = *text};
    sift(&sieve, *argc, argv);
    if (sieve.command) {
        argv[1] = sieve.command;
        memcpy(argv + 2, kept, (size_t)sieve.kept * sizeof *argv);
        *argc = 2 + sieve.kept;
        argv[*argc] = NULL;
    }
    free(kept);
    return STATUS_OK;
}
