/* Other compressors on the same file, measured by `laconic experiment baselines --all`. */
#include <stdio.h>
#include <string.h>
#include "base/process.h"
#include "codec.h"
#include "store/json_find.h"

const struct codec_baseline codec_baselines[CODEC_BASELINES] = {
    {"gzip", "gzip -9", "gzip"},  {"bzip2", "bzip2 -9", "bzip2"},
    {"zstd", "zstd -19", "zstd"}, {"zstd_ultra", "zstd --ultra -22", "zstd"},
    {"xz", "xz -9e", "xz-utils"}, {"brotli", "brotli -q 11 -w 24", "brotli"},
    {"zpaq", "zpaq -m5", "zpaq"},
};

struct figure {
    const char *name;
    double value;
};

static enum status read_baseline(const char *json, const char *key, struct codec_result *result) {
    static const char where[] = "experiment baselines --json";
    struct figure figures[] = {{"bytes", 0},
                               {"compress_seconds", 0},
                               {"decompress_seconds", 0},
                               {"compress_peak_kib", 0},
                               {"decompress_peak_kib", 0}};
    char path[80];
    snprintf(path, sizeof path, "total.%s.bytes", key);
    result->missing = json_find_number(json, where, path, &figures[0].value) != STATUS_OK;
    if (result->missing)
        return STATUS_OK;
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        snprintf(path, sizeof path, "total.%s.%s", key, figures[i].name);
        TRY(json_find_number(json, where, path, &figures[i].value));
    }
    result->archive_bytes = (uint64_t)figures[0].value;
    result->compress = (struct codec_cost){figures[1].value, figures[1].value, (uint64_t)figures[3].value};
    result->decompress = (struct codec_cost){figures[2].value, figures[2].value, (uint64_t)figures[4].value};
    result->exact = true; /* it fails where a file does not come back */
    return STATUS_OK;
}

enum status codec_run_baselines(const struct codec_bench *bench, const char *path,
                                struct codec_result results[CODEC_BASELINES]) {
    const char *argv[] = {bench->experiment, "baselines", "--all", "--json", "--", path, NULL};
    struct process_outcome outcome;
    struct buffer json = {0};
    double bytes = 0;
    memset(results, 0, CODEC_BASELINES * sizeof *results);
    enum status status = process_run(&(struct process){.argv = argv}, &json, &outcome);
    if (status == STATUS_OK && !outcome.found)
        status = fail(STATUS_IO, "cannot start %s", argv[0]);
    if (status == STATUS_OK)
        status = process_last_line(&json);
    if (status == STATUS_OK)
        status =
            json_find_number((const char *)json.data, "experiment baselines --json", "total.bytes", &bytes);
    for (int i = 0; i < CODEC_BASELINES && status == STATUS_OK; i++) {
        results[i].input_bytes = (uint64_t)bytes;
        status = read_baseline((const char *)json.data, codec_baselines[i].key, &results[i]);
    }
    buffer_free(&json);
    return status;
}
