/* `laconic experiment baselines`. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include "base/cli.h"
#include "base/json_text.h"
#include "base/trial.h"
#include "base/visible.h"
#include "baselines.h"

static enum status print_table(const char *title, uint64_t input_bytes, const struct baseline_sizes *sizes) {
    struct size_row rows[BASELINE_COUNT];
    char notes[BASELINE_COUNT][96], bytes[THOUSANDS_CAPACITY];

    baselines_rows(sizes, rows);
    for (int i = 0; i < sizes->count; i++) {
        if (sizes->bytes[i] < 0)
            continue;
        snprintf(notes[i], sizeof notes[i], "in %.3f s, decompressed in %.3f s", sizes->compress[i].seconds,
                 sizes->decompress[i].seconds);
        rows[i].note = notes[i];
    }
    printf("%s: %s bytes\n", visible(title).text, thousands(input_bytes, bytes));
    sizes_print(stdout, rows, sizes->count, input_bytes);
    putchar('\n');
    return cli_flush();
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

static enum status measure_all(char **files, int count, int baselines, bool as_json, struct buffer *json) {
    struct baseline_sizes total = {.count = baselines};
    uint64_t total_bytes = 0;

    TRY(buffer_printf(json, "{\"files\": ["));
    for (int i = 0; i < count; i++) {
        struct baseline_sizes sizes;
        uint64_t bytes;
        TRY(trial_measure(files[i], &bytes));
        TRY(baselines_measure(files[i], bytes, baselines, &sizes));
        if (!as_json)
            TRY(print_table(files[i], bytes, &sizes));
        TRY(buffer_printf(json, "%s", i ? ", " : ""));
        TRY(append_object(json, files[i], bytes, &sizes));
        baselines_add(&total, &sizes);
        total_bytes += bytes;
    }
    if (!as_json && count > 1)
        TRY(print_table("total", total_bytes, &total));
    TRY(buffer_printf(json, "], \"total\": "));
    TRY(append_object(json, NULL, total_bytes, &total));
    return buffer_printf(json, "}");
}

static const char baselines_details[] =
    "The commands themselves are run, in a temporary folder (TMPDIR), and every file is\n"
    "decompressed and compared. Each is compressed on its own, so the total is that of\n"
    "separate archives. zpaq's archive also holds a name, a date and checksums.\n";

enum status command_baselines(int argc, char **argv) {
    bool as_json = false, all = false;
    struct cli_option options[] = {
        {"all", 0, NULL, "bzip2 -9, zstd --ultra -22, brotli -q 11 -w 24 and zpaq -m5 (slow) too", CLI_FLAG,
         &all},
        {"json", 0, NULL, "one JSON object on the last line instead of tables", CLI_FLAG, &as_json},
        CLI_END};
    struct cli_command command = {"laconic experiment baselines", "[--all] [--json] FILE...",
                                  "Measure what gzip -9, xz -9e and zstd -19 make of files.",
                                  baselines_details, options};
    char **files;
    int count;
    struct buffer json = {0};

    TRY(cli_parse(&command, argc, argv, &files, &count));
    if (count == 0)
        return fail(STATUS_USAGE, "no FILE given; see laconic experiment baselines --help");
    enum status status = measure_all(files, count, all ? BASELINE_COUNT : BASELINE_COMMON, as_json, &json);
    if (status == STATUS_OK && as_json)
        puts((const char *)json.data);
    buffer_free(&json);
    return status;
}
