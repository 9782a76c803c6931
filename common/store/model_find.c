/* Looking for models: by place and by hash. */
#include "store/model_find.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/place.h"

static const char default_name[] = "default.h5";

/* ---- places ---- */

const char *model_folder(void) {
    const char *chosen = getenv("LACONIC_MODELS");

    if (chosen && *chosen)
        return chosen;
    return place_folder(PLACE_MODELS);
}

static enum status path_in_folder(const char *name, char **path) {
    if (asprintf(path, "%s/%s", model_folder(), name) >= 0)
        return STATUS_OK;
    *path = NULL;
    return fail(STATUS_MEMORY, "no memory for the path of a model");
}

/* *path NULL: there is none. The caller frees it. */
static enum status find_default(char **path) {
    const char *chosen = getenv("LACONIC_MODEL");

    *path = NULL;
    if (chosen && *chosen) {
        *path = strdup(chosen);
        return *path ? STATUS_OK : fail(STATUS_MEMORY, "no memory for the path of a model");
    }
    TRY(path_in_folder(default_name, path));
    if (!file_exists(*path)) {
        free(*path);
        *path = NULL;
    }
    return STATUS_OK;
}

/* ---- the default ---- */

static enum status fail_without_default(void) {
    const char *folder = model_folder();

    return fail(STATUS_USAGE,
                "which model? Give -m MODEL.h5 or set LACONIC_MODEL; there is no default model: %s%s", folder,
                file_exists(folder) ? " holds no default.h5" : " does not exist");
}

enum status model_load_default(struct model_pair *pair, char **path) {
    *pair = (struct model_pair){0};
    TRY(find_default(path));
    if (!*path)
        return fail_without_default();
    enum status status = model_pair_load(*path, pair);
    if (status != STATUS_OK) {
        free(*path);
        *path = NULL;
    }
    return status;
}

/* ---- by hash ---- */

static enum status read_label(const char *path, struct model_label *label) {
    struct h5_file *file = NULL;

    TRY(h5_open(&file, path));
    enum status status = model_label_read(file, label);
    h5_close(file);
    return status;
}

/* Loads the file if it is the model wanted; else the pair stays empty and `given` says what the file is. */
static enum status load_if_wanted(const char *path, const char *wanted, struct model_pair *pair,
                                  char given[MODEL_HASH_TEXT]) {
    struct model_label label;
    uint8_t hash[MODEL_HASH_BYTES];

    TRY(read_label(path, &label));
    memcpy(given, label.hash, MODEL_HASH_TEXT);
    if (label.packed)
        return strcmp(given, wanted) == 0 ? model_pair_load(path, pair) : STATUS_OK;
    TRY(model_pair_load(path, pair)); /* a checkpoint of training does not say */
    model_pair_hash(pair, hash);
    model_hash_format(hash, given);
    if (strcmp(given, wanted) != 0)
        model_pair_free(pair);
    return STATUS_OK;
}

static int is_model_file(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);

    return length > 3 && strcmp(entry->d_name + length - 3, ".h5") == 0;
}

static bool has_label(const char *path, const char *wanted) {
    struct model_label label;

    return read_label(path, &label) == STATUS_OK && strcmp(label.hash, wanted) == 0;
}

/* *path NULL: none in the folder. What cannot be read there is passed over; where nothing better follows, the
 * failure is that of the last file that says it is the one. */
static enum status load_from_folder(const char *wanted, struct model_pair *pair, char **path) {
    struct dirent **entries = NULL;
    enum status status = STATUS_OK;
    int count = scandir(model_folder(), &entries, is_model_file, alphasort);

    *path = NULL;
    for (int i = 0; i < count; i++) {
        char *candidate = NULL;
        if (!*path && status != STATUS_MEMORY)
            status = path_in_folder(entries[i]->d_name, &candidate);
        if (candidate && has_label(candidate, wanted)) {
            status = model_pair_load(candidate, pair);
            if (status == STATUS_OK)
                *path = candidate;
        }
        if (candidate != *path)
            free(candidate);
        free(entries[i]);
    }
    free(entries);
    return status;
}

/* What became of the default when an archive's model was looked for. */
struct tried {
    char *path; /* owned; NULL: there is no default */
    bool readable;
    char hash[MODEL_HASH_TEXT];
    char why[256]; /* unless readable */
};

static enum status fail_not_found(const char *wanted, const struct tried *tried) {
    const char *folder = model_folder();
    char looked[PATH_MAX + 512];

    if (!tried->path)
        snprintf(looked, sizeof looked, "no model was given and there is no default");
    else if (tried->readable)
        snprintf(looked, sizeof looked, "the default model %s is %s", tried->path, tried->hash);
    else
        snprintf(looked, sizeof looked, "the default model cannot be read (%s)", tried->why);
    return fail(STATUS_MISMATCH,
                "the archive was written with model %s; %s, and %s %s; name the model with -m MODEL.h5",
                wanted, looked, folder, file_exists(folder) ? "holds no other that fits" : "does not exist");
}

/* A default that is missing or broken is no reason not to look further; memory that ran out is. */
static enum status try_default(const char *wanted, struct tried *tried, struct model_pair *pair) {
    TRY(find_default(&tried->path));
    if (!tried->path)
        return STATUS_OK;
    enum status status = load_if_wanted(tried->path, wanted, pair, tried->hash);
    tried->readable = status == STATUS_OK;
    if (status == STATUS_OK || status == STATUS_MEMORY)
        return status;
    tried->hash[0] = '\0';
    snprintf(tried->why, sizeof tried->why, "%s", fail_sentence());
    return STATUS_OK;
}

enum status model_load_by_hash(const uint8_t hash[MODEL_HASH_BYTES], struct model_pair *pair, char **path) {
    char wanted[MODEL_HASH_TEXT];
    struct tried tried = {0};

    *pair = (struct model_pair){0};
    *path = NULL;
    model_hash_format(hash, wanted);
    enum status status = try_default(wanted, &tried, pair);
    if (status == STATUS_OK && strcmp(tried.hash, wanted) == 0) {
        *path = tried.path;
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = load_from_folder(wanted, pair, path);
    if (status == STATUS_OK && !*path)
        status = fail_not_found(wanted, &tried);
    free(tried.path);
    return status;
}
