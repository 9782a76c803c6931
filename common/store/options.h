/* Configuration described by tables: one row per option (name, type, range, default, help).
 *
 * A struct of settings has a table of rows; JSON fills it, --set key=value changes it, the same rows print
 * the help and write the JSON back. Nested objects are dotted names: {"reward": {"length": 1}} is
 * reward.length. Unknown keys, wrong types and values out of range are refused by name, with the nearest
 * valid key.
 *
 * Options and values that were renamed are read by their old names too, which are never shown. Whoever wrote
 * one is told the new one, in one line and once:
 *
 *     static struct option_alias aliases[] = {OPTION_RENAMED("target.rate", "target.tau"),
 *                                             OPTION_VALUE_RENAMED("algorithm", "reinforce", "ppo"),
 *                                             OPTION_ALIAS_END};
 *     static const struct option_row rows[] = {..., OPTION_ROW_END(aliases)};
 */
#ifndef LACONIC_STORE_OPTIONS_H
#define LACONIC_STORE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "base/buffer.h"
#include "base/status.h"

enum option_type { OPTION_BOOL, OPTION_INT, OPTION_FLOAT, OPTION_TEXT, OPTION_CHOICE };
enum { OPTION_TEXT_CAPACITY = 4096 }; /* a path fits */

/* When the option may still change, for owners whose settings are those of a run that is stopped and resumed.
 */
enum option_rule {
    OPTION_FREE,  /* at every resume: what follows goes by the new value */
    OPTION_FIRST, /* as long as the first phase is not over, which alone goes by it */
    OPTION_FIXED, /* when the run begins */
    OPTION_MODEL  /* when the models are made: fixed, too, by a model that a run begins with */
};

/* What is called `now` was called `old`: an option, or with `option` one of this option's values. */
struct option_alias {
    const char *option, *old; /* old NULL ends the table */
    const char *now;
    bool said; /* false at first */
};
#define OPTION_RENAMED(old, now)                                                                             \
    { NULL, old, now, false }
#define OPTION_VALUE_RENAMED(option, old, now)                                                               \
    { option, old, now, false }
#define OPTION_ALIAS_END                                                                                     \
    { NULL, NULL, NULL, false }

/* The field at `offset` is bool, int64_t, double, char[OPTION_TEXT_CAPACITY] or, for a choice, int or an
 * enum: the number of the chosen name. */
struct option_row {
    const char *name; /* dotted; NULL ends the table */
    enum option_type type;
    size_t offset;
    enum option_rule rule;
    double minimum, maximum;    /* numbers only */
    const char *default_value;  /* as written after --set */
    const char *const *choices; /* OPTION_CHOICE: NULL-ended list of names */
    const char *help;
    struct option_alias *aliases; /* of the row that ends the table: names of before, or NULL */
};

/* Rows read as sentences with these: OPTION_ROW_INT("seed", struct x, seed, OPTION_FIXED, 0, 1e9, "1", "...")
 */
#define OPTION_ROW_BOOL(name, type, field, rule, value, help)                                                \
    { name, OPTION_BOOL, offsetof(type, field), rule, 0, 1, value, NULL, help, NULL }
#define OPTION_ROW_INT(name, type, field, rule, minimum, maximum, value, help)                               \
    { name, OPTION_INT, offsetof(type, field), rule, minimum, maximum, value, NULL, help, NULL }
#define OPTION_ROW_FLOAT(name, type, field, rule, minimum, maximum, value, help)                             \
    { name, OPTION_FLOAT, offsetof(type, field), rule, minimum, maximum, value, NULL, help, NULL }
#define OPTION_ROW_TEXT(name, type, field, rule, value, help)                                                \
    { name, OPTION_TEXT, offsetof(type, field), rule, 0, 0, value, NULL, help, NULL }
#define OPTION_ROW_CHOICE(name, type, field, rule, choices, value, help)                                     \
    { name, OPTION_CHOICE, offsetof(type, field), rule, 0, 0, value, choices, help, NULL }
#define OPTION_ROW_END(aliases)                                                                              \
    { NULL, OPTION_BOOL, 0, OPTION_FREE, 0, 0, NULL, NULL, NULL, aliases }

void options_defaults(const struct option_row *rows, void *settings);

/* `where` names the source in sentences ("configs/quickstart.json"). Keys starting with "_" are comments.
 * What a program has recorded, text or file, is read without a word on old names: nobody wrote them by hand.
 */
enum status options_read_json(const struct option_row *rows, void *settings, const char *json,
                              const char *where);
enum status options_read_file(const struct option_row *rows, void *settings, const char *path);
enum status options_read_record(const struct option_row *rows, void *settings, const char *path);
/* "key=value" from a command line, so that what is wrong with it is STATUS_USAGE. */
enum status options_set(const struct option_row *rows, void *settings, const char *assignment);

/* One row's value in two settings; and as it is written after --set, the caller frees *text. */
bool options_same(const struct option_row *row, const void *one, const void *other);
enum status options_show(const struct option_row *row, const void *settings, char **text);

/* Nested JSON, keys in table order, ending in a newline. */
enum status options_write_json(const struct option_row *rows, const void *settings, struct buffer *out);
void options_print_help(const struct option_row *rows, FILE *stream);

#endif
