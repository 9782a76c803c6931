/* laconic decompress: FILE.lcn to FILE. laconic test: the same without writing. */
#include "commands.h"
#include "base/cli.h"
#include "codec/codec.h"
#include "report.h"
#include "setup.h"
#include "sizes.h"
#include "transfer.h"
#include "with_codec.h"

static const char decompress_details[] =
    "Without FILE, or with -, standard input is decompressed to standard output. FILE\n"
    "stays unless --rm is given; an existing output stays unless -f is given. The\n"
    "model must be the one the archive was written with ('laconic list' names it).\n"
    "Without -m it is looked for by that name: LACONIC_MODEL, then the models folder.\n"
    "Archives of -1 need none.\n"
    "What is decompressed is checked; a damaged archive leaves no output file.\n"
    "\n"
    "--range is quick with archives of 'laconic compress --seekable'; other ones are\n"
    "decoded from their beginning. Of what is not decoded nothing is checked.\n";
static const char test_details[] =
    "Decompresses every archive without writing and checks the result, so the model\n"
    "is needed. The exit code is 0 if all are intact.\n";

struct decompress {
    struct archive_codec model;
    bool ranged;
    uint64_t begin, end; /* with --range */
    bool json;
    const char *label;
};

static enum status decompress_file(void *context, const struct transfer_file *file) {
    struct decompress *self = context;
    struct codec_report report = {0};
    struct meter meter;
    meter_begin(&meter, self->label, file, &report, false);
    enum status status =
        self->ranged
            ? codec_decompress_range(self->model.codec, file->input, file->output, self->begin, self->end,
                                     &report, meter_update, &meter)
            : codec_decompress(self->model.codec, file->input, file->output, &report, meter_update, &meter);
    meter_end(&meter);
    TRY(status);
    if (self->ranged)
        report_range(file, &report, self->begin);
    else
        report_decompressed(file, &report);
    if (self->json)
        report_json(file, &report, false, meter.seconds);
    return STATUS_OK;
}

/* A piece of a file does not take the file's name unasked, nor its place. */
static enum status take_range(const char *range, struct decompress *self, struct transfer *transfer) {
    TRY(range_parse(range, &self->begin, &self->end));
    if (transfer->remove)
        return fail(STATUS_USAGE,
                    "--rm would remove the archive although only a piece of it is decompressed; "
                    "leave one of --rm and --range out");
    self->ranged = true;
    transfer->to_stdout = transfer->to_stdout || !transfer->output;
    return STATUS_OK;
}

enum status command_decompress(int argc, char **argv) {
    struct decompress self = {.label = "decompress"};
    struct setup setup = {0};
    struct transfer transfer = {.program = "laconic decompress",
                                .naming = TRANSFER_STRIP_SUFFIX,
                                .sparse = true,
                                .binary_input = true,
                                .folder_advice = ARCHIVES_IN_FOLDER,
                                .run = decompress_file,
                                .context = &self};
    char **files;
    int file_count;
    const char *range = NULL, *memory_limit = NULL;
    const struct cli_option options[] = {
        {"output", 'o', "OUT", "write to OUT (default: FILE without .lcn)", CLI_TEXT, &transfer.output},
        {"stdout", 'c', NULL, "write to standard output", CLI_FLAG, &transfer.to_stdout},
        {"keep", 'k', NULL, "keep FILE (the default)", CLI_FLAG, &transfer.keep},
        {"rm", 0, NULL, "remove FILE when it is decompressed", CLI_FLAG, &transfer.remove},
        {"force", 'f', NULL, "overwrite, and replace links", CLI_FLAG, &transfer.force},
        TRANSFER_FILES_OPTIONS(&transfer),
        TRANSFER_FOLDER_OPTION(&transfer),
        {"no-sparse", 0, NULL, "write runs of zeros, instead of leaving holes in the file", CLI_CLEAR,
         &transfer.sparse},
        {"range", 0, "A:B", "write only bytes A to B - 1 of the content, to standard output or OUT", CLI_TEXT,
         &range},
        MEMLIMIT_OPTION(&memory_limit),
        SETUP_OPTIONS(&setup),
        {"json", 0, NULL, "print a line of JSON per file", CLI_FLAG, &self.json},
        CLI_END};
    const struct cli_command command = {"laconic decompress", "[-m MODEL.h5] [OPTION...] [FILE.lcn...]",
                                        "Decompress files that 'laconic compress' wrote.", decompress_details,
                                        options};
    TRY(cli_parse(&command, argc, argv, &files, &file_count));
    if (range)
        TRY(take_range(range, &self, &transfer));
    setup_log(&setup);
    TRY(transfer_begin(&transfer, self.json, &files, &file_count));
    enum status status = with_archive_codec(&setup, memory_limit, &self.model, &transfer, files, file_count);
    transfer_end(&transfer);
    return status;
}

enum status command_test(int argc, char **argv) {
    struct decompress self = {.label = "test"};
    struct setup setup = {0};
    struct transfer transfer = {.program = "laconic test",
                                .naming = TRANSFER_NO_OUTPUT,
                                .binary_input = true,
                                .folder_advice = ARCHIVES_IN_FOLDER,
                                .run = decompress_file,
                                .context = &self};
    char **files;
    int file_count;
    const char *memory_limit = NULL;
    const struct cli_option options[] = {
        TRANSFER_FILES_OPTIONS(&transfer),
        MEMLIMIT_OPTION(&memory_limit),
        SETUP_OPTIONS(&setup),
        {"json", 0, NULL, "print a line of JSON per file", CLI_FLAG, &self.json},
        CLI_END};
    const struct cli_command command = {"laconic test", "[-m MODEL.h5] [OPTION...] [FILE.lcn...]",
                                        "Check that archives can be decompressed.", test_details, options};
    TRY(cli_parse(&command, argc, argv, &files, &file_count));
    setup_log(&setup);
    TRY(transfer_begin(&transfer, self.json, &files, &file_count));
    enum status status = with_archive_codec(&setup, memory_limit, &self.model, &transfer, files, file_count);
    transfer_end(&transfer);
    return status;
}
