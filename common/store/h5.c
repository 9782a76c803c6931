/* HDF5 files: open, create, commit, find. Arrays are in h5_array.c, attributes in h5_attribute.c. */
#include "store/h5.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/plain_file.h"
#include "store/h5_internal.h"

enum { REASON_CAPACITY = 256, DEPTH_MAXIMUM = 32, OBJECTS_MAXIMUM = 1000000, OPENING_MEMORY = 8 << 20 };

/* ---- failures ---- */

/* The library keeps a stack of errors; the innermost names the cause. System errors hide in its middle. */
static herr_t keep_reason(unsigned n, const H5E_error2_t *error, void *context) {
    char *reason = context;
    const char *message = error->desc ? strstr(error->desc, "error message = '") : NULL;

    if (n > 0 || !error->desc)
        return 0;
    if (message) {
        message += strlen("error message = '");
        snprintf(reason, REASON_CAPACITY, "%.*s", (int)strcspn(message, "'"), message);
    } else {
        snprintf(reason, REASON_CAPACITY, "%s", error->desc);
    }
    return 0;
}

enum status h5_check_disk(const struct h5_file *file) {
    if (file->disk.write_error)
        return file_fail_write(file->path, file->disk.write_error);
    if (file->disk.read_error)
        return fail(STATUS_IO, "cannot read %s: %s; see whether its disk is well", file->path,
                    strerror(file->disk.read_error));
    return STATUS_OK;
}

enum status h5_fail(const struct h5_file *file, const char *format, ...) {
    char reason[REASON_CAPACITY] = "", sentence[512];
    va_list arguments;

    TRY(h5_check_disk(file)); /* what came of that is no news */
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_reason, reason);
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return fail(file->writing ? STATUS_IO : STATUS_FORMAT, "%s: %s%s%s", file->path, sentence,
                reason[0] ? ": " : "", reason);
}

/* No error dumps on stderr, and no code loaded because a file asks for a filter plug-in. */
static void tame_library(void) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
}

/* ---- files ---- */

/* The library crashes where memory runs out while it opens a file: it is asked only when there is plenty. */
static bool has_room(void) {
    void *memory = malloc(OPENING_MEMORY);
    free(memory);
    return memory;
}

static enum status new_file(struct h5_file **file, const char *path, bool writing) {
    *file = has_room() ? calloc(1, sizeof **file) : NULL;
    if (*file)
        (*file)->path = strdup(path);
    if (!*file || !(*file)->path) {
        free(*file);
        *file = NULL;
        return fail(STATUS_MEMORY, "cannot open %s: memory ran out", path);
    }
    (*file)->id = H5I_INVALID_HID;
    (*file)->disk.descriptor = -1;
    (*file)->writing = writing;
    tame_library();
    return STATUS_OK;
}

/* The layout of HDF5 1.8: since then the library keeps checksums over its own structures, and damage there is
 * found where older layouts lead it astray. No times, so that equal contents are equal bytes. */
static enum status create_in_temporary(struct h5_file *file, H5F_libver_t layout) {
    hid_t creation = H5Pcreate(H5P_FILE_CREATE), access = h5_disk_access(&file->disk);
    enum status status = STATUS_OK;

    if (creation >= 0 && access >= 0 && H5Pset_obj_track_times(creation, false) >= 0 &&
        H5Pset_libver_bounds(access, layout, layout) >= 0)
        file->id = H5Fcreate(file->temporary, H5F_ACC_TRUNC, creation, access);
    if (file->id < 0)
        status = h5_fail(file, "cannot create the file");
    if (access >= 0)
        H5Pclose(access);
    if (creation >= 0)
        H5Pclose(creation);
    return status;
}

static enum status create(struct h5_file **file, const char *path, H5F_libver_t layout) {
    enum status status;

    TRY(new_file(file, path, true));
    status = file_temporary_name(path, &(*file)->temporary);
    if (status != STATUS_OK)
        goto close;
    (*file)->disk.descriptor = open((*file)->temporary, O_RDWR | O_CLOEXEC);
    if ((*file)->disk.descriptor < 0) {
        status = file_fail_write(path, errno);
        goto close;
    }
    status = create_in_temporary(*file, layout);
    if (status == STATUS_OK)
        return STATUS_OK;
close:
    h5_close(*file);
    *file = NULL;
    return status;
}

enum status h5_create(struct h5_file **file, const char *path) {
    return create(file, path, H5F_LIBVER_V18);
}

