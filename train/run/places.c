/* Names of files, for the process and for the files of a run. */
#include "train/run/places.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"

static bool ends_in_json(const char *name) {
    size_t length = strlen(name);
    return length > 5 && strcmp(name + length - 5, ".json") == 0;
}

/* The settings that name files. A model is one only with a slash or ".json" in its name, as
 * t5_config_by_name() has it. */
enum { PLACES = 3 };
struct place {
    const char *key;
    char *name;
    bool is_file;
};

static void list_places(struct train_settings *s, struct place list[PLACES]) {
    list[0] = (struct place){"data", s->data, *s->data != '\0'};
    list[1] = (struct place){"model", s->model, strchr(s->model, '/') || ends_in_json(s->model)};
    list[2] = (struct place){"decompressor_model", s->decompressor_model,
                             strchr(s->decompressor_model, '/') || ends_in_json(s->decompressor_model)};
}

static enum status set_name(const struct place *place, const char *name) {
    if (strlen(name) >= OPTION_TEXT_CAPACITY)
        return fail(STATUS_CONFIG, "%s: %s is too long a name; at most %d bytes fit", place->key, name,
                    OPTION_TEXT_CAPACITY - 1);
    memmove(place->name, name, strlen(name) + 1);
    return STATUS_OK;
}

/* ---- finding ---- */

enum { TYPED_FIRST, BESIDE_FIRST };

/* `folder` ends in a slash or is empty. */
static enum status find(const struct place *place, const char *folder, int preference) {
    char beside[2 * PATH_MAX];
    bool typed = file_exists(place->name);

    if (!place->is_file || place->name[0] == '/' || (typed && preference == TYPED_FIRST))
        return STATUS_OK;
    snprintf(beside, sizeof beside, "%s%s", folder, place->name);
    if (file_exists(beside) || (!typed && preference == BESIDE_FIRST))
        return set_name(place, beside);
    return STATUS_OK;
}

static enum status find_all(struct train_settings *settings, const char *folder, int preference) {
    struct place places[PLACES];

    list_places(settings, places);
    for (int i = 0; i < PLACES; i++)
        TRY(find(&places[i], folder, preference));
    return STATUS_OK;
}

enum status places_find(struct train_settings *settings, const char *configuration) {
    char folder[PATH_MAX];
    const char *slash = strrchr(configuration, '/');

    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash + 1 - configuration) : 0, configuration);
    return find_all(settings, folder, TYPED_FIRST);
}

enum status places_find_own(struct train_settings *settings, const char *folder) {
    char with_slash[PATH_MAX];

    snprintf(with_slash, sizeof with_slash, "%s/", folder);
    return find_all(settings, with_slash, BESIDE_FIRST);
}

/* ---- storing ---- */

/* The folder's own name without links or dots, then the file's last name: a link to a data set stays one. */
enum status places_absolute(const char *name, char **path) {
    const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name;
    char folder[PATH_MAX], *real = NULL;

    *path = NULL;
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(last - name) : 1, slash ? name : ".");
    real = realpath(folder, NULL);
    if (!real)
        return fail(STATUS_IO, "cannot find the folder of %s: %s", name, strerror(errno));
    int length = asprintf(path, "%s/%s", strcmp(real, "/") == 0 ? "" : real, last);
    free(real);
    if (length >= 0)
        return STATUS_OK;
    *path = NULL;
    return fail(STATUS_MEMORY, "no memory for a file name");
}

/* From the folder `from` to the file `to`, both from the root and without links or dots. */
static void relate(const char *from, const char *to, char *name, size_t capacity) {
    size_t common = 0, used = 0;

    if (strcmp(from, "/") == 0)
        from = "";
    for (size_t i = 0; from[i] == to[i] || (from[i] == '\0' && to[i] == '/'); i++) {
        if (to[i] == '/')
            common = i;
        if (from[i] == '\0')
            break;
    }
    name[0] = '\0';
    for (const char *rest = from + common; *rest && used < capacity;
         rest++) /* a ".." for each folder to leave */
        if (*rest == '/')
            used += (size_t)snprintf(name + used, capacity - used, "../");
    if (used < capacity)
        snprintf(name + used, capacity - used, "%s", to + common + 1);
}

static enum status store(const struct place *place, const char *folder) {
    size_t length = strlen(folder);
    char name[4 * PATH_MAX], *from = NULL, *to = NULL;

    if (!place->is_file)
        return STATUS_OK;
    if (strncmp(place->name, folder, length) == 0 && place->name[length] == '/') /* as it was found there */
        return set_name(place, place->name + length + 1);
    enum status status = places_absolute(place->name, &to);
    if (status == STATUS_OK && !(from = realpath(folder, NULL)))
        status = fail(STATUS_IO, "cannot find the folder %s: %s", folder, strerror(errno));
    if (status == STATUS_OK) {
        relate(from, to, name, sizeof name);
        status = set_name(place, name);
    }
    free(from);
    free(to);
    return status == STATUS_OK ? status : fail_context(status, "%s", place->key);
}

enum status places_store(struct train_settings *stored, const struct train_settings *settings,
                         const char *folder) {
    struct place places[PLACES];

    *stored = *settings;
    list_places(stored, places);
    for (int i = 0; i < PLACES; i++)
        TRY(store(&places[i], folder));
    return STATUS_OK;
}
