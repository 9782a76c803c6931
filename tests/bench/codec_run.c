/* Runs `compress`, `decompress` and `evaluate` as processes of their own: so wall time is what a user waits,
 * and the system counts each one's memory apart. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "base/place.h"
#include "base/process.h"
#include "bench.h"
#include "codec.h"
#include "store/json_find.h"

enum { ARGUMENTS = 24 };

const char *const codec_methods[CODEC_METHODS] = {"ir", "hybrid", "text", "bytes", "fallback"};

/* ---- command lines ---- */

struct command {
    const char *argv[ARGUMENTS + 1];
    int count;
    char threads[24], level[12];
};

static void add(struct command *command, const char *argument) {
    command->argv[command->count++] = argument;
}

static void begin_command(struct command *command, const struct codec_bench *bench, const char *name) {
    *command = (struct command){.count = 0};
    add(command, bench->laconic);
    add(command, name);
    add(command, "-q");
    add(command, "-m");
    add(command, bench->model);
    if (bench->threads) {
        snprintf(command->threads, sizeof command->threads, "%ld", bench->threads);
        add(command, "-T");
        add(command, command->threads);
    }
    if (bench->cpu) {
        add(command, "--cpu");
        add(command, bench->cpu);
    }
}

static void begin_transfer(struct command *command, const struct codec_bench *bench, const char *name,
                           const char *from, const char *to) {
    begin_command(command, bench, name);
    const char *const rest[] = {"--json", "-f", "-o", to, "--", from};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        add(command, rest[i]);
}

/* Options stand in front of "--". */
static void add_setting(struct command *command, const struct codec_setting *setting) {
    const char *from = command->argv[command->count - 1];
    command->count -= 2;
    add(command, "--mode");
    add(command, setting->mode);
    if (setting->level) {
        snprintf(command->level, sizeof command->level, "%d", setting->level);
        add(command, "--level");
        add(command, command->level);
    }
    add(command, "--");
    add(command, from);
}

/* ---- measuring ---- */

static enum status run_once(const struct command *command, struct buffer *json,
                            struct process_outcome *outcome) {
    json->size = 0;
    TRY(process_run(&(struct process){.argv = command->argv}, json, outcome));
    if (!outcome->found)
        return fail(STATUS_IO, "cannot start %s", command->argv[0]);
    return process_last_line(json);
}

/* The last run's object stays in `json`. */
static enum status run_repeatedly(const struct command *command, long repeat, struct buffer *json,
                                  struct codec_cost *cost) {
    double seconds[CODEC_REPEATS_MOST];
    struct process_outcome outcome;
    *cost = (struct codec_cost){0};
    for (long i = 0; i < repeat; i++) {
        TRY(run_once(command, json, &outcome));
        seconds[i] = outcome.seconds;
        cost->peak_kib = outcome.peak_kib > cost->peak_kib ? outcome.peak_kib : cost->peak_kib;
    }
    cost->median = timing_median(seconds, (int)repeat); /* sorts */
    cost->best = seconds[0];
    return STATUS_OK;
}

/* A method that this laconic does not have counts nothing. */
static void read_shares(const char *json, struct codec_share shares[CODEC_METHODS]) {
    for (int i = 0; i < CODEC_METHODS; i++) {
        char key[40];
        double input = 0, coded = 0;
        snprintf(key, sizeof key, "%s_input_bytes", codec_methods[i]);
        bool known = json_find_number(json, "compress --json", key, &input) == STATUS_OK;
        snprintf(key, sizeof key, "%s_coded_bytes", codec_methods[i]);
        if (known && json_find_number(json, "compress --json", key, &coded) == STATUS_OK)
            shares[i] = (struct codec_share){(uint64_t)input, (uint64_t)coded};
    }
}

static enum status check(const struct codec_bench *bench, const char *path, struct codec_result *result) {
    enum status status = trial_check(&bench->trial, path);
    result->exact = status == STATUS_OK;
    if (status != STATUS_MISMATCH)
        return status;
    log_warning("%s", fail_sentence());
    return STATUS_OK;
}

