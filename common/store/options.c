/* Settings described by tables of rows: filled from JSON and from key=value, written back, explained. */
#include "store/options.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/suggest.h"
#include "store/json.h"
#include "store/json_check.h"

enum { ROWS_MAXIMUM = 256, NAME_CAPACITY = 128 };

/* ---- rows ---- */

static const struct option_row *find_row(const struct option_row *rows, const char *name) {
    for (; rows->name; rows++) {
        if (strcmp(rows->name, name) == 0)
            return rows;
    }
    return NULL;
}

/* A group that was renamed option by option: the first of those, or NULL. */
static const struct option_alias *find_old_group(const struct option_row *rows, const char *name) {
    size_t length = strlen(name);

    while (rows->name)
        rows++;
    for (const struct option_alias *alias = rows->aliases; alias && alias->old; alias++)
        if (!alias->option && strncmp(alias->old, name, length) == 0 && alias->old[length] == '.')
            return alias;
    return NULL;
}

static enum status fail_unknown(const struct option_row *rows, const char *where, const char *name) {
    const char *names[ROWS_MAXIMUM];
    const struct option_alias *group = find_old_group(rows, name);
    size_t count = 0;

    if (group)
        return fail(STATUS_CONFIG, "%s: there is no key '%s'; its settings are called %.*s.KEY now", where,
                    name, (int)strcspn(group->now, "."), group->now);
    for (; rows->name && count < ROWS_MAXIMUM; rows++)
        names[count++] = rows->name;
    return json_fail_unknown(where, name, names, count);
}

/* The present name of what was called `old`: an option (of NULL), or a value of the option `of`. */
static struct option_alias *find_alias(const struct option_row *rows, const char *of, const char *old) {
    while (rows->name)
        rows++;
    for (struct option_alias *alias = rows->aliases; alias && alias->old; alias++) {
        bool same_kind = of && alias->option ? strcmp(alias->option, of) == 0 : of == alias->option;
        if (same_kind && strcmp(alias->old, old) == 0)
            return alias;
    }
    return NULL;
}

static void *field(const struct option_row *row, void *settings) {
    return (char *)settings + row->offset;
}

/* "a whole number from 1 to 64", "true or false", "one of bytes, merged" */
static void describe_type(const struct option_row *row, char *text, size_t capacity) {
    size_t used;

    switch (row->type) {
    case OPTION_BOOL:
        snprintf(text, capacity, "true or false");
        break;
    case OPTION_INT:
    case OPTION_FLOAT:
        snprintf(text, capacity, "%s from %.10g to %.10g",
                 row->type == OPTION_INT ? "a whole number" : "a number", row->minimum, row->maximum);
        break;
    case OPTION_TEXT:
        snprintf(text, capacity, "a text");
        break;
    case OPTION_CHOICE:
        used = (size_t)snprintf(text, capacity, "one of ");
        for (const char *const *choice = row->choices; *choice && used < capacity; choice++)
            used += (size_t)snprintf(text + used, capacity - used, "%s%s", choice == row->choices ? "" : ", ",
                                     *choice);
        break;
    }
}

static enum status fail_value(const struct option_row *row, const char *where, const char *value) {
    char wanted[512];

    describe_type(row, wanted, sizeof wanted);
    return fail(STATUS_CONFIG, "%s: %s must be %s, not %s", where, row->name, wanted, value);
}

/* ---- storing one value ---- */

static enum status store_number(const struct option_row *row, void *settings, double value,
                                const char *where) {
    char text[48];
    bool fits = value >= row->minimum && value <= row->maximum; /* false for not-a-number */

    if (!fits || (row->type == OPTION_INT && !json_is_whole(value))) {
        snprintf(text, sizeof text, "%.10g", value);
        return fail_value(row, where, text);
    }
    if (row->type == OPTION_INT)
        *(int64_t *)field(row, settings) = (int64_t)value;
    else
        *(double *)field(row, settings) = value;
    return STATUS_OK;
}

static enum status fail_choice(const struct option_row *row, const char *value, const char *where) {
    char wanted[512];
    size_t count = 0;

    while (row->choices[count])
        count++;
    const char *nearest = suggest_nearest(value, row->choices, count);
    describe_type(row, wanted, sizeof wanted);
    if (nearest)
        return fail(STATUS_CONFIG, "%s: %s must be %s, not '%s'; did you mean '%s'?", where, row->name,
                    wanted, value, nearest);
    return fail(STATUS_CONFIG, "%s: %s must be %s, not '%s'", where, row->name, wanted, value);
}

