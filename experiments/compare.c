/* Compresses each file with laconic, restores it, compares byte for byte, and asks laconic what it saw. */
#include "compare.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/cli.h"
#include "comparison.h"
#include "process.h"
#include "store/json_find.h"

enum { COMPARE_SIZE = 1 << 16 };

/* The program under test and where its files go. */
struct workplace {
    const char *model;
    char *laconic, *folder, *archive, *restored; /* owned */
};

static enum status fail_memory(void) {
    return fail(STATUS_MEMORY, "cannot keep a path: memory ran out");
}

/* Removes what workplace_open() and the runs made; safe on a zeroed workplace. */
static void workplace_close(struct workplace *place) {
    if (place->archive)
        unlink(place->archive);
    if (place->restored)
        unlink(place->restored);
    if (place->folder)
        rmdir(place->folder);
    free(place->restored);
    free(place->archive);
    free(place->folder);
    free(place->laconic);
    *place = (struct workplace){0};
}

static enum status make_folder(char **folder) {
    const char *parent = getenv("TMPDIR");

    if (asprintf(folder, "%s/laconic-compare-XXXXXX", parent && *parent ? parent : "/tmp") < 0) {
        *folder = NULL;
        return fail_memory();
    }
    if (mkdtemp(*folder))
        return STATUS_OK;
    enum status status =
        fail(STATUS_IO, "cannot make a temporary folder %s: %s; set TMPDIR to one that can be written",
             *folder, strerror(errno));
    free(*folder);
    *folder = NULL;
    return status;
}

static enum status workplace_open(struct workplace *place, const char *model) {
    enum status status = process_beside("laconic", &place->laconic);

    place->model = model;
    if (status == STATUS_OK)
        status = make_folder(&place->folder);
    if (status == STATUS_OK && asprintf(&place->archive, "%s/archive.lcn", place->folder) < 0) {
        place->archive = NULL;
        status = fail_memory();
    }
    if (status == STATUS_OK && asprintf(&place->restored, "%s/restored", place->folder) < 0) {
        place->restored = NULL;
        status = fail_memory();
    }
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

/* Runs a command with --json and cuts its output down to the last line, the object. */
static enum status run_for_json(const char *const *argv, struct buffer *json) {
    json->size = 0;
    TRY(run_laconic(argv, json, NULL));
    while (json->size && json->data[json->size - 1] == '\n')
        json->size--;
    TRY(buffer_append_byte(json, '\0'));
    char *line = memrchr(json->data, '\n', json->size);
    if (line) {
        size_t skip = (size_t)(line + 1 - (char *)json->data);
        memmove(json->data, line + 1, json->size - skip);
        json->size -= skip;
    }
    return STATUS_OK;
}

/* Byte number of the first difference is part of the sentence: it is where the search for the fault begins.
 */
static enum status compare_streams(FILE *one, FILE *other, const char *path) {
    static unsigned char a[COMPARE_SIZE], b[COMPARE_SIZE];
    uint64_t done = 0;

    for (;;) {
        size_t a_count = fread(a, 1, sizeof a, one), b_count = fread(b, 1, sizeof b, other);
        size_t both = a_count < b_count ? a_count : b_count, same = 0;
        while (same < both && a[same] == b[same])
            same++;
        if (same < both || a_count != b_count)
            return fail(STATUS_MISMATCH, "%s was not restored: byte %" PRIu64 " is the first that differs",
                        path, done + same);
        if (ferror(one) || ferror(other))
            return fail(STATUS_IO, "cannot compare %s with what was restored: %s", path, strerror(errno));
        if (a_count == 0)
            return STATUS_OK;
        done += a_count;
    }
}

static enum status compare_files(const char *path, const char *restored) {
    FILE *one = fopen(path, "rb"), *other = fopen(restored, "rb");
    enum status status;

