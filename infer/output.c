/* Names, holes, attributes and the second look at outputs. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file_access.h"
#include "input.h"

/* ---- names ---- */

/* The system's names for standard output mean it as "-" does: where it stands, whatever it is. */
static bool is_stdout(const char *name) {
    static const char *const names[] = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* FILE.lcn from FILE or back, in `folder` (ends in a slash or is empty). */
static enum status change_suffix(const struct transfer *transfer, const char *folder, const char *kept,
                                 char **name) {
    const size_t ending = strlen(TRANSFER_SUFFIX);
    size_t length = strlen(kept);
    if (transfer->naming == TRANSFER_ADD_SUFFIX) {
        if (asprintf(name, "%s%s" TRANSFER_SUFFIX, folder, kept) < 0)
            *name = NULL;
    } else if (length > ending && strcmp(kept + length - ending, TRANSFER_SUFFIX) == 0 &&
               kept[length - ending - 1] != '/') {
        if (asprintf(name, "%s%.*s", folder, (int)(length - ending), kept) < 0)
            *name = NULL;
    } else
        return fail(STATUS_USAGE,
                    "the name does not end in " TRANSFER_SUFFIX "; name the output with -o OUT");
    return STATUS_OK;
}

static enum status name_in_folder(const struct transfer *transfer, const char *kept, char **name) {
    char *folder;
    if (asprintf(&folder, "%s/", transfer->output_folder) < 0)
        return fail(STATUS_MEMORY, "no memory for a file name");
    enum status status = change_suffix(transfer, folder, kept, name);
    free(folder);
    if (status != STATUS_OK || !*name)
        return status;
    char *slash = strrchr(*name, '/');
    *slash = '\0';
    status = file_make_folder(*name);
    *slash = '/';
    return status;
}

static enum status name_output(const struct transfer *transfer, const char *path, size_t kept_from,
                               char **name) {
    *name = NULL;
    if (transfer->to_stdout || (!transfer->output && input_is_stream(path)) ||
        (transfer->output && is_stdout(transfer->output)))
        *name = strdup("-");
    else if (transfer->output)
        *name = strdup(transfer->output);
    else if (transfer->output_folder)
        TRY(name_in_folder(transfer, path + kept_from, name));
    else
        TRY(change_suffix(transfer, "", path, name));
    return *name ? STATUS_OK : fail(STATUS_MEMORY, "no memory for a file name");
}

/* ---- writing ---- */

enum { PIECE = 4096, BUFFER_BYTES = 1 << 16 }; /* holes are made of whole blocks of common file systems */

static bool is_zero(const char *bytes, size_t size) {
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

static int write_all(int descriptor, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t written = write(descriptor, bytes, size);
        if (written < 0 && errno != EINTR)
            return -1;
        bytes += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

/* How many bytes from the front are of one kind: whole pieces of zeros that may become a hole, or others. */
static size_t run_length(const struct output *output, const char *bytes, size_t size, bool *zeros) {
    size_t run = 0;
    while (run < size) {
        size_t to_border = PIECE - (size_t)((output->position + (off_t)run) % PIECE);
        size_t piece = to_border < size - run ? to_border : size - run;
        bool zero = piece == PIECE && is_zero(bytes + run, piece);
        if (run > 0 && zero != *zeros)
            break;
        *zeros = zero;
        run += piece;
    }
    return run;
}

static int put_run(struct output *output, const char *bytes, size_t size, bool zeros) {
    if (zeros) {
        output->hole += (off_t)size;
        return 0;
    }
    if (output->hole > 0 && lseek(output->descriptor, output->hole, SEEK_CUR) < 0)
        return -1;
    output->hole = 0;
    return write_all(output->descriptor, bytes, size);
}

/* What stdio calls. 0 is how it learns of a failure. */
static ssize_t put(void *cookie, const char *bytes, size_t size) {
    struct output *output = cookie;
    for (size_t done = 0; done < size;) {
        bool zeros = false;
        size_t run = output->sparse ? run_length(output, bytes + done, size - done, &zeros) : size;
        if (put_run(output, bytes + done, run, zeros) != 0)
            return 0;
        output->position += (off_t)run;
        done += run;
    }
    if (output->hash)
        XXH64_update(output->hash, bytes, size);
    output->size += size;
    return (ssize_t)size;
}

/* A hole at the end is no part of the file before its length says so. */
static int end_hole(struct output *output) {
    if (output->hole == 0)
        return 0;
    output->hole = 0;
    bool ended = ftruncate(output->descriptor, output->position) == 0 &&
                 lseek(output->descriptor, output->position, SEEK_SET) == output->position;
    return ended ? 0 : errno;
}

/* Standard output may lead into a file too. Holes are for its end alone: elsewhere older bytes would show. */
static bool stdout_takes_holes(off_t *position) {
    struct stat info;
    *position = lseek(STDOUT_FILENO, 0, SEEK_CUR);
    return *position >= 0 && fstat(STDOUT_FILENO, &info) == 0 && S_ISREG(info.st_mode) &&
           *position >= info.st_size && !(fcntl(STDOUT_FILENO, F_GETFL) & O_APPEND);
}

/* ---- opening ---- */

static enum status check_name(const struct transfer *transfer, const char *name, const struct stat *input) {
    struct stat existing, behind;
    if (lstat(name, &existing) != 0)
        return STATUS_OK;
    bool is_link = S_ISLNK(existing.st_mode);
    if (!is_link && existing.st_dev == input->st_dev && existing.st_ino == input->st_ino)
        return fail(STATUS_USAGE, "%s is the input itself; give the output another name", name);
    if (S_ISREG(existing.st_mode) && !transfer->force)
        return fail(STATUS_IO, "%s exists already; -f overwrites it", name);
    if (is_link && !transfer->force && (stat(name, &behind) != 0 || S_ISREG(behind.st_mode)))
        return fail(STATUS_IO, "%s exists already, as a symbolic link; -f replaces the link", name);
    return STATUS_OK;
}

static enum status open_file(struct output *output, const struct transfer *transfer,
                             const struct stat *input) {
    struct file_writer *writer = &output->writer;
    TRY(check_name(transfer, output->name, input));
    TRY(file_writer_open_over(writer, output->name));
    if (transfer->remove && !writer->temporary)
        return fail(STATUS_IO,
                    "%s is no file that keeps its content, and --rm would remove the input; leave "
                    "--rm out",
                    output->name);
    writer->new_only = !transfer->force;
    output->descriptor = fileno(writer->stream);
    output->sparse = transfer->sparse && writer->temporary;
    return STATUS_OK;
}

static enum status open_stdout(struct output *output, const struct transfer *transfer) {
    int flags = fcntl(STDOUT_FILENO, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
        return fail(STATUS_IO, "cannot write to standard output: it is closed, or open for reading only");
    if (transfer->binary_output && !transfer->force && isatty(STDOUT_FILENO))
        return fail(
            STATUS_USAGE,
            "archives are not written to a terminal; redirect the output, name it with -o, or force it "
            "with -f");
    output->descriptor = STDOUT_FILENO;
    output->sparse = transfer->sparse && stdout_takes_holes(&output->position);
    return STATUS_OK;
}

static enum status begin_hash(struct output *output) {
    output->hash = XXH64_createState();
    if (!output->hash)
        return fail(STATUS_MEMORY, "no memory for a checksum");
    XXH64_reset(output->hash, 0);
    return STATUS_OK;
}

enum status output_open(struct output *output, const struct transfer *transfer, const char *path,
                        size_t kept_from, const struct stat *input) {
    *output = (struct output){0};
    TRY(name_output(transfer, path, kept_from, &output->name));
    TRY(input_is_stream(output->name) ? open_stdout(output, transfer) : open_file(output, transfer, input));
    if (transfer->remove)
        TRY(begin_hash(output));
    output->stream = fopencookie(output, "wb", (cookie_io_functions_t){.write = put});
    if (!output->stream || setvbuf(output->stream, NULL, _IOFBF, BUFFER_BYTES) != 0)
        return fail(STATUS_MEMORY, "no memory for the output");
    return STATUS_OK;
}

/* ---- finishing ---- */

/* Failing to is no reason to lose the work. */
static void copy_attributes(struct output *output, const struct stat *input) {
    const struct timespec times[2] = {input->st_atim, input->st_mtim};
    if (!S_ISREG(input->st_mode) || !output->writer.temporary)
        return;
    file_access_copy(output->descriptor, input);
    output->writer.access_is_set = true;
    futimens(output->descriptor, times);
}

enum status output_finish(struct output *output, const struct stat *input) {
    struct stat info = {0};
    bool is_file = output->writer.stream;
    int error = file_flush(output->stream);
    if (!error)
        error = end_hole(output);
    if (error)
        return fail(STATUS_IO, "cannot write %s%s: %s%s", is_file ? "" : "to ",
                    is_file ? output->name : "standard output", strerror(error),
                    is_file && error == ENOSPC ? "; free some space and run again" : "");
    if (!is_file)
        return STATUS_OK;
    if (input)
        copy_attributes(output, input);
    fstat(output->descriptor, &info);
    output->device = info.st_dev;
    output->inode = info.st_ino;
    return file_writer_commit(&output->writer);
}

static bool is_as_written(const struct output *output, int descriptor) {
    struct stat info;
    uint64_t size = 0;
    ssize_t got = -1;
    char *bytes = malloc(BUFFER_BYTES);
    XXH64_state_t *hash = XXH64_createState();
    if (fstat(descriptor, &info) != 0 || info.st_dev != output->device || info.st_ino != output->inode ||
        !bytes || !hash)
        goto done;
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED); /* it is synced: what was cached is read again */
    XXH64_reset(hash, 0);
    while ((got = read(descriptor, bytes, BUFFER_BYTES)) > 0) {
        XXH64_update(hash, bytes, (size_t)got);
        size += (uint64_t)got;
    }
done:
    free(bytes);
    bool same = got == 0 && size == output->size && XXH64_digest(hash) == XXH64_digest(output->hash);
    XXH64_freeState(hash);
    return same;
}

enum status output_verify(const struct output *output) {
    int descriptor = open(output->name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    bool same = descriptor >= 0 && is_as_written(output, descriptor);
    if (descriptor >= 0)
        close(descriptor);
    if (same)
        return STATUS_OK;
    return fail(STATUS_IO, "the input stays: %s cannot be read back as it was written; check the disk",
                output->name);
}

void output_abort(struct output *output) {
    if (output->stream)
        fclose(output->stream);
    output->stream = NULL;
    file_writer_abort(&output->writer);
    XXH64_freeState(output->hash);
    output->hash = NULL;
    free(output->name);
    output->name = NULL;
}