enum status h5_create_small(struct h5_file **file, const char *path) {
    return create(file, path, H5F_LIBVER_V110);
}

static enum status open_opened(struct h5_file *file) {
    hid_t access = h5_disk_access(&file->disk);
    enum status status = STATUS_OK;

    if (access >= 0)
        file->id = H5Fopen(file->path, H5F_ACC_RDONLY, access);
    if (file->id < 0)
        status = h5_fail(file, "the file is damaged or truncated");
    if (access >= 0)
        H5Pclose(access);
    return status;
}

enum status h5_open(struct h5_file **file, const char *path) {
    enum status status;

    TRY(new_file(file, path, false));
    status = plain_file_open(path, &(*file)->disk.descriptor);
    if (status != STATUS_OK)
        goto close;
    if (!h5_disk_has_signature(&(*file)->disk)) {
        status = h5_check_disk(*file);
        if (status == STATUS_OK)
            status = fail(STATUS_FORMAT, "%s is not an HDF5 file; check the name", path);
        goto close;
    }
    status = open_opened(*file);
    if (status == STATUS_OK)
        return STATUS_OK;
close:
    h5_close(*file);
    *file = NULL;
    return status;
}

/* Where HDF5 does not let go, it keeps the file's disk: then that must stay where it is. */
static bool close_id(struct h5_file *file) {
    bool closed = H5Fclose(file->id) >= 0;

    file->id = H5I_INVALID_HID;
    file->is_held = !closed;
    return closed;
}

static void close_descriptor(struct h5_file *file, enum status *status) {
    if (close(file->disk.descriptor) != 0 && file->writing && *status == STATUS_OK)
        *status = file_fail_write(file->path, errno);
    file->disk.descriptor = -1;
}

/* What was written is on the disk, and the disk has no complaint. */
static enum status finish_writing(struct h5_file *file) {
    enum status status = STATUS_OK;

    if (!close_id(file))
        status = h5_fail(file, "cannot write the file");
    if (status == STATUS_OK)
        status = h5_check_disk(file);
    if (status == STATUS_OK && fsync(file->disk.descriptor) != 0)
        status = file_fail_write(file->path, errno);
    close_descriptor(file, &status);
    return status;
}

enum status h5_commit(struct h5_file *file) {
    TRY(finish_writing(file));
    enum status status = file_replace(file->temporary, file->path);
    free(file->temporary);
    file->temporary = NULL;
    return status;
}

void h5_close(struct h5_file *file) {
    enum status ignored = STATUS_IO;

    if (!file)
        return;
    if (file->id >= 0)
        close_id(file);
    if (file->disk.descriptor >= 0)
        close_descriptor(file, &ignored);
    if (file->temporary)
        file_discard(file->temporary);
    free(file->temporary);
    free(file->path);
    if (!file->is_held)
        free(file);
}

const char *h5_path(const struct h5_file *file) {
    return file->path;
}

/* ---- names ---- */

/* Is the last component of `name` a hard link? Its parents are known to be. */
static enum status check_link(struct h5_file *file, const char *name, bool *found) {
    H5L_info_t info;

    htri_t exists = H5Lexists(file->id, name, H5P_DEFAULT);
    *found = exists > 0;
    if (exists < 0)
        return h5_fail(file, "cannot look up %s", name);
    if (!*found)
        return STATUS_OK;
    if (H5Lget_info(file->id, name, &info, H5P_DEFAULT) < 0)
        return h5_fail(file, "cannot look up %s", name);
    if (info.type != H5L_TYPE_HARD)
        return fail(STATUS_FORMAT, "%s: %s is a link to elsewhere; only plain groups and arrays are read",
                    file->path, name);
    return STATUS_OK;
}

static enum status object_kind(struct h5_file *file, const char *name, enum h5_kind *kind) {
    H5O_info_t info;