static enum status run_both(const struct codec_bench *bench, const struct codec_setting *setting,
                            const char *path, struct buffer *json, struct codec_result *result) {
    const struct trial *trial = &bench->trial;
    struct command command;
    trial_clear(trial);
    begin_transfer(&command, bench, "compress", path, trial->archive);
    add_setting(&command, setting);
    TRY(run_repeatedly(&command, bench->repeat, json, &result->compress));
    read_shares((const char *)json->data, result->shares);
    TRY(trial_measure(trial->archive, &result->archive_bytes));
    begin_transfer(&command, bench, "decompress", trial->archive, trial->restored);
    TRY(run_repeatedly(&command, bench->repeat, json, &result->decompress));
    return check(bench, path, result);
}

enum status codec_run(const struct codec_bench *bench, const struct codec_setting *setting, const char *path,
                      struct codec_result *result) {
    struct buffer json = {0};
    *result = (struct codec_result){0};
    TRY(trial_measure(path, &result->input_bytes));
    enum status status = run_both(bench, setting, path, &json, result);
    buffer_free(&json);
    return status;
}

static void add_cost(struct codec_cost *total, const struct codec_cost *cost) {
    total->median += cost->median;
    total->best += cost->best;
    total->peak_kib = cost->peak_kib > total->peak_kib ? cost->peak_kib : total->peak_kib;
}

void codec_result_add(struct codec_result *total, const struct codec_result *result) {
    bool first = total->input_bytes == 0 && total->archive_bytes == 0;
    total->exact = (first || total->exact) && result->exact;
    total->missing = total->missing || result->missing;
    total->input_bytes += result->input_bytes;
    total->archive_bytes += result->archive_bytes;
    add_cost(&total->compress, &result->compress);
    add_cost(&total->decompress, &result->decompress);
    for (int i = 0; i < CODEC_METHODS; i++) {
        total->shares[i].input_bytes += result->shares[i].input_bytes;
        total->shares[i].coded_bytes += result->shares[i].coded_bytes;
    }
}

/* ---- the programs and the model ---- */

/* `evaluate` of nothing tells what the model takes as it is stored for use, and how many weights there are.
 */
static enum status measure_model(struct codec_bench *bench) {
    struct command command;
    struct process_outcome outcome;
    struct buffer json = {0};
    static const char where[] = "evaluate --json";
    double bytes = 0, weights = 0;
    begin_command(&command, bench, "evaluate");
    add(&command, "--json");
    add(&command, "--");
    add(&command, "/dev/null");
    enum status status = run_once(&command, &json, &outcome);
    if (status == STATUS_OK)
        status = json_find_number((const char *)json.data, where, "model_bytes", &bytes);
    if (status == STATUS_OK)
        status = json_find_number((const char *)json.data, where, "parameters", &weights);
    buffer_free(&json);
    bench->model_bytes = (uint64_t)bytes;
    bench->weight_bytes = (uint64_t)weights;
    return status;
}

static enum status make_empty(struct codec_bench *bench) {
    if (asprintf(&bench->empty, "%s/empty", bench->trial.folder) < 0) {
        bench->empty = NULL;
        return fail(STATUS_MEMORY, "cannot keep a path: memory ran out");
    }
    FILE *file = fopen(bench->empty, "wb");
    if (!file)
        return fail(STATUS_IO, "cannot write %s: %s", bench->empty, strerror(errno));
    fclose(file);
    return STATUS_OK;
}

enum status codec_bench_open(struct codec_bench *bench) {
    enum status status = place_program("laconic-infer", &bench->laconic);
    if (status == STATUS_OK)
        status = place_program("laconic-experiment", &bench->experiment);
    if (status == STATUS_OK)
        status = measure_model(bench);
    if (status == STATUS_OK)
        status = trial_open(&bench->trial, "laconic-bench");
    if (status == STATUS_OK)
        status = make_empty(bench);
    if (status != STATUS_OK)
        codec_bench_close(bench);
    return status;
}

void codec_bench_close(struct codec_bench *bench) {
    if (bench->empty)
        unlink(bench->empty);
    trial_close(&bench->trial);
    free(bench->empty);
    free(bench->laconic);
    free(bench->experiment);
    bench->laconic = bench->experiment = bench->empty = NULL;
}
