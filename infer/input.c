/* Opening inputs, and removing them. */
#include "input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/plain_file.h"

bool input_is_stream(const char *path) {
    return strcmp(path, "-") == 0;
}

/* A link would go and its file stay; of a file with several names one would go. */
static enum status check_removable(const struct transfer *transfer, const char *path) {
    struct stat info;
    if (lstat(path, &info) != 0)
        return STATUS_OK; /* opening says why */
    if (S_ISLNK(info.st_mode)) {
        if (!transfer->force)
            return fail(STATUS_IO, "it is a symbolic link, and --rm would remove the link and not the file; "
                                   "name the file, or force it with -f");
        if (stat(path, &info) != 0)
            return STATUS_OK;
    }
    if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
        return fail(STATUS_IO, "it is no regular file, and --rm removes nothing else; leave --rm out");
    if (S_ISREG(info.st_mode) && info.st_nlink > 1 && !transfer->force)
        return fail(STATUS_IO,
                    "it has %ju names (hard links), and --rm would remove only this one; leave --rm "
                    "out, or force it with -f",
                    (uintmax_t)info.st_nlink);
    return STATUS_OK;
}

/* Before it is opened: opening a pipe waits for a writer. Folders and what is missing are told of later. */
static enum status check_is_file(const char *path) {
    struct stat info;
    if (stat(path, &info) != 0 || S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))
        return STATUS_OK;
    return fail(STATUS_IO, "cannot read: it is %s; give the name of a file", file_kind_name(info.st_mode));
}

static enum status open_stream(const struct transfer *transfer, struct transfer_file *file) {
    if (transfer->binary_input && !transfer->force && isatty(STDIN_FILENO))
        return fail(STATUS_USAGE, "archives are not read from a terminal; name a FILE");
    file->input = stdin;
    file->name = "standard input";
    return STATUS_OK;
}

enum status input_open(const struct transfer *transfer, const char *path, struct transfer_file *file,
                       struct stat *info) {
    file->name = path;
    if (input_is_stream(path))
        TRY(open_stream(transfer, file));
    else {
        if (transfer->remove)
            TRY(check_removable(transfer, path));
        if (transfer->only_files)
            TRY(check_is_file(path));
        file->input = fopen(path, "rbe");
    }
    if (!file->input || fstat(fileno(file->input), info) != 0)
        return fail(STATUS_IO, "cannot read: %s", strerror(errno));
    if (S_ISDIR(info->st_mode))
        return fail(STATUS_IO, "cannot read: it is a folder; %s",
                    transfer->folder_advice ? transfer->folder_advice : "name the files in it");
    file->size = S_ISREG(info->st_mode) ? (uint64_t)info->st_size : 0;
    return STATUS_OK;
}

void input_close(struct transfer_file *file) {
    if (file->input && file->input != stdin)
        fclose(file->input);
    file->input = NULL;
}

static bool is_same_time(struct timespec a, struct timespec b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_same_file(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           is_same_time(a->st_mtim, b->st_mtim) && is_same_time(a->st_ctim, b->st_ctim);
}

enum status input_remove(const char *path, const struct stat *read, const char *output) {
    struct stat info;
    if (stat(path, &info) != 0 || !is_same_file(&info, read))
        return fail(STATUS_IO, "the input stays: it changed while it was read; %s holds what was read",
                    output);
    if (unlink(path) != 0)
        return fail(STATUS_IO, "cannot remove the input: %s; the output %s is complete", strerror(errno),
                    output);
    return STATUS_OK;
}
