/* Other compressors measured. */
#include "baselines.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/process.h"
#include "base/trial.h"

/* In an argument list: the file itself, its archive, the restored file, and "--stream-size=BYTES", since zstd
 * chooses its parameters by the input's size, which a pipe does not tell. */
static const char input_path[] = "INPUT", archive_path[] = "ARCHIVE", restored_path[] = "RESTORED",
                  size_option[] = "SIZE";

enum { ARGUMENTS = 8 };

/* Filters read standard input and write standard output; an archiver is given names. */
struct baseline {
    const char *name, *label, *missing;
    const char *compress[ARGUMENTS], *decompress[ARGUMENTS];
    bool is_archiver;
};

static const struct baseline baselines[BASELINE_COUNT] = {
    {"gzip", "gzip -9", "not installed (Debian: gzip)", {"gzip", "-9", "-c"}, {"gzip", "-dc"}, false},
    {"xz", "xz -9e", "not installed (Debian: xz-utils)", {"xz", "-9e", "-T1", "-c"}, {"xz", "-dc"}, false},
    {"zstd",
     "zstd -19",
     "not installed (Debian: zstd)",
     {"zstd", "-19", "-q", "-c", size_option},
     {"zstd", "-dc", "-q"},
     false},
    {"bzip2", "bzip2 -9", "not installed (Debian: bzip2)", {"bzip2", "-9", "-c"}, {"bzip2", "-dc"}, false},
    {"zstd_ultra",
     "zstd --ultra -22",
     "not installed (Debian: zstd)",
     {"zstd", "--ultra", "-22", "-q", "-c", size_option},
     {"zstd", "-dc", "-q"},
     false},
    {"brotli",
     "brotli -q 11 -w 24",
     "not installed (Debian: brotli)",
     {"brotli", "-q", "11", "-w", "24", "-c"},
     {"brotli", "-dc"},
     false},
    {"zpaq",
     "zpaq -m5",
     "not installed (Debian: zpaq)",
     {"zpaq", "add", archive_path, input_path, "-to", restored_path, "-m5", "-t1"},
     {"zpaq", "extract", archive_path, "-t1"},
     true},
};

/* One baseline at one file. */
struct attempt {
    const struct baseline *baseline;
    const struct trial *trial;
    const char *input;
    char size_option[48];
};

static const char *argument_of(const struct attempt *attempt, const char *argument) {
    if (argument == input_path)
        return attempt->input;
    if (argument == archive_path)
        return attempt->trial->archive;
    if (argument == restored_path)
        return attempt->trial->restored;
    return argument == size_option ? attempt->size_option : argument;
}

/* Runs the baseline's command; a filter from the file `from` to the file `to`. False in *found: there is no
 * such command. */
static enum status run(const struct attempt *attempt, const char *const *arguments, const char *from,
                       const char *to, bool *found, struct baseline_cost *cost) {
    const char *argv[ARGUMENTS + 1] = {NULL};
    bool is_archiver = attempt->baseline->is_archiver;
    struct process process = {.argv = argv, .plain_environment = true, .discard_stderr = is_archiver};
    struct process_outcome outcome;

    for (int i = 0; i < ARGUMENTS && arguments[i]; i++)
        argv[i] = argument_of(attempt, arguments[i]);
    if (!is_archiver) {
        process.input = from;
        process.sink = fopen(to, "wb");
        if (!process.sink)
            return fail(STATUS_IO, "cannot write %s: %s", to, strerror(errno));
    }
    enum status status = process_run(&process, NULL, &outcome);
    if (process.sink && fclose(process.sink) != 0 && status == STATUS_OK)
        status = fail(STATUS_IO, "cannot write %s: %s", to, strerror(errno));
    *found = outcome.found;
    *cost = (struct baseline_cost){outcome.seconds, outcome.peak_kib};
    return status;
}

static enum status measure_one(const struct attempt *attempt, int index, struct baseline_sizes *sizes) {
    const struct baseline *baseline = attempt->baseline;
    const struct trial *trial = attempt->trial;
    uint64_t bytes;
    bool found;

    sizes->bytes[index] = -1;
    trial_clear(trial);
    TRY(run(attempt, baseline->compress, attempt->input, trial->archive, &found, &sizes->compress[index]));
    if (!found)
        return STATUS_OK;
    TRY(run(attempt, baseline->decompress, trial->archive, trial->restored, &found,
            &sizes->decompress[index]));
    TRY(trial_check(trial, attempt->input));
    TRY(trial_measure(trial->archive, &bytes));
    sizes->bytes[index] = (int64_t)bytes;
    return STATUS_OK;
}

enum status baselines_measure(const char *path, uint64_t input_bytes, int count,
                              struct baseline_sizes *sizes) {
    struct trial trial;
    struct attempt attempt = {.trial = &trial};
    enum status status = STATUS_OK;

    *sizes = (struct baseline_sizes){.count = count};
    /* the whole path, as archivers take options for names and keep links as links */
    char *whole = realpath(path, NULL);
    if (!whole)
        return fail(STATUS_IO, "cannot read %s: %s", path, strerror(errno));
    status = trial_open(&trial, "laconic-baselines");
    attempt.input = whole;
    snprintf(attempt.size_option, sizeof attempt.size_option, "--stream-size=%" PRIu64, input_bytes);
    for (int i = 0; i < count && status == STATUS_OK; i++) {
        attempt.baseline = &baselines[i];
        status = measure_one(&attempt, i, sizes);
        if (status != STATUS_OK)
            fail_context(status, "compressing %s with %s", path, baselines[i].label);
    }
    trial_close(&trial);
    free(whole);
    return status;
}

static void add_cost(struct baseline_cost *total, const struct baseline_cost *cost) {
    total->seconds += cost->seconds;
    total->peak_kib = cost->peak_kib > total->peak_kib ? cost->peak_kib : total->peak_kib;
}

void baselines_add(struct baseline_sizes *total, const struct baseline_sizes *sizes) {
    for (int i = 0; i < total->count; i++) {
        bool known = total->bytes[i] >= 0 && sizes->bytes[i] >= 0;
        total->bytes[i] = known ? total->bytes[i] + sizes->bytes[i] : -1;
        add_cost(&total->compress[i], &sizes->compress[i]);
        add_cost(&total->decompress[i], &sizes->decompress[i]);
    }
}

void baselines_rows(const struct baseline_sizes *sizes, struct size_row *rows) {
    for (int i = 0; i < sizes->count; i++)
        rows[i] = (struct size_row){.label = baselines[i].label,
                                    .bytes = sizes->bytes[i],
                                    .note = sizes->bytes[i] < 0 ? baselines[i].missing : ""};
}

static enum status append_cost(struct buffer *out, const char *what, const struct baseline_cost *cost) {
    return buffer_printf(out, ", \"%s_seconds\": %.6f, \"%s_peak_kib\": %" PRIu64, what, cost->seconds, what,
                         cost->peak_kib);
}

enum status baselines_append_json(struct buffer *out, const struct baseline_sizes *sizes,
                                  uint64_t input_bytes) {
    for (int i = 0; i < sizes->count; i++) {
        TRY(buffer_printf(out, "%s\"%s\": ", i ? ", " : "", baselines[i].name));
        TRY(sizes_append_json(out, sizes->bytes[i], input_bytes));
        if (sizes->bytes[i] < 0)
            continue;
        out->size--; /* the closing brace */
        TRY(append_cost(out, "compress", &sizes->compress[i]));
        TRY(append_cost(out, "decompress", &sizes->decompress[i]));
        TRY(buffer_printf(out, "}"));
    }
    return STATUS_OK;
}
