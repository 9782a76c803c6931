/* Peer compressors measured, and `laconic experiment baselines`. */
#include "baselines.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include "base/cli.h"
#include "base/json_text.h"
#include "process.h"

struct baseline {
    const char *name, *label, *package;
    const char *argv[5];
    bool wants_size; /* zstd chooses its parameters by the input's size, which a pipe does not tell */
};

static const struct baseline baselines[BASELINE_COUNT] = {
    {"gzip", "gzip -9", "gzip", {"gzip", "-9", "-c"}, false},
    {"xz", "xz -9e", "xz-utils", {"xz", "-9e", "-T1", "-c"}, false},
    {"zstd", "zstd -19", "zstd", {"zstd", "-19", "-q", "-c"}, true},
};

static enum status measure_one(const struct baseline *baseline, const char *path, uint64_t input_bytes,
                               struct process_outcome *outcome) {
    const char *argv[8];
    char size_option[48];
    int count = 0;

    while (baseline->argv[count]) {
        argv[count] = baseline->argv[count];
        count++;
    }
    if (baseline->wants_size) {
        snprintf(size_option, sizeof size_option, "--stream-size=%" PRIu64, input_bytes);
        argv[count++] = size_option;
    }
    argv[count] = NULL;
    struct process process = {.argv = argv, .input = path, .plain_environment = true};
    return process_run(&process, NULL, outcome);
}

enum status baselines_measure(const char *path, uint64_t input_bytes, struct baseline_sizes *sizes) {
    for (int i = 0; i < BASELINE_COUNT; i++) {
        struct process_outcome outcome;
        enum status status = measure_one(&baselines[i], path, input_bytes, &outcome);
        if (status != STATUS_OK)
            return fail_context(status, "compressing %s with %s", path, baselines[i].label);
        sizes->bytes[i] = outcome.found ? (int64_t)outcome.output_bytes : -1;
        sizes->seconds[i] = outcome.seconds;
    }
    return STATUS_OK;
}

void baselines_add(struct baseline_sizes *total, const struct baseline_sizes *sizes) {
    for (int i = 0; i < BASELINE_COUNT; i++) {
        bool known = total->bytes[i] >= 0 && sizes->bytes[i] >= 0;
        total->bytes[i] = known ? total->bytes[i] + sizes->bytes[i] : -1;
        total->seconds[i] += sizes->seconds[i];
    }
}

void baselines_rows(const struct baseline_sizes *sizes, struct size_row rows[BASELINE_COUNT]) {
    for (int i = 0; i < BASELINE_COUNT; i++)
        rows[i] = (struct size_row){.label = baselines[i].label,
                                    .bytes = sizes->bytes[i],
                                    .note = sizes->bytes[i] < 0 ? "not installed" : ""};
}

enum status baselines_append_json(struct buffer *out, const struct baseline_sizes *sizes,
                                  uint64_t input_bytes) {
    for (int i = 0; i < BASELINE_COUNT; i++) {
        TRY(buffer_printf(out, "%s\"%s\": ", i ? ", " : "", baselines[i].name));
        TRY(sizes_append_json(out, sizes->bytes[i], input_bytes));
    }
    return STATUS_OK;
}

static void print_table(const char *title, uint64_t input_bytes, const struct baseline_sizes *sizes) {
    struct size_row rows[BASELINE_COUNT];
    char bytes[THOUSANDS_ROOM];

    baselines_rows(sizes, rows);
    printf("%s: %s bytes\n", title, thousands(input_bytes, bytes));
    sizes_print(stdout, rows, BASELINE_COUNT, input_bytes);
    putchar('\n');
}

static enum status append_object(struct buffer *json, const char *path, uint64_t input_bytes,
                                 const struct baseline_sizes *sizes) {
    TRY(buffer_printf(json, "{"));
    if (path) {
        TRY(buffer_printf(json, "\"file\": "));
        TRY(json_text_append(json, path));
        TRY(buffer_printf(json, ", "));
    }
    TRY(buffer_printf(json, "\"bytes\": %" PRIu64 ", ", input_bytes));
    TRY(baselines_append_json(json, sizes, input_bytes));
    return buffer_printf(json, "}");
}

static enum status measure_all(char **files, int count, bool as_json, struct buffer *json) {
    struct baseline_sizes total = {0};
    uint64_t total_bytes = 0;

    TRY(buffer_printf(json, "{\"files\": ["));
    for (int i = 0; i < count; i++) {
        struct baseline_sizes sizes;
        uint64_t bytes;
        TRY(measure_file(files[i], &bytes));
        TRY(baselines_measure(files[i], bytes, &sizes));
        if (!as_json)
            print_table(files[i], bytes, &sizes);
        TRY(buffer_printf(json, "%s", i ? ", " : ""));
        TRY(append_object(json, files[i], bytes, &sizes));
        baselines_add(&total, &sizes);
        total_bytes += bytes;
    }
    if (!as_json && count > 1)
        print_table("total", total_bytes, &total);
    TRY(buffer_printf(json, "], \"total\": "));
    TRY(append_object(json, NULL, total_bytes, &total));
    return buffer_printf(json, "}");
}

static const char baselines_details[] =
    "The commands themselves are run; nothing is written. Each file is compressed on\n"
    "its own, so the total is that of separate archives.\n";

enum status command_baselines(int argc, char **argv) {
    bool as_json = false;
    struct cli_option options[] = {
        {"json", 0, NULL, "one JSON object on the last line instead of tables", CLI_FLAG, &as_json}, CLI_END};
    struct cli_command command = {"laconic experiment baselines", "[--json] FILE...",
                                  "Measure what gzip -9, xz -9e and zstd -19 make of files.",
                                  baselines_details, options};
    char **files;
    int count;
    struct buffer json = {0};

    TRY(cli_parse(&command, argc, argv, &files, &count));
    if (count == 0)
        return fail(STATUS_USAGE, "no FILE given; see laconic experiment baselines --help");
    enum status status = measure_all(files, count, as_json, &json);
    if (status == STATUS_OK && as_json)
        puts((const char *)json.data);
    buffer_free(&json);
    return status;
}