static enum status store_text(const struct option_row *row, void *settings, const char *value,
                              const char *where) {
    if (strlen(value) >= OPTION_TEXT_CAPACITY)
        return fail(STATUS_CONFIG, "%s: %s is a text of %zu bytes; at most %d fit", where, row->name,
                    strlen(value), OPTION_TEXT_CAPACITY - 1);
    if (!json_is_utf8(value))
        return fail(STATUS_CONFIG, "%s: %s is no UTF-8 text, so that no JSON file could hold it", where,
                    row->name);
    snprintf(field(row, settings), OPTION_TEXT_CAPACITY, "%s", value);
    return STATUS_OK;
}

static enum status store_choice(const struct option_row *row, void *settings, const char *value,
                                const char *where) {
    for (int i = 0; row->choices[i]; i++)
        if (strcmp(row->choices[i], value) == 0) {
            *(int *)field(row, settings) = i;
            return STATUS_OK;
        }
    return fail_choice(row, value, where);
}

static enum status store_string(const struct option_row *row, void *settings, const char *value,
                                const char *where) {
    return row->type == OPTION_TEXT ? store_text(row, settings, value, where)
                                    : store_choice(row, settings, value, where);
}

/* From the text after --set KEY=. */
static enum status store_written(const struct option_row *row, void *settings, const char *text,
                                 const char *where) {
    double number;

    switch (row->type) {
    case OPTION_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return fail_value(row, where, *text ? text : "nothing");
        *(bool *)field(row, settings) = text[0] == 't';
        return STATUS_OK;
    case OPTION_INT:
    case OPTION_FLOAT:
        if (!number_read(text, &number))
            return fail_value(row, where, *text ? text : "nothing");
        return store_number(row, settings, number, where);
    case OPTION_TEXT:
    case OPTION_CHOICE:
        return store_string(row, settings, text, where);
    }
    return STATUS_OK;
}

/* All but strings. */
static enum status store_json(const struct option_row *row, void *settings, const cJSON *value,
                              const char *where) {
    if (row->type == OPTION_BOOL && cJSON_IsBool(value)) {
        *(bool *)field(row, settings) = cJSON_IsTrue(value);
        return STATUS_OK;
    }
    if ((row->type == OPTION_INT || row->type == OPTION_FLOAT) && cJSON_IsNumber(value))
        return store_number(row, settings, value->valuedouble, where);
    return fail_value(row, where, json_show(value).text);
}

/* ---- filling settings ---- */

void options_defaults(const struct option_row *rows, void *settings) {
    for (; rows->name; rows++) {
        enum status status = store_written(rows, settings, rows->default_value, "default");
        assert(status == STATUS_OK && "a row's default must be valid");
        (void)status;
    }
}

/* Where settings come from, which may be a walk over nested objects. */
struct reader {
    const struct option_row *rows;
    void *settings;
    const char *where;
    bool is_record;                 /* a program wrote it */
    const char *seen[ROWS_MAXIMUM]; /* by which name, or NULL */
};

static const char *say_alias(const struct reader *reader, struct option_alias *alias) {
    if (!alias->said && !reader->is_record)
        log_info("%s: %s%s%s is called %s now", reader->where, alias->option ? alias->option : "the option",
                 alias->option ? "=" : " ", alias->old, alias->now);
    alias->said = alias->said || !reader->is_record;
    return alias->now;
}

/* By its name, or by one that it had before; *called is the table's spelling of it. */
static const struct option_row *read_name(const struct reader *reader, const char *name,
                                          const char **called) {
    const struct option_row *row = find_row(reader->rows, name);
    struct option_alias *alias = row ? NULL : find_alias(reader->rows, NULL, name);

    *called = row ? row->name : alias ? alias->old : NULL;
    return alias ? find_row(reader->rows, say_alias(reader, alias)) : row;
}

static const char *read_value(const struct reader *reader, const struct option_row *row, const char *value) {
    struct option_alias *alias = row->choices ? find_alias(reader->rows, row->name, value) : NULL;

    return alias ? say_alias(reader, alias) : value;
}

static bool is_group(const struct option_row *rows, const char *name) {
    size_t length = strlen(name);

    for (; rows->name; rows++) {
        if (strncmp(rows->name, name, length) == 0 && rows->name[length] == '.')
            return true;
    }
    return false;
}

