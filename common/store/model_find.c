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

/* *path NULL: none in the folder. Files that cannot be read there are passed over. */
static enum status find_in_folder(const char *wanted, char **path) {
    struct dirent **entries = NULL;
    enum status status = STATUS_OK;
    int count = scandir(model_folder(), &entries, is_model_file, alphasort);

    *path = NULL;
    for (int i = 0; i < count; i++) {
        char *candidate = NULL;
        if (status == STATUS_OK && !*path)
            status = path_in_folder(entries[i]->d_name, &candidate);
        if (candidate && has_label(candidate, wanted))
            *path = candidate;
        else
            free(candidate);
        free(entries[i]);
    }
    free(entries);
    return status;
}

/* `given` is the default's hash; tried NULL: there is no default. */
static enum status fail_not_found(const char *wanted, const char *tried, const char *given) {
    const char *folder = model_folder();
    char looked[PATH_MAX + 128];

    if (tried)
        snprintf(looked, sizeof looked, "the default model %s is %s", tried, given);
    else
        snprintf(looked, sizeof looked, "no model was given and there is no default");
    return fail(STATUS_MISMATCH,
                "the archive was written with model %s; %s, and %s %s; name the model with -m MODEL.h5",
                wanted, looked, folder, file_exists(folder) ? "holds no other that fits" : "does not exist");
}

enum status model_load_by_hash(const uint8_t hash[MODEL_HASH_BYTES], struct model_pair *pair, char **path) {
    char wanted[MODEL_HASH_TEXT], given[MODEL_HASH_TEXT] = "", *tried = NULL;

    *pair = (struct model_pair){0};
    model_hash_format(hash, wanted);
    TRY(find_default(path));
    tried = *path;
    enum status status = tried ? load_if_wanted(tried, wanted, pair, given) : STATUS_OK;
    if (status == STATUS_OK && strcmp(given, wanted) == 0)
        return STATUS_OK;
    *path = NULL;
    if (status == STATUS_OK)
        status = find_in_folder(wanted, path);
    if (status == STATUS_OK)
        status = *path ? model_pair_load(*path, pair) : fail_not_found(wanted, tried, given);
    free(tried);
    if (status != STATUS_OK) {
        free(*path);
        *path = NULL;
    }
    return status;
}
