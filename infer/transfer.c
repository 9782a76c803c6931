/* File by file: opened, run, finished, removed where that was asked for. */
#include "transfer.h"

#include <stdlib.h>
#include <string.h>
#include "gather.h"
#include "input.h"
#include "output.h"

/* ---- options ---- */

static enum status check_options(const struct transfer *transfer, char **files, int file_count) {
    bool to_stdout = transfer->to_stdout || (transfer->output && input_is_stream(transfer->output));
    if (transfer->output && transfer->to_stdout && !input_is_stream(transfer->output))
        return fail(STATUS_USAGE, "-o %s and -c contradict each other; give one of them", transfer->output);
    if (transfer->output_folder && (transfer->output || transfer->to_stdout))
        return fail(STATUS_USAGE, "--output-dir and %s contradict each other; give one of them",
                    transfer->output ? "-o" : "-c");
    if (transfer->recurse && transfer->output && !to_stdout)
        return fail(STATUS_USAGE,
                    "-o names one output and -r finds many files; give --output-dir DIR instead");
    if (transfer->keep && transfer->remove)
        return fail(STATUS_USAGE, "--keep and --rm contradict each other; give one of them");
    if (transfer->remove && to_stdout)
        return fail(STATUS_USAGE, "--rm would remove the input although the output goes to standard output; "
                                  "leave one of them out");
    for (int i = 0; i < file_count && transfer->list; i++)
        if (input_is_stream(transfer->list) && input_is_stream(files[i]))
            return fail(STATUS_USAGE, "standard input is either the list or a file; name one of them");
    return STATUS_OK;
}

static enum status check_files(const struct transfer *transfer, bool json, const struct gathered *g) {
    bool from_stdin = !g->is_given;
    for (int i = 0; i < g->count; i++)
        from_stdin = from_stdin || input_is_stream(g->files[i]);
    bool to_stdout =
        transfer->to_stdout || (transfer->output ? input_is_stream(transfer->output) : from_stdin);
    if (transfer->output && !input_is_stream(transfer->output) && g->count > 1)
        return fail(STATUS_USAGE, "-o names one output and there are %d files; leave it out or give one file",
                    g->count);
    if (transfer->output_folder && from_stdin)
        return fail(STATUS_USAGE, "standard input has no name to have in %s; name the output with -o OUT",
                    transfer->output_folder);
    if (transfer->output_folder)
        TRY(gather_check_names(g));
    if (json && to_stdout && transfer->naming != TRANSFER_NO_OUTPUT)
        return fail(STATUS_USAGE,
                    "--json and the output both want standard output; name the output with -o OUT");
    return STATUS_OK;
}

enum status transfer_begin(struct transfer *transfer, bool json, char ***files, int *file_count) {
    TRY(check_options(transfer, *files, *file_count));
    transfer->gathered = calloc(1, sizeof *transfer->gathered);
    if (!transfer->gathered)
        return fail(STATUS_MEMORY, "no memory for the names of the files");
    enum status status = gather_files(transfer->gathered, transfer, *files, *file_count);
    if (status == STATUS_OK)
        status = check_files(transfer, json, transfer->gathered);
    *files = transfer->gathered->files;
    *file_count = transfer->gathered->count;
    if (status != STATUS_OK)
        transfer_end(transfer);
    return status;
}

void transfer_end(struct transfer *transfer) {
    if (transfer->gathered)
        gather_free(transfer->gathered);
    free(transfer->gathered);
    transfer->gathered = NULL;
}

/* ---- files ---- */

uint64_t transfer_size_to_come(const struct transfer_file *file) {
    off_t at = file->size > 0 ? ftello(file->input) : -1;
    return at >= 0 && (uint64_t)at <= file->size ? file->size - (uint64_t)at : CODEC_SIZE_UNKNOWN;
}

static enum status run_with_output(const struct transfer *transfer, const char *path, size_t kept_from,
                                   struct transfer_file *file, const struct stat *info) {
    struct output output;
    bool has_name = !input_is_stream(path);
    enum status status = output_open(&output, transfer, path, kept_from, info);
    if (status == STATUS_OK) {
        file->output = output.stream;
        file->output_name = output.name;
        status = transfer->run(transfer->context, file);
    }
    if (status == STATUS_OK)
        status = output_finish(&output, has_name ? info : NULL);
    if (status == STATUS_OK && transfer->remove && has_name)
        status = output_verify(&output);
    if (status == STATUS_OK && transfer->remove && has_name)
        status = input_remove(path, info, output.name);
    output_abort(&output);
    return status;
}

static enum status run_file(const struct transfer *transfer, const char *path, size_t kept_from) {
    struct transfer_file file = {.name = path};
    struct stat info;
    enum status status = input_open(transfer, path, &file, &info);
    if (status == STATUS_OK && transfer->naming == TRANSFER_NO_OUTPUT)
        status = transfer->run(transfer->context, &file);
    else if (status == STATUS_OK)
        status = run_with_output(transfer, path, kept_from, &file, &info);
    input_close(&file);
    return status == STATUS_OK ? status : fail_context(status, "%s", file.name);
}

enum status transfer_all(const struct transfer *transfer, char **files, int file_count) {
    const struct gathered *gathered = transfer->gathered;
    int failed = gathered ? gathered->failed : 0, count = file_count + failed;
    if (file_count == 0 && !(gathered && gathered->is_given))
        return run_file(transfer, "-", 0);
    if (count == 1 && failed == 0)
        return run_file(transfer, files[0], gathered ? gathered->kept_from[0] : 0);
    for (int i = 0; i < file_count; i++) {
        enum status status = run_file(transfer, files[i], gathered ? gathered->kept_from[i] : 0);
        failed += status != STATUS_OK;
        status_report(transfer->program, status);
    }
    if (failed)
        return fail(STATUS_IO, "%d of %d files failed", failed, count);
    return STATUS_OK;
}