static enum status read_object(struct reader *reader, const cJSON *object, const char *prefix);

static enum status fail_twice(const struct reader *reader, const struct option_row *row, const char *one,
                              const char *other) {
    if (strcmp(one, other) == 0)
        return fail(STATUS_CONFIG, "%s: %s is given twice; keep one", reader->where, one);
    return fail(STATUS_CONFIG, "%s: %s and %s are one option, which is given twice; keep %s", reader->where,
                one, other, row->name);
}

static enum status read_member(struct reader *reader, const cJSON *member, const char *name) {
    const char *called;
    const struct option_row *row = read_name(reader, name, &called);

    if (!row && cJSON_IsObject(member) && (is_group(reader->rows, name) || member->child))
        return read_object(reader, member, name);
    if (!row && is_group(reader->rows, name))
        return fail(STATUS_CONFIG, "%s: %s must be an object of settings, not %s", reader->where, name,
                    json_show(member).text);
    if (!row)
        return fail_unknown(reader->rows, reader->where, name);
    const char **seen = &reader->seen[row - reader->rows];
    if (*seen)
        return fail_twice(reader, row, *seen, called);
    *seen = called;
    if ((row->type == OPTION_TEXT || row->type == OPTION_CHOICE) && cJSON_IsString(member))
        return store_string(row, reader->settings, read_value(reader, row, member->valuestring),
                            reader->where);
    return store_json(row, reader->settings, member, reader->where);
}

static enum status read_object(struct reader *reader, const cJSON *object, const char *prefix) {
    char name[NAME_CAPACITY];
    const cJSON *member;

    cJSON_ArrayForEach(member, object) {
        if (member->string[0] == '_')
            continue;
        int length = snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", member->string);
        if (length < 0 || (size_t)length >= sizeof name)
            return fail(STATUS_CONFIG, "%s: the key '%.40s...' is too long to be one of ours", reader->where,
                        name);
        TRY(read_member(reader, member, name));
    }
    return STATUS_OK;
}

static enum status read_text(struct reader *reader, const char *json, size_t size) {
    cJSON *root;

    TRY(json_parse_object(json, size, reader->where, &root));
    enum status status = read_object(reader, root, "");
    cJSON_Delete(root);
    return status;
}

enum status options_read_json(const struct option_row *rows, void *settings, const char *json,
                              const char *where) {
    struct reader reader = {.rows = rows, .settings = settings, .where = where, .is_record = true};

    return read_text(&reader, json, strlen(json));
}

static enum status read_file(struct reader *reader) {
    struct buffer text = {0};
    enum status status = file_read(reader->where, &text);

    if (status == STATUS_OK)
        status = read_text(reader, (const char *)text.data, text.size);
    buffer_free(&text);
    return status;
}

enum status options_read_file(const struct option_row *rows, void *settings, const char *path) {
    return read_file(&(struct reader){.rows = rows, .settings = settings, .where = path});
}

enum status options_read_record(const struct option_row *rows, void *settings, const char *path) {
    return read_file(&(struct reader){.rows = rows, .settings = settings, .where = path, .is_record = true});
}

static enum status set_one(const struct option_row *rows, void *settings, const char *assignment) {
    struct reader reader = {.rows = rows, .settings = settings, .where = "--set"};
    char name[NAME_CAPACITY];
    const char *equals = strchr(assignment, '='), *called;

    if (!equals || equals == assignment)
        return fail(STATUS_USAGE, "--set needs KEY=VALUE, not '%s'", assignment);
    snprintf(name, sizeof name, "%.*s",
             (int)(equals - assignment < NAME_CAPACITY ? equals - assignment : NAME_CAPACITY), assignment);
    const struct option_row *row = read_name(&reader, name, &called);
    if (!row && is_group(rows, name))
        return fail(STATUS_CONFIG, "--set: %s is a group of settings; set them one by one, %s.KEY=VALUE",
                    name, name);
    if (!row)
        return fail_unknown(rows, "--set", name);
    return store_written(row, settings, read_value(&reader, row, equals + 1), reader.where);
}

enum status options_set(const struct option_row *rows, void *settings, const char *assignment) {
    enum status status = set_one(rows, settings, assignment);

    return status == STATUS_CONFIG ? STATUS_USAGE : status;
}

/* ---- values told apart and shown ---- */

static const void *value_of(const struct option_row *row, const void *settings) {
    return (const char *)settings + row->offset;
}

