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
#include "store/model_find.h"

/* The program under test and where its files go. */
struct workplace {
    char *model;     /* owned */
    char *mode_list; /* owned; `modes` point into it */
    const char *modes[COMPARISON_MODES];
    int mode_count;
    char *laconic; /* owned */
    struct trial trial;
};

static void workplace_close(struct workplace *place) {
    trial_close(&place->trial);
    free(place->laconic);
    free(place->model);
    free(place->mode_list);
    *place = (struct workplace){0};
}

/* One of those that `laconic compress --mode` knows, and not there yet. */
static enum status add_mode(struct workplace *place, const char *mode) {
    static const char *const known[COMPARISON_MODES] = {"ir", "hybrid", "lm", "auto"};
    bool is_known = false;

    for (int i = 0; i < COMPARISON_MODES; i++)
        is_known = is_known || strcmp(mode, known[i]) == 0;
    if (!is_known)
        return fail(STATUS_USAGE, "--mode takes some of ir, hybrid, lm and auto, with commas, not '%s'",
                    mode);
    for (int i = 0; i < place->mode_count; i++)
        if (strcmp(mode, place->modes[i]) == 0)
            return fail(STATUS_USAGE, "--mode names %s twice; keep one", mode);
    place->modes[place->mode_count++] = mode;
    return STATUS_OK;
}

/* Cuts "ir,auto" at its commas. */
static enum status read_modes(struct workplace *place, const char *list) {
    place->mode_list = strdup(list);
    if (!place->mode_list)
        return fail(STATUS_MEMORY, "no memory for %zu bytes of modes", strlen(list));
    for (char *next = place->mode_list, *mode; (mode = strsep(&next, ","));)
        TRY(add_mode(place, mode));
    return STATUS_OK;
}

/* The model given, else the default, so that every program reads the same. */
static enum status choose_model(struct workplace *place, const char *model) {
    struct model_pair pair;

    if (model) {
        place->model = strdup(model);
        return place->model ? STATUS_OK : fail(STATUS_MEMORY, "no memory for the path of a model");
    }
    TRY(model_load_default(&pair, &place->model));
    model_pair_free(&pair);
    return STATUS_OK;
}

static enum status workplace_open(struct workplace *place, const char *model, const char *modes) {
    enum status status = read_modes(place, modes);
    if (status == STATUS_OK)
        status = choose_model(place, model);
    if (status == STATUS_OK)
        status = place_program("laconic", &place->laconic);
    if (status == STATUS_OK)
        status = trial_open(&place->trial, "laconic-compare");
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

static enum status read_archive(const struct workplace *place, struct comparison_mode *mode) {
    const char *argv[] = {place->laconic, "list", "--json", place->trial.archive, NULL};
    struct figure figures[PART_COUNT + 1];
    char keys[PART_COUNT][32];

    for (int i = 0; i < PART_COUNT; i++) {
        snprintf(keys[i], sizeof keys[i], "%s_coded_bytes", comparison_part_names[i]);
        figures[i] = (struct figure){.key = keys[i]};
    }
    figures[PART_COUNT] = (struct figure){.key = "ir_chunks"};
    TRY(ask_laconic(argv, figures, PART_COUNT + 1));
    for (int i = 0; i < PART_COUNT; i++)
        mode->part_bytes[i] = (uint64_t)figures[i].value;
    mode->ir_chunks = (uint64_t)figures[PART_COUNT].value;
    return trial_measure(place->trial.archive, &mode->archive_bytes);
}

/* What z rebuilds, whatever the modes of the archives. An empty file has no shares. */
static enum status evaluate(const struct workplace *place, const char *path, struct comparison *comparison) {
    const char *argv[] = {place->laconic, "evaluate", "-m", place->model, "--mode",
                          "ir",           "--json",   "--", path,         NULL};
    struct figure figures[] = {
        {.key = "model_bytes"}, {.key = "chunks"}, {.key = "ir_tokens_per_byte"}, {.key = "exact_match"}};

    TRY(ask_laconic(argv, figures, comparison->input_bytes ? 4 : 2));
    comparison->model_bytes = (uint64_t)figures[0].value;
    comparison->chunks = (uint64_t)figures[1].value;
    comparison->ir_tokens = figures[2].value * (double)comparison->input_bytes;
    comparison->exact_chunks = figures[3].value * (double)comparison->chunks;
    return STATUS_OK;
}

static enum status compare_mode(const struct workplace *place, const char *path,
                                struct comparison_mode *mode) {
    const char *compress[] = {place->laconic, "compress", "-m", place->model,         "--mode",
                              mode->name,     "-f",       "-o", place->trial.archive, "--",
                              path,           NULL};
    const char *decompress[] = {place->laconic, "decompress",          "-m", place->model,         "-f",
                                "-o",           place->trial.restored, "--", place->trial.archive, NULL};

    TRY(run_laconic(compress, NULL, &mode->compress_seconds));
    TRY(run_laconic(decompress, NULL, &mode->decompress_seconds));
    TRY(trial_check(&place->trial, path));
    return read_archive(place, mode);
}

static enum status compare_one(const struct workplace *place, const char *path,
                               struct comparison *comparison) {
    *comparison = (struct comparison){.mode_count = place->mode_count};
    TRY(trial_measure(path, &comparison->input_bytes));
    for (int i = 0; i < place->mode_count; i++) {
        comparison->modes[i].name = place->modes[i];
        TRY(compare_mode(place, path, &comparison->modes[i]));
    }
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
    "Each file is compressed in every mode into a temporary folder (TMPDIR), decompressed\n"
    "and compared byte for byte. Below each mode stands what its bytes are spent on. In\n"
    "mode ir a chunk is its code z alone, where the decompressor rebuilds it, or falls back.\n"
    "Mode auto is what 'laconic compress' does by default: per block the smallest of what\n"
    "level 3 tries; codes z are tried from level 6 on. Bits per byte are bits per byte of the\n"
    "whole file. The model counts as 'laconic pack' stores it. Exit code 0 only if every file\n"
    "came back exactly.\n";

enum status command_compare(int argc, char **argv) {
    const char *model = NULL;
    const char *modes = "ir,auto";
    bool as_json = false;
    struct cli_option options[] = {
        {"model", 'm', "MODEL.h5", "the trained pair (default: LACONIC_MODEL, else default.h5)", CLI_TEXT,
         &model},
        {"mode", 0, "LIST", "modes of 'laconic compress', with commas (default: ir,auto)", CLI_TEXT, &modes},
        {"json", 0, NULL, "one JSON object on the last line instead of tables", CLI_FLAG, &as_json},
        CLI_END};
    struct cli_command command = {
        "laconic experiment compare", "[-m MODEL.h5] [--mode LIST] [--json] FILE...",
        "Compress files with a trained pair and with gzip, xz and zstd.", compare_details, options};
    char **files;
    int count;
    struct workplace place = {0};
    struct buffer json = {0};

    TRY(cli_parse(&command, argc, argv, &files, &count));
    if (count == 0)
        return fail(STATUS_USAGE, "no FILE given; see laconic experiment compare --help");
    TRY(workplace_open(&place, model, modes));
    enum status status = compare_all(&place, files, count, as_json, &json);
    if (status == STATUS_OK && as_json)
        puts((const char *)json.data);
    buffer_free(&json);
    workplace_close(&place);
    return status;
}
