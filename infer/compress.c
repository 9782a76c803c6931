/* laconic compress: FILE to FILE.lcn. */
#include <string.h>
#include "commands.h"
#include "base/cli.h"
#include "codec/codec.h"
#include "codec/note.h"
#include "modes.h"
#include "report.h"
#include "setup.h"
#include "sizes.h"
#include "transfer.h"
#include "with_codec.h"

static const char details[] =
    "Without FILE, or with -, standard input is compressed to standard output. FILE\n"
    "stays unless --rm is given; an existing output stays unless -f is given. The\n"
    "arithmetic is the same everywhere: with the same model the archive gives the file\n"
    "back on any machine. 'laconic test' proves it for an archive at hand.\n";

struct compress {
    struct codec *codec;
    struct codec_settings settings;
    bool json;
};

static enum status compress_file(void *context, const struct transfer_file *file) {
    struct compress *self = context;
    struct codec_report report = {0};
    struct meter meter;
    self->settings.content_size = transfer_size_to_come(file);
    meter_begin(&meter, "compress", file, &report, true);
    enum status status = codec_compress(self->codec, file->input, file->output, &self->settings, &report,
                                        meter_update, &meter);
    meter_end(&meter);
    if (status != STATUS_OK)
        return status;
    report_compressed(file, &report);
    if (self->json)
        report_json(file, &report, true, meter.seconds);
    return STATUS_OK;
}

static enum status check_settings(struct codec_settings *settings, const char *seekable) {
    size_t comment = settings->comment ? strlen(settings->comment) : 1;
    if (comment < 1 || comment > COMMENT_MAXIMUM)
        return fail(STATUS_USAGE, "--comment takes 1 to %d bytes, not %zu", COMMENT_MAXIMUM, comment);
    if (!seekable)
        return STATUS_OK;
    settings->restart = CODEC_RESTART_DEFAULT;
    if (*seekable)
        TRY(size_parse("--seekable", seekable, &settings->restart));
    if (settings->restart < CODEC_RESTART_MINIMUM)
        return fail(STATUS_USAGE, "--seekable takes at least %d bytes, not %s", CODEC_RESTART_MINIMUM,
                    seekable);
    return STATUS_OK;
}

enum status command_compress(int argc, char **argv) {
    struct compress self = {.settings = {.mode = CODEC_AUTO}};
    long level = CODEC_LEVEL_DEFAULT;
    struct setup setup = {0};
    struct transfer transfer = {.program = "laconic compress",
                                .naming = TRANSFER_ADD_SUFFIX,
                                .binary_output = true,
                                .folder_advice = "-r compresses the files in it one by one, and tar c DIR | "
                                                 "laconic compress -o DIR.tar.lcn makes it one archive",
                                .run = compress_file,
                                .context = &self};
    const char *mode = "auto";
    bool unused = false; /* main() has turned these into commands (zstd_options.h) */
    char **files;
    int file_count;
    const char *seekable = NULL, *memory_limit = NULL;
    const struct cli_option options[] = {
        LEVEL_OPTION(&level),
        {"decompress", 'd', NULL, "decompress instead: laconic decompress", CLI_FLAG, &unused},
        {"test", 't', NULL, "check archives instead: laconic test", CLI_FLAG, &unused},
        {"list", 'l', NULL, "list archives instead: laconic list", CLI_FLAG, &unused},
        {"output", 'o', "OUT", "write to OUT (default: FILE.lcn)", CLI_TEXT, &transfer.output},
        {"stdout", 'c', NULL, "write to standard output", CLI_FLAG, &transfer.to_stdout},
        {"keep", 'k', NULL, "keep FILE (the default)", CLI_FLAG, &transfer.keep},
        {"rm", 0, NULL, "remove FILE when its archive is complete", CLI_FLAG, &transfer.remove},
        {"force", 'f', NULL, "overwrite, replace links, and write to a terminal", CLI_FLAG, &transfer.force},
        TRANSFER_FILES_OPTIONS(&transfer),
        TRANSFER_FOLDER_OPTION(&transfer),
        {"exclude-compressed", 0, NULL,
         "leave out files whose names say that they are compressed (.jpg, .zip)", CLI_FLAG,
         &transfer.exclude_compressed},
        {"mode", 0, "MODE", "auto, ir, hybrid or lm (default: auto)", CLI_TEXT, &mode},
        {"seekable", 0, "SIZE", "start anew every SIZE bytes (default 1M), for decompress --range",
         CLI_OPTIONAL, &seekable},
        {"no-check", 0, NULL, "leave out the checksum of the content", CLI_FLAG, &self.settings.no_check},
        {"comment", 0, "TEXT", "put TEXT into the archive; laconic list -v shows it", CLI_WORDS,
         &self.settings.comment},
        MEMLIMIT_OPTION(&memory_limit),
        SETUP_OPTIONS(&setup),
        {"json", 0, NULL, "print a line of JSON per file", CLI_FLAG, &self.json},
        CLI_END};
    const struct cli_command command = {"laconic compress", "[-m MODEL.h5] [OPTION...] [FILE...]",
                                        "Compress files with a trained pair.", details, options};
    TRY(cli_parse(&command, argc, argv, &files, &file_count));
    TRY(mode_parse(mode, &self.settings.mode));
    TRY(level_check(level));
    self.settings.level = (int)level;
    TRY(check_settings(&self.settings, seekable));
    setup_log(&setup);
    TRY(transfer_begin(&transfer, self.json, &files, &file_count));
    bool needs_model = self.settings.mode != CODEC_AUTO || level > 1;
    enum status status =
        with_codec(&setup, needs_model, memory_limit, &self.codec, &transfer, files, file_count);
    transfer_end(&transfer);
    return status;
}
