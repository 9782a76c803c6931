/* laconic compress: FILE to FILE.lcn. */
#include <string.h>
#include "commands.h"
#include "base/cli.h"
#include "codec/codec.h"
#include "report.h"
#include "setup.h"
#include "transfer.h"
#include "with_codec.h"

static const char details[] =
    "Without FILE, or with -, standard input is compressed to standard output. FILE\n"
    "stays unless --rm is given; an existing output stays unless -f is given. Every\n"
    "chunk is restored and compared before it counts as coded, so with the same model\n"
    "the archive gives the file back on any machine.\n";

struct compress {
    struct codec *codec;
    struct codec_settings settings;
    bool json;
};

static const char *const mode_names[] = {
    [CODEC_AUTO] = "auto", [CODEC_IR] = "ir", [CODEC_LM] = "lm", [CODEC_HYBRID] = "hybrid"};

static enum status parse_mode(const char *name, enum codec_mode *mode) {
    for (size_t i = 0; i < sizeof mode_names / sizeof *mode_names; i++)
        if (strcmp(name, mode_names[i]) == 0) {
            *mode = (enum codec_mode)i;
            return STATUS_OK;
        }
    return fail(STATUS_USAGE,
                "--mode %s is not possible in this version: use --mode auto (per block the smallest), "
                "--mode lm (the decompressor as a language model), --mode hybrid (z and what it leaves open) "
                "or --mode ir "
                "(z wherever it rebuilds its chunk)",
                name);
}

/* Of a regular file, from where it stands. */
static uint64_t size_to_come(const struct transfer_file *file) {
    off_t at = file->size > 0 ? ftello(file->input) : -1;
    return at >= 0 && (uint64_t)at <= file->size ? file->size - (uint64_t)at : CODEC_SIZE_UNKNOWN;
}

static enum status compress_file(void *context, const struct transfer_file *file) {
    struct compress *self = context;
    struct codec_report report = {0};
    struct meter meter;
    self->settings.content_size = size_to_come(file);
    meter_begin(&meter, "compress", file);
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

enum status command_compress(int argc, char **argv) {
    struct compress self = {.settings = {.mode = CODEC_AUTO}};
    long level = CODEC_LEVEL_DEFAULT;
    struct setup setup = {0};
    struct transfer transfer = {.program = "laconic compress",
                                .naming = TRANSFER_ADD_SUFFIX,
                                .binary_output = true,
                                .run = compress_file,
                                .context = &self};
    const char *mode = "auto";
    char **files;
    int file_count;
    const struct cli_option options[] = {
        SETUP_OPTIONS(&setup),
        {"output", 'o', "OUT", "write to OUT (default: FILE.lcn)", CLI_TEXT, &transfer.output},
        {"stdout", 'c', NULL, "write to standard output", CLI_FLAG, &transfer.to_stdout},
        {"keep", 'k', NULL, "keep FILE (the default)", CLI_FLAG, &transfer.keep},
        {"rm", 0, NULL, "remove FILE when its archive is complete", CLI_FLAG, &transfer.remove},
        {"force", 'f', NULL, "overwrite, and write to a terminal", CLI_FLAG, &transfer.force},
        {"mode", 0, "MODE", "auto, ir, hybrid or lm (default: auto)", CLI_TEXT, &mode},
        {"level", 0, "N", "1 (fast) to 9 (tries most); default 3", CLI_INTEGER, &level},
        {"json", 0, NULL, "print a line of JSON per file", CLI_FLAG, &self.json},
        CLI_END};
    const struct cli_command command = {"laconic compress", "[-m MODEL.h5] [OPTION...] [FILE...]",
                                        "Compress files with a trained pair.", details, options};
    TRY(cli_parse(&command, argc, argv, &files, &file_count));
    TRY(parse_mode(mode, &self.settings.mode));
    if (level < 1 || level > CODEC_LEVEL_MAXIMUM)
        return fail(STATUS_USAGE, "--level takes 1 to %d, not %ld", CODEC_LEVEL_MAXIMUM, level);
    self.settings.level = (int)level;
    TRY(transfer_check(&transfer, file_count));
    TRY(transfer_check_json(&transfer, self.json, files, file_count));
    return with_codec(&setup, &self.codec, &transfer, files, file_count);
}
