/* What the files of a run say before it goes on, or before another begins with its weights. */
#include "train/run/resume.h"

#include <stdlib.h>
#include "base/buffer.h"
#include "base/file.h"
#include "train/run/changes.h"
#include "train/run/places.h"

/* ---- reading ---- */

static enum status read_settings(struct h5_file *file, struct train_settings *settings) {
    char *json = NULL;
    options_defaults(train_options, settings);
    TRY(h5_get_own_text(file, "", "settings_json", &json));
    enum status status = options_read_json(train_options, settings, json, h5_path(file));
    free(json);
    return status;
}

/* Runs kept the name alone before. */
static enum status read_place(struct h5_file *file, char **path) {
    if (!h5_has_attribute(file, "trainer", "data_path"))
        return STATUS_OK;
    return h5_get_own_text(file, "trainer", "data_path", path);
}

/* What is wrong with a packed model or a stranger's file, checkpoint_load() says. */
static enum status read_record(struct resume *r, struct h5_file *file) {
    TRY(checkpoint_check_resumable(file));
    TRY(model_shapes_read(file, &r->shapes.compressor, &r->shapes.decompressor));
    TRY(read_settings(file, &r->before));
    TRY(places_find_own(&r->before, r->folder));
    TRY(read_place(file, &r->data));
    return checkpoint_read_progress(file, &r->was);
}

enum status resume_open(struct resume *r, const char *folder) {
    char *path = NULL;
    struct h5_file *file = NULL;
    *r = (struct resume){.folder = folder};
    if (asprintf(&path, "%s/checkpoint.h5", folder) < 0)
        return fail(STATUS_MEMORY, "no memory for a file name");
    enum status status = h5_open(&file, path);
    if (status == STATUS_OK)
        status = read_record(r, file);
    h5_close(file);
    free(path);
    return status;
}

void resume_close(struct resume *r) {
    free(r->data);
    *r = (struct resume){0};
}

enum status resume_settings(const struct resume *r, struct train_settings *settings) {
    char *path = NULL;
    enum status status = STATUS_OK;
    if (asprintf(&path, "%s/config.json", r->folder) < 0)
        return fail(STATUS_MEMORY, "no memory for a file name");
    *settings = r->before;
    if (file_exists(path)) {
        options_defaults(train_options, settings);
        status = options_read_record(train_options, settings, path);
        if (status == STATUS_OK)
            status = places_find_own(settings, r->folder);
    }
    if (status == STATUS_OK && r->data && !file_exists(settings->data) && file_exists(r->data))
        snprintf(settings->data, sizeof settings->data, "%s", r->data); /* the run was moved alone */
    free(path);
    return status;
}

/* ---- comparing ---- */

/* As the files of the run have them; the data set is told by its content, not by where it is. */
static enum status canonical(const struct resume *r, const struct train_settings *settings,
                             struct train_settings *stored) {
    *stored = *settings;
    stored->data[0] = '\0';
    struct train_settings without_data = *stored;
    return places_store(stored, &without_data, r->folder);
}

enum status resume_check(const struct resume *r, const struct train_settings *now) {
    struct train_settings before, after;
    TRY(canonical(r, &r->before, &before));
    TRY(canonical(r, now, &after));
    if (!*before.data_hash) /* a run of the time before hashes: the checkpoint holds this one too */
        snprintf(before.data_hash, sizeof before.data_hash, "%s", after.data_hash);
    return changes_check(&r->was, &before, &after);
}

static enum status append_difference(struct buffer *list, const struct option_row *row,
                                     const struct train_settings *given, const struct train_settings *now) {
    char *one = NULL, *other = NULL;
    enum status status = options_show(row, given, &one);
    if (status == STATUS_OK)
        status = options_show(row, now, &other);
    if (status == STATUS_OK)
        status = buffer_printf(list, "%s%s=%s (the run: %s)", list->size ? ", " : "", row->name, one, other);
    free(one);
    free(other);
    return status;
}

enum status resume_compare(const struct resume *r, const char *configuration,
                           const struct train_settings *given, const struct train_settings *now) {
    struct train_settings one, other;
    struct buffer list = {0};
    TRY(canonical(r, given, &one));
    TRY(canonical(r, now, &other));
    enum status status = STATUS_OK;
    for (const struct option_row *row = train_options; status == STATUS_OK && row->name; row++)
        if (!options_same(row, &one, &other))
            status = append_difference(&list, row, &one, &other);
    if (status == STATUS_OK && list.size)
        status = fail(
            STATUS_USAGE,
            "%s is not what the run in %s goes by: %s; leave the file out, and change single options with "
            "--set",
            configuration, r->folder, (const char *)list.data);
    buffer_free(&list);
    return status;
}

enum status resume_record(const struct resume *r, struct trainer *t) {
    struct train_settings before, now;
    TRY(canonical(r, &r->before, &before));
    TRY(canonical(r, &t->settings, &now));
    if (!*before.data_hash)
        snprintf(before.data_hash, sizeof before.data_hash, "%s", now.data_hash);
    return changes_record(t, &before, &now);
}

/* ---- beginning with a model ---- */

/* Of a model without a record, such as a packed one, its merges still tell. */
static enum status check_merges(const struct trainer *t, struct h5_file *file) {
    struct h5_shape shape;
    bool is_float;
    TRY(h5_shape(file, "tokenizer/merges", &shape, &is_float));
    if (t->pair.text_merged || shape.extent[0] == (uint64_t)t->pair.tokenizer.merge_count)
        return STATUS_OK;
    return fail(
        STATUS_CONFIG,
        "ir.merges cannot be %lld: the models of %s were made with %llu, and that stays with them (--set "
        "ir.merges=%llu)",
        (long long)t->settings.ir.merges, h5_path(file), (unsigned long long)shape.extent[0],
        (unsigned long long)shape.extent[0]);
}

static enum status check_fixed(const struct trainer *t, struct h5_file *file) {
    struct train_settings before;
    if (!h5_has_attribute(file, "", "settings_json"))
        return check_merges(t, file);
    TRY(read_settings(file, &before));
    if (t->pair.text_merged) /* merges are the data set's */
        before.ir.merges = t->settings.ir.merges;
    return changes_check_begin(h5_path(file), &before, &t->settings);
}

enum status begin_check(const struct trainer *t, const char *path) {
    struct h5_file *file = NULL;
    struct model_shapes shapes;
    TRY(h5_open(&file, path));
    enum status status = model_shapes_read(file, &shapes.compressor, &shapes.decompressor);
    if (status == STATUS_OK)
        status = checkpoint_check_shapes(file, t, &shapes);
    if (status == STATUS_OK)
        status = check_fixed(t, file);
    h5_close(file);
    return status;
}
