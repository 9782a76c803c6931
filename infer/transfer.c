/* Opening, naming, protecting and finishing the files of compress, decompress, test and list. */
#include "transfer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"

static const char suffix[] = ".lcn";
enum { SUFFIX_LENGTH = sizeof suffix - 1 };

static bool is_stream(const char *path) {
    return strcmp(path, "-") == 0;
}

enum status transfer_check(const struct transfer *transfer, int file_count) {
    if (transfer->output && transfer->to_stdout && !is_stream(transfer->output))
        return fail(STATUS_USAGE, "-o %s and -c contradict each other; give one of them", transfer->output);
    if (transfer->output && !is_stream(transfer->output) && file_count > 1)
        return fail(STATUS_USAGE, "-o names one output and there are %d files; leave it out or give one file",
                    file_count);
    if (transfer->keep && transfer->remove)
        return fail(STATUS_USAGE, "--keep and --rm contradict each other; give one of them");
    if (transfer->remove && (transfer->to_stdout || (transfer->output && is_stream(transfer->output))))
        return fail(STATUS_USAGE, "--rm would remove the input although the output goes to standard output; "
                                  "leave one of them out");
    return STATUS_OK;
}

enum status transfer_check_json(const struct transfer *transfer, bool json, char **files, int file_count) {
    bool from_stdin = file_count == 0;
    for (int i = 0; i < file_count; i++)
        from_stdin = from_stdin || is_stream(files[i]);
    bool to_stdout = transfer->to_stdout || (transfer->output ? is_stream(transfer->output) : from_stdin);
    if (json && to_stdout)
        return fail(STATUS_USAGE,
                    "--json and the output both want standard output; name the output with -o OUT");
    return STATUS_OK;
}

/* ---- input ---- */

static enum status open_input(const struct transfer *transfer, const char *path, struct transfer_file *file,
                              struct stat *info) {
    if (is_stream(path)) {
        if (transfer->binary_input && !transfer->force && isatty(STDIN_FILENO))
            return fail(STATUS_USAGE, "archives are not read from a terminal; name a FILE");
        file->input = stdin;
        file->name = "standard input";
    } else {
        file->input = fopen(path, "rb");
        file->name = path;
    }
    if (!file->input || fstat(fileno(file->input), info) != 0)
        return fail(STATUS_IO, "cannot read: %s", strerror(errno));
    if (S_ISDIR(info->st_mode))
        return fail(STATUS_IO, "cannot read: it is a folder; name the files in it");
    file->size = S_ISREG(info->st_mode) ? (uint64_t)info->st_size : 0;
    return STATUS_OK;
}

uint64_t transfer_size_to_come(const struct transfer_file *file) {
    off_t at = file->size > 0 ? ftello(file->input) : -1;
    return at >= 0 && (uint64_t)at <= file->size ? file->size - (uint64_t)at : CODEC_SIZE_UNKNOWN;
}

/* ---- output ---- */

static enum status name_output(const struct transfer *transfer, const char *path, char **name) {
    size_t length = strlen(path);
    if (transfer->to_stdout || (!transfer->output && is_stream(path)))
        *name = strdup("-");
    else if (transfer->output)
        *name = strdup(transfer->output);
    else if (transfer->naming == TRANSFER_ADD_SUFFIX) {
        *name = malloc(length + SUFFIX_LENGTH + 1);
        if (*name)
            memcpy(mempcpy(*name, path, length), suffix, SUFFIX_LENGTH + 1);
    } else if (length > SUFFIX_LENGTH && strcmp(path + length - SUFFIX_LENGTH, suffix) == 0 &&
               path[length - SUFFIX_LENGTH - 1] != '/')
        *name = strndup(path, length - SUFFIX_LENGTH);
    else
        return fail(STATUS_USAGE, "the name does not end in %s; name the output with -o OUT", suffix);
    return *name ? STATUS_OK : fail(STATUS_MEMORY, "no memory for a file name");
}

static enum status check_output(const struct transfer *transfer, const char *name, const struct stat *input) {
    struct stat existing;
    if (stat(name, &existing) != 0)
        return STATUS_OK;
    if (existing.st_dev == input->st_dev && existing.st_ino == input->st_ino)
        return fail(STATUS_USAGE, "%s is the input itself; give the output another name", name);
    if (S_ISREG(existing.st_mode) && !transfer->force)
        return fail(STATUS_IO, "%s exists already; -f overwrites it", name);
    return STATUS_OK;
}

