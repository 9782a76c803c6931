/* laconic pack: a checkpoint to a small file that only compresses and decompresses. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "commands.h"
#include "base/cli.h"
#include "base/log.h"
#include "setup.h"
#include "store/model_file.h"

static const char details[] =
    "OUT.h5 holds the pair with its weights in 8 bits, as the codec computes with them:\n"
    "archives of MODEL.h5 and of OUT.h5 are the same, and each decompresses those of\n"
    "the other. What training alone needs is left out, so OUT.h5 cannot be trained\n"
    "further. Put it into the models folder, and archives find it by its hash.\n";

struct pack {
    const char *input, *output, *title;
    bool force;
};

static enum status check_output(const struct pack *self) {
    struct stat input, output;
    if (stat(self->output, &output) != 0)
        return STATUS_OK;
    if (stat(self->input, &input) == 0 && input.st_dev == output.st_dev && input.st_ino == output.st_ino)
        return fail(STATUS_USAGE, "%s is the input itself; give the output another name", self->output);
    if (!self->force)
        return fail(STATUS_IO, "%s exists already; -f overwrites it", self->output);
    return STATUS_OK;
}

/* Reading checks the hash, so what can be read is the same model. */
static enum status check_written(const char *path) {
    struct model_pair pair = {0};
    enum status status = model_pair_load(path, &pair);
    model_pair_free(&pair);
    if (status == STATUS_OK)
        return status;
    remove(path);
    return fail_context(status, "what was written could not be read back, and was removed");
}

static void report(const struct pack *self, const struct model_pair *pair) {
    uint8_t hash[MODEL_HASH_BYTES];
    char text[MODEL_HASH_TEXT];
    struct stat before = {0}, after = {0};
    model_pair_hash(pair, hash);
    model_hash_format(hash, text);
    stat(self->input, &before);
    stat(self->output, &after);
    log_info("%s: model %s, %" PRIu64 " bytes (%s: %" PRIu64 ")", self->output, text, (uint64_t)after.st_size,
             self->input, (uint64_t)before.st_size);
}

static enum status pack(const struct pack *self) {
    struct model_pair pair = {0};
    TRY(check_output(self));
    enum status status = model_pair_load(self->input, &pair);
    if (status == STATUS_OK)
        status = model_pair_pack(self->output, &pair, self->title);
    if (status == STATUS_OK)
        status = check_written(self->output);
    if (status == STATUS_OK)
        report(self, &pair);
    model_pair_free(&pair);
    return status;
}

enum status command_pack(int argc, char **argv) {
    struct pack self = {.title = ""};
    struct setup setup = {0};
    char **files;
    int file_count;
    const struct cli_option options[] = {
        {"output", 'o', "OUT.h5", "write to OUT.h5", CLI_TEXT, &self.output},
        {"title", 0, "TEXT", "what the model is for, for people", CLI_WORDS, &self.title},
        {"force", 'f', NULL, "overwrite", CLI_FLAG, &self.force},
        SETUP_LOG_OPTIONS(&setup),
        CLI_END};
    const struct cli_command command = {
        "laconic pack", "MODEL.h5 -o OUT.h5 [--title TEXT]",
        "Pack a trained pair for use: weights in 8 bits, nothing of training.", details, options};
    TRY(cli_parse(&command, argc, argv, &files, &file_count));
    setup_log(&setup);
    if (file_count != 1)
        return fail(STATUS_USAGE, "which pair? laconic pack takes one MODEL.h5");
    if (!self.output)
        return fail(STATUS_USAGE, "where to? Give -o OUT.h5");
    self.input = files[0];
    return pack(&self);
}