    if (H5Oget_info_by_name2(file->id, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return h5_fail(file, "cannot look up %s", name);
    *kind = info.type == H5O_TYPE_GROUP ? H5_GROUP : info.type == H5O_TYPE_DATASET ? H5_ARRAY : H5_ABSENT;
    return STATUS_OK;
}

enum status h5_find(struct h5_file *file, const char *name, enum h5_kind *kind) {
    char prefix[512];
    size_t length = strlen(name);
    bool found = true;

    *kind = H5_GROUP; /* the root */
    TRY(h5_check_disk(file));
    if (length >= sizeof prefix)
        return fail(STATUS_LIMIT, "%s: a name of %zu characters is too long", file->path, length);
    for (size_t end = 1; end <= length; end++) {
        if (name[end] != '/' && name[end] != '\0')
            continue;
        memcpy(prefix, name, end);
        prefix[end] = '\0';
        *kind = H5_ABSENT;
        TRY(check_link(file, prefix, &found));
        if (!found)
            return STATUS_OK;
        TRY(object_kind(file, prefix, kind));
        if (*kind != H5_GROUP && end < length)
            *kind = H5_ABSENT; /* nothing stands below an array */
        if (*kind != H5_GROUP)
            return STATUS_OK;
    }
    return STATUS_OK;
}

bool h5_has(struct h5_file *file, const char *name) {
    enum h5_kind kind;

    return h5_find(file, name, &kind) == STATUS_OK && kind != H5_ABSENT;
}

static enum status make_group(struct h5_file *file, const char *name) {
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE), group = H5I_INVALID_HID;
    enum status status = STATUS_OK;

    if (H5Lexists(file->id, name, H5P_DEFAULT) > 0)
        goto close;
    if (creation >= 0 && H5Pset_obj_track_times(creation, false) >= 0)
        group = H5Gcreate2(file->id, name, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (group < 0)
        status = h5_fail(file, "cannot create the group %s", name);
    else
        H5Gclose(group);
close:
    if (creation >= 0)
        H5Pclose(creation);
    return status;
}

enum status h5_make_groups(struct h5_file *file, const char *name) {
    char prefix[512];

    TRY(h5_check_disk(file));
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        size_t length = (size_t)(slash - name);
        if (length >= sizeof prefix)
            return fail(STATUS_LIMIT, "%s: a name of %zu characters is too long", file->path, strlen(name));
        memcpy(prefix, name, length);
        prefix[length] = '\0';
        TRY(make_group(file, prefix));
    }
    return STATUS_OK;
}

/* ---- walking ---- */

/* A hostile file may link a group into itself, so depth and number of objects are bounded. */
struct walk {
    struct h5_file *file;
    h5_visit *visit;
    void *context;
    const char *group;
    int depth, objects;
    enum status status;
};

static herr_t walk_group(struct walk *walk, const char *group);

static herr_t visit_link(hid_t parent, const char *link, const H5L_info_t *info, void *context) {
    struct walk *walk = context;
    const char *group = walk->group;
    enum h5_kind kind;
    char name[512];

    (void)parent;
    (void)info;
    int length = snprintf(name, sizeof name, "%s%s%s", group, *group ? "/" : "", link);
    if (length < 0 || (size_t)length >= sizeof name || ++walk->objects > OBJECTS_MAXIMUM) {
        walk->status =
            fail(STATUS_FORMAT, "%s: %s holds too many or too long names", walk->file->path, group);
        return -1;
    }
    walk->status = h5_find(walk->file, name, &kind);
    if (walk->status == STATUS_OK && kind != H5_ABSENT)
        walk->status = walk->visit(walk->context, walk->file, name, kind == H5_GROUP);
    if (walk->status != STATUS_OK)
        return -1;
    return kind == H5_GROUP ? walk_group(walk, name) : 0;
}

static herr_t walk_group(struct walk *walk, const char *group) {
    const char *outer = walk->group;

    if (walk->depth >= DEPTH_MAXIMUM) {
        walk->status = fail(STATUS_FORMAT, "%s: groups are nested more than %d deep", walk->file->path,
                            (int)DEPTH_MAXIMUM);
        return -1;
    }
    walk->depth++;
    walk->group = group;
    herr_t result = H5Literate_by_name(walk->file->id, *group ? group : "/", H5_INDEX_NAME, H5_ITER_INC, NULL,
                                       visit_link, walk, H5P_DEFAULT);
    if (result < 0 && walk->status == STATUS_OK)
        walk->status = h5_fail(walk->file, "cannot list the group %s", *group ? group : "/");
    walk->group = outer;
    walk->depth--;
    return result < 0 ? -1 : 0;
}

enum status h5_walk(struct h5_file *file, const char *group, h5_visit *visit, void *context) {
    struct walk walk = {.file = file, .visit = visit, .context = context, .group = group};
    enum h5_kind kind;

    TRY(h5_find(file, group, &kind));
    if (kind != H5_GROUP)
        return fail(STATUS_FORMAT, "%s has no group %s", file->path, group);
    walk_group(&walk, group);
    return walk.status;
}
