/* Opening what must be a plain file. */
#include "base/plain_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *file_kind_name(mode_t mode) {
    return S_ISREG(mode)    ? "a file"
           : S_ISDIR(mode)  ? "a folder"
           : S_ISFIFO(mode) ? "a pipe"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

static enum status fail_open(const char *path, int error) {
    return fail(STATUS_IO, "cannot open %s: %s", path, strerror(error));
}

static enum status check_kind(const char *path, const struct stat *info) {
    if (S_ISREG(info->st_mode))
        return STATUS_OK;
    return fail(STATUS_IO, "cannot open %s: it is %s; give the name of a file", path,
                file_kind_name(info->st_mode));
}

/* Looked at twice: before, because opening a device does something, and after, because the name may have
 * changed hands; O_NONBLOCK for a pipe that came between. */
static enum status open_plain(const char *path, int flags, int *descriptor) {
    struct stat info;
    bool there = stat(path, &info) == 0;

    *descriptor = -1;
    if (!there && (errno != ENOENT || !(flags & O_CREAT)))
        return fail_open(path, errno);
    if (there)
        TRY(check_kind(path, &info));
    int opened = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
    if (opened < 0)
        return fail_open(path, errno);
    enum status status = fstat(opened, &info) == 0 ? check_kind(path, &info) : fail_open(path, errno);
    if (status == STATUS_OK)
        *descriptor = opened;
    else
        close(opened);
    return status;
}

enum status plain_file_open(const char *path, int *descriptor) {
    return open_plain(path, O_RDONLY, descriptor);
}

enum status plain_file_stream(const char *path, FILE **stream) {
    int descriptor;

    *stream = NULL;
    TRY(open_plain(path, O_WRONLY | O_CREAT, &descriptor));
    *stream = fdopen(descriptor, "w");
    if (*stream)
        return STATUS_OK;
    enum status status = fail_open(path, errno);
    close(descriptor);
    return status;
}
