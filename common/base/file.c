/* Files that are whole or absent. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file_access.h"
#include "base/file_links.h"
#include "base/orphans.h"
#include "base/plain_file.h"
#include "base/signals.h"

static enum status fail_memory(const char *path) {
    return fail(STATUS_MEMORY, "cannot keep the name of %s: memory ran out", path);
}

enum status file_fail_write(const char *path, int error) {
    if (error == ENOSPC || error == EDQUOT)
        return fail(STATUS_IO, "cannot write %s: %s; free some space and run again", path, strerror(error));
    return fail(STATUS_IO, "cannot write %s: %s", path, error ? strerror(error) : "a write failed");
}

/* Where a rename must land. Caller frees *target. */
static enum status resolve_target(const char *path, bool over_link, char **target) {
    *target = over_link ? strdup(path) : NULL;
    int error = over_link ? (*target ? 0 : ENOMEM) : file_links_follow(path, target);
    if (error == ENOMEM)
        return fail_memory(path);
    return error ? file_fail_write(path, error) : STATUS_OK;
}

/* What the file system says of the name itself: too long, behind a file, in a folder one may not enter. */
static int check_name(const char *target) {
    struct stat info;

    return lstat(target, &info) == 0 || errno == ENOENT ? 0 : errno;
}

/* The folder part of `path`, with its slash; length 0 for the working folder. */
static size_t folder_length(const char *path) {
    const char *slash = strrchr(path, '/');

    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* A rename is on disk when its folder is. File systems that cannot sync folders say EINVAL: no harm. */
static int sync_folder(const char *path) {
    char folder[PATH_MAX];
    size_t length = folder_length(path);

    if (length + 2 > sizeof folder)
        return ENAMETOOLONG;
    snprintf(folder, sizeof folder, "%.*s.", (int)length, path);
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return 0; /* a folder one may write but not read */
    int error = fsync(descriptor) == 0 || errno == EINVAL ? 0 : errno;
    close(descriptor);
    return error;
}

/* ".NAME" and the mark of this process (orphans.h) beside the target, its owner's alone. */
static int make_beside(const char *target, char **temporary) {
    static atomic_uint serial;
    size_t folder = folder_length(target);
    const char *name = target + folder;
    char suffix[ORPHANS_SUFFIX_CAPACITY];
    int descriptor;

    do {
        free(*temporary);
        orphans_suffix(suffix, atomic_fetch_add(&serial, 1));
        if (asprintf(temporary, "%.*s.%.200s%s", (int)folder, target, name, suffix) < 0) {
            *temporary = NULL;
            return -1;
        }
        signals_register_temporary(*temporary); /* before it exists: a signal may come right after */
        descriptor = open(*temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (descriptor < 0)
            signals_forget_temporary(*temporary);
    } while (descriptor < 0 && errno == EEXIST);
    return descriptor;
}

static void remove_orphans(const char *target) {
    char folder[PATH_MAX];

    if (snprintf(folder, sizeof folder, "%.*s.", (int)folder_length(target), target) < (int)sizeof folder)
        orphans_remove(folder);
}

/* On success the temporary file exists, is open and known to the signal handlers. */
static enum status open_temporary(const char *path, bool over_link, char **temporary, int *descriptor) {
    char *target = NULL;
    enum status status = STATUS_OK;

    *temporary = NULL;
    if (!path[folder_length(path)])
        return fail(STATUS_IO, "cannot write '%s': a file needs a name", path);
    TRY(resolve_target(path, over_link, &target));
    int error = check_name(target);
    if (!error) {
        remove_orphans(target);
        *descriptor = make_beside(target, temporary);
        error = *descriptor >= 0 ? 0 : errno;
    }
    if (error == ENOENT)
        status = fail(STATUS_IO, "cannot write %s: its folder does not exist; make it first", path);
    else if (error)
        status = file_fail_write(path, error);
    if (status != STATUS_OK) {
        free(*temporary);
        *temporary = NULL;
    }
    free(target);
    return status;
}

enum file_kind { FILE_NEW_OR_REGULAR, FILE_FOLDER, FILE_SPECIAL };

static enum file_kind file_kind(const char *path) {
    struct stat info;

    if (stat(path, &info) != 0 || (S_ISREG(info.st_mode) && !file_links_to_descriptor(path)))
        return FILE_NEW_OR_REGULAR;
    return S_ISDIR(info.st_mode) ? FILE_FOLDER : FILE_SPECIAL;
}

static enum status fail_folder(const char *path) {
    return fail(STATUS_IO, "cannot write %s: it is a folder; give the name of a file", path);
}

enum status file_temporary_name(const char *path, char **temporary) {
    int descriptor;

    *temporary = NULL;
    switch (file_kind(path)) {
    case FILE_FOLDER:
        return fail_folder(path);
    case FILE_SPECIAL:
        return fail(STATUS_IO, "cannot write %s: it is not a regular file; give the name of a file", path);
    case FILE_NEW_OR_REGULAR:
        break;
    }
    TRY(open_temporary(path, false, temporary, &descriptor));
    close(descriptor);
    return STATUS_OK;
}

/* Devices and pipes cannot be renamed over: they are written directly and have no temporary. */
static enum status open_writer(struct file_writer *writer, const char *path, bool over_link) {
    int descriptor;
    enum status status = STATUS_OK;

    *writer = (struct file_writer){.over_link = over_link};
    enum file_kind kind = file_kind(path);
    if (kind == FILE_FOLDER)
        return fail_folder(path);
    writer->path = strdup(path);
    if (!writer->path)
        return fail_memory(path);
    if (kind == FILE_SPECIAL) {
        descriptor = open(path, O_WRONLY | O_CLOEXEC);
        if (descriptor < 0)
            status = file_fail_write(path, errno);
    } else {
        status = open_temporary(path, over_link, &writer->temporary, &descriptor);
    }
    if (status != STATUS_OK)
        goto release;
    writer->stream = fdopen(descriptor, "wb");
    if (!writer->stream) {
        status = file_fail_write(path, errno);
        close(descriptor);
        goto release;
    }
    return STATUS_OK;
release:
    file_writer_abort(writer);
    return status;
}

enum status file_writer_open(struct file_writer *writer, const char *path) {
    return open_writer(writer, path, false);
}

enum status file_writer_open_over(struct file_writer *writer, const char *path) {
    return open_writer(writer, path, true);
}

int file_flush(FILE *stream) {
    errno = 0;
    bool failed = ferror(stream);
    if (fflush(stream) != 0)
        failed = true;
    return failed ? (errno ? errno : EIO) : 0;
}

static int close_stream(FILE *stream, int error) {
    return fclose(stream) != 0 && !error ? errno : error;
}

/* The temporary file was its owner's alone; the finished one is everybody's whose the file was that it
 * replaces, or as open as a new one. */
static void settle_access(int descriptor, const char *target) {
    struct stat before;

    if (lstat(target, &before) == 0 && S_ISREG(before.st_mode))
        file_access_copy(descriptor, &before);
    else
        file_access_new(descriptor);
}

/* What a file of its own name needs before it gets it. */
static int settle(int descriptor, const char *path, bool over_link) {
    char *target = NULL;
    int error = over_link ? 0 : file_links_follow(path, &target);

    if (!error)
        settle_access(descriptor, over_link ? path : target);
    free(target);
    return error || fsync(descriptor) == 0 ? error : errno;
}

static int settle_by_name(const char *temporary, const char *path) {
    int descriptor = open(temporary, O_RDONLY | O_CLOEXEC);

    if (descriptor < 0)
        return errno;
    int error = settle(descriptor, path, false);
    close(descriptor);
    return error;
}

/* Gives the file its name, unless another has it: a hard link refuses what rename would replace. File systems
 * without links get the rename. */
static int claim_name(const char *temporary, const char *target) {
    if (link(temporary, target) != 0)
        return errno == EEXIST ? EEXIST : rename(temporary, target) == 0 ? 0 : errno;
    unlink(temporary);
    return 0;
}

struct placing {
    bool new_only, over_link;
};

/* The file is whole and on the disk. */
static enum status move_into_place(const char *temporary, const char *path, struct placing placing) {
    char *target = NULL;
    enum status status = resolve_target(path, placing.over_link, &target);
    int error = 0;

    if (status != STATUS_OK)
        goto discard;
    if (placing.new_only)
        error = claim_name(temporary, target);
    else if (rename(temporary, target) != 0)
        error = errno;
    if (error) {
        status = error == EEXIST ? fail(STATUS_IO, "%s appeared meanwhile; it stays as it is", path)
                                 : file_fail_write(path, error);
        goto discard;
    }
    signals_forget_temporary(temporary);
    error = sync_folder(target);
    if (error)
        status = fail(STATUS_IO, "wrote %s but cannot sync its folder: %s; it may be lost in a crash", path,
                      strerror(error));
    free(target);
    return status;
discard:
    file_discard(temporary);
    free(target);
    return status;
}

static int settle_stream(const struct file_writer *writer) {
    int descriptor = fileno(writer->stream);

    if (!writer->access_is_set)
        return settle(descriptor, writer->path, writer->over_link);
    return fsync(descriptor) == 0 ? 0 : errno;
}

enum status file_writer_commit(struct file_writer *writer) {
    enum status status = STATUS_OK;

    int error = file_flush(writer->stream);
    if (!error && writer->temporary)
        error = settle_stream(writer);
    error = close_stream(writer->stream, error);
    writer->stream = NULL;
    if (error)
        status = file_fail_write(writer->path, error);
    else if (writer->temporary)
        status = move_into_place(writer->temporary, writer->path,
                                 (struct placing){writer->new_only, writer->over_link});
    if (status == STATUS_OK) {
        free(writer->temporary); /* moved: nothing left to discard */
        writer->temporary = NULL;
    }
    file_writer_abort(writer);
    return status;
}

void file_writer_abort(struct file_writer *writer) {
    if (writer->stream)
        fclose(writer->stream);
    if (writer->temporary)
        file_discard(writer->temporary);
    free(writer->temporary);
    free(writer->path);
    *writer = (struct file_writer){0};
}

enum status file_replace(const char *temporary, const char *path) {
    int error = settle_by_name(temporary, path);
    if (!error)
        return move_into_place(temporary, path, (struct placing){0});
    enum status status = file_fail_write(path, error);
    file_discard(temporary);
    return status;
}

void file_discard(const char *temporary) {
    unlink(temporary);
    signals_forget_temporary(temporary);
}

static enum status read_stream(FILE *stream, const char *name, struct buffer *out) {
    enum { STEP = 1 << 16 };

    for (;;) {
        TRY(buffer_reserve(out, out->size + STEP));
        size_t got = fread(out->data + out->size, 1, out->capacity - out->size, stream);
        out->size += got;
        if (got == 0)
            break;
    }
    if (ferror(stream))
        return fail(STATUS_IO, "cannot read %s: %s", name, strerror(errno));
    return STATUS_OK;
}

/* Pipes only where the shell has already opened them, as in `laconic train <(...)`: others may wait for ever.
 */
static enum status open_to_read(const char *path, FILE **stream) {
    int descriptor;

    if (strncmp(path, "/dev/fd/", 8) == 0 || strcmp(path, "/dev/stdin") == 0)
        descriptor = open(path, O_RDONLY | O_CLOEXEC);
    else
        TRY(plain_file_open(path, &descriptor));
    *stream = descriptor >= 0 ? fdopen(descriptor, "rb") : NULL;
    if (*stream)
        return STATUS_OK;
    enum status status = fail(STATUS_IO, "cannot open %s: %s", path, strerror(errno));
    if (descriptor >= 0)
        close(descriptor);
    return status;
}

enum status file_read(const char *path, struct buffer *out) {
    struct stat info;

    if (strcmp(path, "-") == 0)
        return read_stream(stdin, "standard input", out);
    FILE *stream = NULL;
    TRY(open_to_read(path, &stream));
    enum status status = STATUS_OK;
    if (fstat(fileno(stream), &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0)
        status =
            buffer_reserve(out, out->size + (size_t)info.st_size + 1); /* one step, end of file included */
    if (status == STATUS_OK)
        status = read_stream(stream, path, out);
    fclose(stream);
    return status;
}

bool file_exists(const char *path) {
    return access(path, F_OK) == 0;
}

static enum status make_one_folder(const char *path) {
    struct stat info;

    if (mkdir(path, 0777) == 0)
        return STATUS_OK;
    int error = errno;
    if (error == EEXIST && stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode))
            return STATUS_OK;
        return fail(STATUS_IO, "cannot make the folder %s: a file of that name exists; choose another name",
                    path);
    }
    return fail(STATUS_IO, "cannot make the folder %s: %s", path, strerror(error));
}

enum status file_make_folder(const char *path) {
    enum status status = STATUS_OK;
    char *prefix = strdup(path);

    if (!prefix)
        return fail_memory(path);
    for (char *end = prefix + (*prefix != '\0'); status == STATUS_OK; end++) {
        if (*end != '/' && *end != '\0')
            continue;
        char held = *end;
        *end = '\0';
        status = make_one_folder(prefix);
        *end = held;
        if (held == '\0')
            break;
    }
    free(prefix);
    return status;
}
