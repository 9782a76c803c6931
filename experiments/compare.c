/* Compresses each file with laconic, decompresses it, compares byte for byte, and asks laconic what it saw.
 */
#include "compare.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/cli.h"
#include "base/place.h"
#include "base/process.h"
#include "base/trial.h"
#include "comparison.h"
#include "store/json_find.h"

/* The program under test and where its files go. */
struct workplace {
    const char *model, *mode;
    char *laconic; /* owned */
    struct trial trial;
};

static void workplace_close(struct workplace *place) {
    trial_close(&place->trial);
    free(place->laconic);
    *place = (struct workplace){0};
}

static enum status workplace_open(struct workplace *place, const char *model, const char *mode) {
    place->model = model;
    place->mode = mode;
    TRY(place_program("laconic", &place->laconic));
    enum status status = trial_open(&place->trial, "laconic-compare");
    if (status != STATUS_OK)
        workplace_close(place);
    return status;
}

static enum status run_laconic(const char *const *argv, struct buffer *output, double *seconds) {
    struct process process = {.argv = argv};
    struct process_outcome outcome;

    TRY(process_run(&process, output, &outcome));
    if (!outcome.found)
        return fail(STATUS_IO, "cannot start %s", argv[0]);
    if (seconds)
        *seconds = outcome.seconds;
    return STATUS_OK;
}

/* Runs a command with --json for its object. */
static enum status run_for_json(const char *const *argv, struct buffer *json) {
    json->size = 0;
    TRY(run_laconic(argv, json, NULL));
    return process_last_line(json);
}

struct figure {
    const char *key;
    double value;
};

/* Fills in the figures from the object that a command with --json ends its output with. */
static enum status ask_laconic(const char *const *argv, struct figure *figures, int count) {
    struct buffer json = {0};
    enum status status = run_for_json(argv, &json);
    char where[64];

    snprintf(where, sizeof where, "the output of laconic %s --json", argv[1]);
    for (int i = 0; status == STATUS_OK && i < count; i++)
        status = json_find_number((const char *)json.data, where, figures[i].key, &figures[i].value);
    buffer_free(&json);
    return status;
}

static enum status read_archive(const struct workplace *place, struct comparison *comparison) {
    const char *argv[] = {place->laconic, "list", "--json", place->trial.archive, NULL};
    struct figure figures[] = {{.key = "chunks"},
                               {.key = "ir_chunks"},
                               {.key = "ir_coded_bytes"},
                               {.key = "fallback_coded_bytes"},
                               {.key = "hybrid_coded_bytes"},
                               {.key = "text_coded_bytes"},
                               {.key = "bytes_coded_bytes"}};

    TRY(ask_laconic(argv, figures, 7));
    comparison->chunks = (uint64_t)figures[0].value;
    comparison->ir_chunks = (uint64_t)figures[1].value;
    comparison->ir_bytes = (uint64_t)figures[2].value;
    comparison->fallback_bytes = (uint64_t)figures[3].value;
    comparison->text_bytes = (uint64_t)(figures[4].value + figures[5].value + figures[6].value);
    return trial_measure(place->trial.archive, &comparison->archive_bytes);
}

/* After read_archive(): the shares are of its chunks. An empty file has no shares. Mode ir tells what z
 * rebuilds, whatever the archive's mode. */
static enum status evaluate(const struct workplace *place, const char *path, struct comparison *comparison) {
    const char *argv[] = {place->laconic, "evaluate", "-m", place->model, "--mode",
                          "ir",           "--json",   "--", path,         NULL};
    struct figure figures[] = {{.key = "model_bytes"}, {.key = "ir_tokens_per_byte"}, {.key = "exact_match"}};

    TRY(ask_laconic(argv, figures, comparison->input_bytes ? 3 : 1));
    comparison->model_bytes = (uint64_t)figures[0].value;
    comparison->ir_tokens = figures[1].value * (double)comparison->input_bytes;
    comparison->exact_chunks = figures[2].value * (double)comparison->chunks;
    return STATUS_OK;
}