    if (one && other)
        status = compare_streams(one, other, path);
    else
        status = fail(STATUS_IO, "cannot read %s: %s", one ? restored : path, strerror(errno));
    if (other)
        fclose(other);
    if (one)
        fclose(one);
    return status;
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
    const char *argv[] = {place->laconic, "list", "--json", place->archive, NULL};
    struct figure figures[] = {
        {.key = "chunks"}, {.key = "ir_chunks"}, {.key = "ir_coded_bytes"}, {.key = "fallback_coded_bytes"}};

    TRY(ask_laconic(argv, figures, 4));
    comparison->chunks = (uint64_t)figures[0].value;
    comparison->ir_chunks = (uint64_t)figures[1].value;
    comparison->ir_bytes = (uint64_t)figures[2].value;
    comparison->fallback_bytes = (uint64_t)figures[3].value;
    return measure_file(place->archive, &comparison->archive_bytes);
}

/* After read_archive(): the shares are of its chunks. An empty file has no shares. */
static enum status evaluate(const struct workplace *place, const char *path, struct comparison *comparison) {
    const char *argv[] = {place->laconic, "evaluate", "-m", place->model, "--json", "--", path, NULL};
    struct figure figures[] = {{.key = "model_bytes"}, {.key = "ir_tokens_per_byte"}, {.key = "exact_match"}};

    TRY(ask_laconic(argv, figures, comparison->input_bytes ? 3 : 1));
    comparison->model_bytes = (uint64_t)figures[0].value;
    comparison->ir_tokens = figures[1].value * (double)comparison->input_bytes;
    comparison->exact_chunks = figures[2].value * (double)comparison->chunks;
    return STATUS_OK;
}

static enum status compare_one(const struct workplace *place, const char *path,
                               struct comparison *comparison) {
    const char *compress[] = {place->laconic, "compress", "-m",           place->model, "--mode", "ir",
                              "-f",           "-o",       place->archive, "--",         path,     NULL};
    const char *decompress[] = {place->laconic, "decompress",    "-m", place->model,   "-f",
                                "-o",           place->restored, "--", place->archive, NULL};

    *comparison = (struct comparison){0};
    TRY(measure_file(path, &comparison->input_bytes));
    TRY(run_laconic(compress, NULL, &comparison->compress_seconds));
    TRY(run_laconic(decompress, NULL, &comparison->decompress_seconds));
    TRY(compare_files(path, place->restored));
    TRY(read_archive(place, comparison));
    TRY(evaluate(place, path, comparison));
    return baselines_measure(path, comparison->input_bytes, &comparison->baselines);
}

static enum status compare_all(const struct workplace *place, char **files, int count, bool as_json,
                               struct buffer *json) {
    struct comparison total = {0}, one;

    TRY(buffer_printf(json, "{\"files\": ["));
    for (int i = 0; i < count; i++) {
        TRY(compare_one(place, files[i], &one));
        if (!as_json)
            comparison_print(stdout, files[i], &one);
        fflush(stdout);
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
    "Each file is compressed in mode ir into a temporary folder (TMPDIR), restored and\n"
    "compared byte for byte. Bits per byte are bits per byte of the whole file. Exit\n"
    "code 0 only if every file was restored exactly.\n";

enum status command_compare(int argc, char **argv) {
    const char *model = getenv("LACONIC_MODEL");
    bool as_json = false;
    struct cli_option options[] = {
        {"model", 'm', "MODEL.h5", "the trained pair (default: LACONIC_MODEL)", CLI_TEXT, &model},
        {"json", 0, NULL, "one JSON object on the last line instead of tables", CLI_FLAG, &as_json},
        CLI_END};
    struct cli_command command = {"laconic experiment compare", "[-m MODEL.h5] [--json] FILE...",
                                  "Compress files with a trained pair and with gzip, xz and zstd.",
                                  compare_details, options};
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
    TRY(workplace_open(&place, model));
    enum status status = compare_all(&place, files, count, as_json, &json);
    if (status == STATUS_OK && as_json)
        puts((const char *)json.data);
    buffer_free(&json);
    workplace_close(&place);
    return status;
}
