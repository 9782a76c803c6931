/* laconic list: what archives say of themselves, without a model. */
#include <inttypes.h>
#include "commands.h"
#include "base/cli.h"
#include "codec/codec.h"
#include "base/json_line.h"
#include "base/visible.h"
#include "report.h"
#include "setup.h"
#include "transfer.h"

struct list {
    bool json, headed, verbose;
};

static void print_row(struct list *self, const char *name, const struct codec_listing *listing) {
    char hash[MODEL_HASH_TEXT];
    report_model(listing->models[0], hash);
    if (!self->headed)
        printf("%7s %7s %9s %12s %12s %9s  %-32s  %s\n", "frames", "blocks", "chunks", "archive", "content",
               "bits/byte", "model", "file");
    self->headed = true;
    printf("%7" PRIu64 " %7" PRIu64 " %9" PRIu64 " %12" PRIu64 " %12" PRIu64 " ", listing->frames,
           listing->blocks, listing->chunks, listing->archive_bytes, listing->content_bytes);
    if (listing->content_bytes)
        printf("%9.3f", bits_per_byte(listing->archive_bytes, listing->content_bytes));
    else
        printf("%9s", "-");
    printf("  %-32s  %s\n", hash, visible(name).text);
    for (int i = 1; i < listing->model_count; i++) { /* further models below the first */
        report_model(listing->models[i], hash);
        printf("%61s  %s\n", "", hash);
    }
    if (listing->more_models)
        printf("%61s  and more\n", "");
}

/* With -v. */
static void print_details(const struct codec_listing *listing) {
    printf("  %-13s %s\n", "content hash",
           listing->unchecked == 0                 ? "XXH64"
           : listing->unchecked == listing->frames ? "none"
                                                   : "XXH64, not in every frame");
    printf("  %-13s %" PRIu64 " in %" PRIu64 " bytes\n", "skippable", listing->notes, listing->note_bytes);
    if (listing->seek_tables)
        printf("  %-13s in %" PRIu64 " frames, %" PRIu64 " places to begin beside their starts\n",
               "seek tables", listing->seek_tables, listing->restarts);
    report_comments(listing);
}

/* "model" is the first of "models"; no model is null. */
static void add_models(struct json_line *line, const struct codec_listing *listing) {
    char hashes[CODEC_MODELS_LISTED][MODEL_HASH_TEXT];
    const char *texts[CODEC_MODELS_LISTED] = {NULL};
    for (int i = 0; i < listing->model_count; i++) {
        report_model(listing->models[i], hashes[i]);
        texts[i] = codec_is_bare(listing->models[i]) ? NULL : hashes[i];
    }
    json_line_text(line, "model", texts[0]);
    json_line_texts(line, "models", texts, listing->model_count);
}

static void print_json(const char *name, const struct codec_listing *listing) {
    struct json_line line;
    json_line_begin(&line);
    json_line_text(&line, "file", name);
    add_models(&line, listing);
    json_line_integer(&line, "version", (uint64_t)listing->version);
    json_line_integer(&line, "frames", listing->frames);
    json_line_integer(&line, "blocks", listing->blocks);
    json_line_integer(&line, "chunks", listing->chunks);
    json_line_integer(&line, "content_bytes", listing->content_bytes);
    json_line_integer(&line, "archive_bytes", listing->archive_bytes);
    json_line_number(&line, "bits_per_byte", bits_per_byte(listing->archive_bytes, listing->content_bytes));
    json_line_integer(&line, "ir_chunks", listing->ir_chunks);
    json_line_integer(&line, "ir_coded_bytes", listing->ir_coded_bytes);
    json_line_integer(&line, "hybrid_chunks", listing->hybrid_chunks);
    json_line_integer(&line, "hybrid_coded_bytes", listing->hybrid_coded_bytes);
    json_line_integer(&line, "text_chunks", listing->text_chunks);
    json_line_integer(&line, "text_coded_bytes", listing->text_coded_bytes);
    json_line_integer(&line, "bytes_chunks", listing->bytes_chunks);
    json_line_integer(&line, "bytes_coded_bytes", listing->bytes_coded_bytes);
    json_line_integer(&line, "fallback_chunks", listing->fallback_chunks);
    json_line_integer(&line, "fallback_coded_bytes", listing->fallback_coded_bytes);
    json_line_integer(&line, "unchecked_frames", listing->unchecked);
    json_line_integer(&line, "seek_tables", listing->seek_tables);
    json_line_integer(&line, "restarts", listing->restarts);
    json_line_integer(&line, "skippable_frames", listing->notes);
    json_line_integer(&line, "skippable_bytes", listing->note_bytes);
    if (listing->comments)
        json_line_text(&line, "comment", listing->comment);
    json_line_end(&line);
}

static enum status list_file(void *context, const struct transfer_file *file) {
    struct list *self = context;
    struct codec_listing listing;
    TRY(codec_list(file->input, &listing));
    if (self->json)
        print_json(file->name, &listing);
    else
        print_row(self, file->name, &listing);
    if (self->verbose && !self->json)
        print_details(&listing);
    return STATUS_OK;
}

enum status command_list(int argc, char **argv) {
    struct list self = {0};
    struct setup setup = {0};
    struct transfer transfer = {.program = "laconic list",
                                .naming = TRANSFER_NO_OUTPUT,
                                .binary_input = true,
                                .folder_advice = ARCHIVES_IN_FOLDER,
                                .run = list_file,
                                .context = &self};
    char **files;
    int file_count;
    const struct cli_option options[] = {
        TRANSFER_FILES_OPTIONS(&transfer),
        {"json", 0, NULL, "print a line of JSON per file", CLI_FLAG, &self.json},
        SETUP_LOG_OPTIONS(&setup),
        CLI_END};
    const struct cli_command command = {
        "laconic list", "[--json] [-v] FILE.lcn...",
        "Say what archives contain and which model they need; no model is read.", NULL, options};
    TRY(cli_parse(&command, argc, argv, &files, &file_count));
    setup_log(&setup);
    self.verbose = setup.verbose;
    TRY(transfer_begin(&transfer, self.json, &files, &file_count));
    enum status status = transfer_all(&transfer, files, file_count);
    transfer_end(&transfer);
    return status;
}