bool options_same(const struct option_row *row, const void *one, const void *other) {
    const void *a = value_of(row, one), *b = value_of(row, other);

    switch (row->type) {
    case OPTION_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case OPTION_INT:
        return *(const int64_t *)a == *(const int64_t *)b;
    case OPTION_FLOAT:
        return *(const double *)a == *(const double *)b;
    case OPTION_TEXT:
        return strcmp(a, b) == 0;
    case OPTION_CHOICE:
        return *(const int *)a == *(const int *)b;
    }
    return false;
}

enum status options_show(const struct option_row *row, const void *settings, char **text) {
    const void *value = value_of(row, settings);
    int length = -1;

    *text = NULL;
    switch (row->type) {
    case OPTION_BOOL:
        length = asprintf(text, "%s", *(const bool *)value ? "true" : "false");
        break;
    case OPTION_INT:
        length = asprintf(text, "%" PRId64, *(const int64_t *)value);
        break;
    case OPTION_FLOAT:
        length = asprintf(text, "%s", json_show_number(*(const double *)value).text);
        break;
    case OPTION_TEXT:
        length = asprintf(text, "%s", (const char *)value);
        break;
    case OPTION_CHOICE:
        length = asprintf(text, "%s", row->choices[*(const int *)value]);
        break;
    }
    if (length >= 0)
        return STATUS_OK;
    *text = NULL; /* undefined after a failure */
    return fail(STATUS_MEMORY, "cannot show the value of %s: memory ran out", row->name);
}

/* ---- writing ---- */

/* The object that holds the row's last name, made on the way; *last is that name. */
static cJSON *enter_groups(cJSON *root, const char *name, const char **last) {
    char group[NAME_CAPACITY];
    const char *dot;

    while (root && (dot = strchr(name, '.'))) {
        snprintf(group, sizeof group, "%.*s", (int)(dot - name), name);
        cJSON *inner = cJSON_GetObjectItemCaseSensitive(root, group);
        root = inner ? inner : cJSON_AddObjectToObject(root, group);
        name = dot + 1;
    }
    *last = name;
    return root;
}

static bool add_row(cJSON *root, const struct option_row *row, const void *settings) {
    const void *value = value_of(row, settings);
    const char *name;
    cJSON *object = enter_groups(root, row->name, &name);

    if (!object)
        return false;
    switch (row->type) {
    case OPTION_BOOL:
        return cJSON_AddBoolToObject(object, name, *(const bool *)value);
    case OPTION_INT:
        return cJSON_AddNumberToObject(object, name, (double)*(const int64_t *)value);
    case OPTION_FLOAT:
        return cJSON_AddNumberToObject(object, name, *(const double *)value);
    case OPTION_TEXT:
        return cJSON_AddStringToObject(object, name, value);
    case OPTION_CHOICE:
        return cJSON_AddStringToObject(object, name, row->choices[*(const int *)value]);
    }
    return false;
}

/* A file's name may hold any bytes; JSON holds UTF-8. */
static enum status check_texts(const struct option_row *rows, const void *settings) {
    for (; rows->name; rows++)
        if (rows->type == OPTION_TEXT && !json_is_utf8(value_of(rows, settings)))
            return fail(STATUS_CONFIG,
                        "%s is no UTF-8 text, so that no JSON file could hold it; rename the file",
                        rows->name);
    return STATUS_OK;
}

enum status options_write_json(const struct option_row *rows, const void *settings, struct buffer *out) {
    TRY(check_texts(rows, settings));
    cJSON *root = cJSON_CreateObject();
    bool built = root != NULL;

    for (; built && rows->name; rows++)
        built = add_row(root, rows, settings);
    enum status status =
        built ? json_write(root, out) : fail(STATUS_MEMORY, "cannot write the settings: memory ran out");
    cJSON_Delete(root);
    return status;
}

static const char *const rule_words[] = {[OPTION_FREE] = "",
                                         [OPTION_FIRST] = "; of the supervised warm start",
                                         [OPTION_FIXED] = "; fixed when a run begins",
                                         [OPTION_MODEL] = "; fixed with the models"};

void options_print_help(const struct option_row *rows, FILE *stream) {
    char wanted[512];

    for (; rows->name; rows++) {
        describe_type(rows, wanted, sizeof wanted);
        fprintf(stream, "  %s=%s\n      %s (%s%s)\n", rows->name, rows->default_value, rows->help, wanted,
                rule_words[rows->rule]);
    }
}
