/* Changes of settings between the stop of a run and its going on. */
#include "train/run/changes.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/json_text.h"
#include "base/log.h"
#include "train/run/places.h"

/* An option's value before and now, as written after --set. */
struct change {
    char *before, *now;
};

static void change_free(struct change *change) {
    free(change->before);
    free(change->now);
}

static enum status change_show(struct change *change, const struct option_row *row,
                               const struct train_settings *before, const struct train_settings *now) {
    *change = (struct change){0};
    enum status status = options_show(row, before, &change->before);
    return status == STATUS_OK ? options_show(row, now, &change->now) : status;
}

/* "nothing" for an empty text. */
static const char *word_for(const char *value) {
    return *value ? value : "nothing";
}

/* ---- rules ---- */

static bool first_phase_is_over(const struct trainer *was, const struct train_settings *settings) {
    struct trainer then = {.settings = *settings, .phase = PHASE_SUPERVISED};
    memcpy(then.steps, was->steps, sizeof then.steps);
    memcpy(then.seconds, was->seconds, sizeof then.seconds);
    return trainer_progress(&then) >= 1;
}

static enum status refuse(const struct option_row *row, const struct change *change) {
    const char *before = word_for(change->before), *now = word_for(change->now);
    if (row->rule == OPTION_FIRST)
        return fail(STATUS_CONFIG,
                    "%s cannot change from %s to %s: only the supervised warm start goes by it, which is "
                    "over in this run",
                    row->name, before, now);
    return fail(STATUS_CONFIG,
                "%s cannot change from %s to %s: it is fixed when %s; begin a new run for that", row->name,
                before, now, row->rule == OPTION_MODEL ? "the models are made" : "a run begins");
}

static enum status check_row(const struct option_row *row, bool first_is_over,
                             const struct train_settings *before, const struct train_settings *now) {
    struct change change;
    if (row->rule == OPTION_FREE || (row->rule == OPTION_FIRST && !first_is_over) ||
        options_same(row, before, now))
        return STATUS_OK;
    enum status status = change_show(&change, row, before, now);
    if (status == STATUS_OK)
        status = refuse(row, &change);
    change_free(&change);
    return status;
}

enum status changes_check(const struct trainer *was, const struct train_settings *before,
                          const struct train_settings *now) {
    /* a phase that the change ends, or takes up again, goes by the change */
    bool over = first_phase_is_over(was, before) && first_phase_is_over(was, now);
    for (const struct option_row *row = train_options; row->name; row++)
        TRY(check_row(row, over, before, now));
    return STATUS_OK;
}

/* ---- beginning with a model ---- */

/* Of the models themselves their shapes are compared, not their names. */
static bool is_name_of_model(const struct option_row *row) {
    return row->type == OPTION_TEXT;
}

enum status changes_check_begin(const char *path, const struct train_settings *before,
                                const struct train_settings *now) {
    for (const struct option_row *row = train_options; row->name; row++) {
        struct change change;
        if (row->rule != OPTION_MODEL || is_name_of_model(row) || options_same(row, before, now))
            continue;
        enum status status = change_show(&change, row, before, now);
        if (status == STATUS_OK)
            status = fail(
                STATUS_CONFIG,
                "%s cannot be %s: the models of %s were made with %s, and that stays with them (--set "
                "%s=%s)",
                row->name, word_for(change.now), path, word_for(change.before), row->name, change.before);
        change_free(&change);
        return status;
    }
    return STATUS_OK;
}

/* ---- the list ---- */

static enum status append_change(struct trainer *t, const struct option_row *row,
                                 const struct change *change) {
    enum phase phase = t->phase < PHASE_COUNT ? t->phase : PHASE_RL;
    long long step = (long long)t->steps[phase];
    struct buffer *out = &t->changes;
    log_info("%s is %s from step %lld of the %s on; it was %s", row->name, word_for(change->now), step,
             phase_name(phase), word_for(change->before));
    TRY(buffer_printf(out, "{\"phase\": \"%s\", \"step\": %lld, \"option\": \"%s\", \"from\": ",
                      phase_key(phase), step, row->name));
    TRY(json_text_append(out, change->before));
    TRY(buffer_printf(out, ", \"to\": "));
    TRY(json_text_append(out, change->now));
    return buffer_printf(out, "}\n");
}

enum status changes_record(struct trainer *t, const struct train_settings *before,
                           const struct train_settings *now) {
    for (const struct option_row *row = train_options; row->name; row++) {
        struct change change;
        if (options_same(row, before, now))
            continue;
        enum status status = change_show(&change, row, before, now);
        if (status == STATUS_OK)
            status = append_change(t, row, &change);
        change_free(&change);
        TRY(status);
    }
    if (before->checkpoint.best != now->checkpoint.best)
        t->best = INFINITY; /* the best so far is a value of another figure */
    return STATUS_OK;
}

enum status changes_write(struct h5_file *file, const char *name, const struct buffer *changes) {
    struct h5_shape shape = {1, {changes->size}};
    return changes->size ? h5_write(file, name, H5_U8, &shape, changes->data) : STATUS_OK;
}

enum status changes_read(struct h5_file *file, const char *name, struct buffer *changes) {
    enum { BYTES_MAXIMUM = 1 << 24 };
    struct h5_shape shape;
    void *text = NULL;
    if (!h5_has(file, name))
        return STATUS_OK;
    TRY(h5_read_alloc(file, name, H5_U8, &shape, BYTES_MAXIMUM, &text));
    changes->size = 0;
    enum status status = buffer_append(changes, text, (size_t)shape.extent[0]);
    free(text);
    return status;
}

/* Before the brace that ends `json`. */
static enum status append_list(struct buffer *json, const struct buffer *changes) {
    const char *line = (const char *)changes->data, *end = line + changes->size, *separator = "";
    while (json->size && json->data[json->size - 1] != '}')
        json->size--;
    json->size -= 2; /* the brace and the line's end before it */
    TRY(buffer_printf(json, ",\n  \"_changes\": ["));
    for (const char *newline; line < end && (newline = memchr(line, '\n', (size_t)(end - line)));
         line = newline + 1, separator = ",")
        TRY(buffer_printf(json, "%s\n    %.*s", separator, (int)(newline - line), line));
    return buffer_printf(json, "\n  ]\n}\n");
}

static enum status format_config(const struct trainer *t, struct buffer *json) {
    struct train_settings stored;
    TRY(places_store(&stored, &t->settings, t->folder));
    TRY(options_write_json(train_options, &stored, json));
    return t->changes.size ? append_list(json, &t->changes) : STATUS_OK;
}

enum status changes_write_config(const struct trainer *t) {
    struct buffer json = {0};
    struct file_writer writer = {0};
    char *path = NULL;
    if (asprintf(&path, "%s/config.json", t->folder) < 0)
        return fail(STATUS_MEMORY, "no memory for a file name");
    enum status status = format_config(t, &json);
    if (status == STATUS_OK)
        status = file_writer_open(&writer, path);
    if (status == STATUS_OK) {
        fwrite(json.data, 1, json.size, writer.stream);
        status = file_writer_commit(&writer);
    }
    buffer_free(&json);
    free(path);
    return status;
}