static enum status open_output(const struct transfer *transfer, const char *name, const struct stat *input,
                               struct file_writer *writer) {
    if (!is_stream(name)) {
        TRY(check_output(transfer, name, input));
        TRY(file_writer_open(writer, name));
        writer->new_only = !transfer->force;
        return STATUS_OK;
    }
    if (transfer->binary_output && !transfer->force && isatty(STDOUT_FILENO))
        return fail(
            STATUS_USAGE,
            "archives are not written to a terminal; redirect the output, name it with -o, or force it "
            "with -f");
    return STATUS_OK;
}

/* The output of a file gets the file's permissions and time. Failing to is no reason to lose the work. */
static void copy_attributes(struct file_writer *writer, const struct stat *input) {
    const struct timespec times[2] = {input->st_atim, input->st_mtim};
    struct stat info;
    int output = fileno(writer->stream);
    if (!S_ISREG(input->st_mode) || fstat(output, &info) != 0 || !S_ISREG(info.st_mode))
        return;
    if (fchmod(output, input->st_mode & 0777) == 0) {
        writer->mode_is_set = true;
        futimens(output, times);
    }
}

static enum status finish_output(struct file_writer *writer, const struct stat *input, bool copy) {
    if (!writer->stream) {
        if (fflush(stdout) != 0 || ferror(stdout))
            return fail(STATUS_IO, "cannot write to standard output: %s", strerror(errno));
        return STATUS_OK;
    }
    TRY(file_writer_flush(writer));
    if (copy)
        copy_attributes(writer, input);
    return file_writer_commit(writer);
}

/* ---- files ---- */

static bool is_same_file(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* `read`: the input as it was when it was opened. */
static enum status remove_input(const char *path, const struct stat *read, const char *output) {
    struct stat info;
    if (stat(output, &info) != 0 || !S_ISREG(info.st_mode))
        return fail(STATUS_IO, "the input stays: %s is no file that keeps its content", output);
    if (stat(path, &info) != 0 || !is_same_file(&info, read))
        return fail(STATUS_IO, "the input stays: it changed while it was read; %s holds what was read",
                    output);
    if (unlink(path) != 0)
        return fail(STATUS_IO, "cannot remove the input: %s; the output %s is complete", strerror(errno),
                    output);
    return STATUS_OK;
}

static enum status run_with_output(const struct transfer *transfer, const char *path,
                                   struct transfer_file *file, const struct stat *info) {
    struct file_writer writer = {0};
    char *name = NULL;
    enum status status = name_output(transfer, path, &name);
    if (status == STATUS_OK)
        status = open_output(transfer, name, info, &writer);
    if (status == STATUS_OK) {
        file->output = writer.stream ? writer.stream : stdout;
        file->output_name = name;
        status = transfer->run(transfer->context, file);
    }
    if (status == STATUS_OK)
        status = finish_output(&writer, info, !is_stream(path));
    else
        file_writer_abort(&writer);
    if (status == STATUS_OK && transfer->remove && !is_stream(path))
        status = remove_input(path, info, name);
    free(name);
    return status;
}

static enum status run_file(const struct transfer *transfer, const char *path) {
    struct transfer_file file = {.name = path};
    struct stat info;
    enum status status = open_input(transfer, path, &file, &info);
    if (status == STATUS_OK && transfer->naming == TRANSFER_NO_OUTPUT)
        status = transfer->run(transfer->context, &file);
    else if (status == STATUS_OK)
        status = run_with_output(transfer, path, &file, &info);
    if (file.input && file.input != stdin)
        fclose(file.input);
    return status == STATUS_OK ? status : fail_context(status, "%s", file.name);
}

enum status transfer_all(const struct transfer *transfer, char **files, int file_count) {
    char standard_input[] = "-";
    char *only[] = {standard_input};
    int failed = 0;
    if (file_count <= 1)
        return run_file(transfer, file_count ? files[0] : only[0]);
    for (int i = 0; i < file_count; i++) {
        enum status status = run_file(transfer, files[i]);
        failed += status != STATUS_OK;
        status_report(transfer->program, status);
    }
    if (failed)
        return fail(STATUS_IO, "%d of %d files failed", failed, file_count);
    return STATUS_OK;
}