static enum status compare_one(const struct workplace *place, const char *path,
                               struct comparison *comparison) {
    const char *compress[] = {place->laconic, "compress", "-m", place->model,         "--mode",
                              place->mode,    "-f",       "-o", place->trial.archive, "--",
                              path,           NULL};
    const char *decompress[] = {place->laconic, "decompress",          "-m", place->model,         "-f",
                                "-o",           place->trial.restored, "--", place->trial.archive, NULL};

    *comparison = (struct comparison){0};
    TRY(trial_measure(path, &comparison->input_bytes));
    TRY(run_laconic(compress, NULL, &comparison->compress_seconds));
    TRY(run_laconic(decompress, NULL, &comparison->decompress_seconds));
    TRY(trial_check(&place->trial, path));
    TRY(read_archive(place, comparison));
    TRY(evaluate(place, path, comparison));
    return baselines_measure(path, comparison->input_bytes, BASELINE_COMMON, &comparison->baselines);
}

static enum status compare_all(const struct workplace *place, char **files, int count, bool as_json,
                               struct buffer *json) {
    struct comparison total = {.baselines.count = BASELINE_COMMON}, one;

    TRY(buffer_printf(json, "{\"files\": ["));
    for (int i = 0; i < count; i++) {
        TRY(compare_one(place, files[i], &one));
        if (!as_json)
            comparison_print(stdout, files[i], &one);
        TRY(cli_flush());
        TRY(buffer_printf(json, "%s", i ? ", " : ""));
        TRY(comparison_append_json(json, files[i], &one));
        comparison_add(&total, &one);
    }
    if (!as_json && count > 1)
        comparison_print(stdout, "All files together", &total);
    TRY(buffer_printf(json, "], \"total\": "));
    TRY(comparison_append_json(json, NULL, &total));
    return buffer_printf(json, "}");
}

static const char compare_details[] =
    "Each file is compressed into a temporary folder (TMPDIR), decompressed and\n"
    "compared byte for byte. In mode ir the IR part is what the tokens take and the\n"
    "fallback part the rest; in the others the text part is what goes through the\n"
    "decompressor or the context-mixing model. Bits per byte are bits per byte of the\n"
    "whole file. The model counts as 'laconic pack' stores it. Exit code 0 only if every\n"
    "file came back exactly.\n";

enum status command_compare(int argc, char **argv) {
    const char *model = getenv("LACONIC_MODEL");
    const char *mode = "ir";
    bool as_json = false;
    struct cli_option options[] = {
        {"model", 'm', "MODEL.h5", "the trained pair (default: LACONIC_MODEL)", CLI_TEXT, &model},
        {"mode", 0, "MODE", "as 'laconic compress' takes it (default: ir)", CLI_TEXT, &mode},
        {"json", 0, NULL, "one JSON object on the last line instead of tables", CLI_FLAG, &as_json},
        CLI_END};
    struct cli_command command = {
        "laconic experiment compare", "[-m MODEL.h5] [--mode MODE] [--json] FILE...",
        "Compress files with a trained pair and with gzip, xz and zstd.", compare_details, options};
    char **files;
    int count;
    struct workplace place = {0};
    struct buffer json = {0};

    TRY(cli_parse(&command, argc, argv, &files, &count));
    if (count == 0)
        return fail(STATUS_USAGE, "no FILE given; see laconic experiment compare --help");
    if (!model || !*model)
        return fail(STATUS_USAGE,
                    "which model? Give -m MODEL.h5 or set LACONIC_MODEL; laconic train makes one");
    TRY(workplace_open(&place, model, mode));
    enum status status = compare_all(&place, files, count, as_json, &json);
    if (status == STATUS_OK && as_json)
        puts((const char *)json.data);
    buffer_free(&json);
    workplace_close(&place);
    return status;
}
