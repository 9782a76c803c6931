/* laconic bench codec: files through `laconic compress` and back, in several modes and levels, beside others.
 */
#include "codec.h"
#include <stdio.h>
#include <stdlib.h>
#include "base/cli.h"
#include "base/log.h"
#include "base/signals.h"
#include "base/threads.h"
#include "bench.h"
#include "kernels/cpu.h"

/* Sums over files, where there are several. */
struct totals {
    struct codec_result startups[CODEC_SETTINGS_MOST], settings[CODEC_SETTINGS_MOST],
        baselines[CODEC_BASELINES];
};

static const char details[] =
    "Each measurement is a process of its own, from its start to its end: what a user\n"
    "waits for, reading the model included. An empty file tells how long that alone\n"
    "takes (*_startup_seconds). Every file is restored and compared; exit code 0 only if\n"
    "all came back as they were. Levels count where a mode has them: in auto. --json\n"
    "prints a line per file and way of compressing it.\n";

static void setting_name(const struct codec_setting *setting, char name[24]) {
    if (setting->level)
        snprintf(name, 24, "%s %d", setting->mode, setting->level);
    else
        snprintf(name, 24, "%s", setting->mode);
}

static void report_setting(const struct codec_bench *bench, const char *file,
                           const struct codec_setting *setting, const struct codec_result *result,
                           const struct codec_result *startup) {
    char name[24];
    setting_name(setting, name);
    codec_report(bench, &(struct codec_row){file, bench->json ? "laconic" : name, setting, result, startup});
}

static enum status measure_startups(const struct codec_bench *bench, const struct codec_plan *plan,
                                    struct totals *totals) {
    for (int i = 0; i < plan->count; i++)
        TRY(codec_run(bench, &plan->settings[i], bench->empty, &totals->startups[i]));
    return STATUS_OK;
}

static enum status bench_file(const struct codec_bench *bench, const struct codec_plan *plan,
                              const char *file, struct totals *totals) {
    uint64_t bytes;
    TRY(trial_measure(file, &bytes));
    codec_report_begin(bench, file, bytes);
    for (int i = 0; i < plan->count; i++) {
        struct codec_result result;
        TRY(codec_run(bench, &plan->settings[i], file, &result));
        report_setting(bench, file, &plan->settings[i], &result, &totals->startups[i]);
        codec_result_add(&totals->settings[i], &result);
    }
    return STATUS_OK;
}

static enum status bench_baselines(const struct codec_bench *bench, const char *file, struct totals *totals) {
    struct codec_result results[CODEC_BASELINES];
    TRY(codec_run_baselines(bench, file, results));
    for (int i = 0; i < CODEC_BASELINES; i++) {
        if (results[i].missing && !totals->baselines[i].missing)
            log_warning("%s is not installed and left out; on Debian: apt-get install %s",
                        codec_baselines[i].label, codec_baselines[i].package);
        codec_report(bench, &(struct codec_row){file, codec_baselines[i].label, NULL, &results[i], NULL});
        codec_result_add(&totals->baselines[i], &results[i]);
    }
    return STATUS_OK;
}

static void report_totals(const struct codec_bench *bench, const struct codec_plan *plan,
                          const struct totals *totals, bool baselines) {
    static const char file[] = "all files";
    codec_report_begin(bench, file, totals->settings[0].input_bytes);
    for (int i = 0; i < plan->count; i++)
        report_setting(bench, file, &plan->settings[i], &totals->settings[i], &totals->startups[i]);
    for (int i = 0; baselines && i < CODEC_BASELINES; i++)
        codec_report(bench,
                     &(struct codec_row){file, codec_baselines[i].label, NULL, &totals->baselines[i], NULL});
}

/* STATUS_MISMATCH at the end where a file came back different. */
static enum status bench_all(const struct codec_bench *bench, const struct codec_plan *plan, char **files,
                             int count, bool baselines) {
    struct totals totals = {0};
    uint64_t bytes;
    for (int i = 0; i < count; i++)
        TRY(trial_measure(files[i], &bytes)); /* before any work */
    TRY(measure_startups(bench, plan, &totals));
    codec_report_startup(bench, &totals.startups[0]);
    for (int i = 0; i < count; i++) {
        TRY(bench_file(bench, plan, files[i], &totals));
        if (baselines)
            TRY(bench_baselines(bench, files[i], &totals));
    }
    if (count > 1)
        report_totals(bench, plan, &totals, baselines);
    for (int i = 0; i < plan->count; i++)
        if (!totals.settings[i].exact)
            return fail(STATUS_MISMATCH, "a file came back different; the first place is named above");
    return STATUS_OK;
}

static enum status check_numbers(const struct codec_bench *bench) {
    if (bench->repeat < 1 || bench->repeat > CODEC_REPEATS_MOST)
        return fail(STATUS_USAGE, "--repeat takes a number from 1 to %d, not %ld", (int)CODEC_REPEATS_MOST,
                    bench->repeat);
    if (bench->threads < 0 || bench->threads > THREADS_MAXIMUM)
        return fail(STATUS_USAGE, "--threads takes a number from 0 to %d, not %ld", (int)THREADS_MAXIMUM,
                    bench->threads);
    return STATUS_OK;
}

enum status command_codec(int argc, char **argv) {
    struct codec_bench bench = {.model = getenv("LACONIC_MODEL"), .repeat = 1};
    struct codec_plan plan;
    const char *modes = "auto", *levels = "3";
    bool baselines = false;
    char **files;
    int count;
    const struct cli_option options[] = {
        {"model", 'm', "MODEL.h5", "the trained pair (default: LACONIC_MODEL)", CLI_TEXT, &bench.model},
        {"modes", 0, "LIST", "modes with commas between them: auto,lm,ir (default auto)", CLI_TEXT, &modes},
        {"levels", 0, "LIST", "levels of mode auto, 1 to 9: 1,3,6 (default 3)", CLI_TEXT, &levels},
        {"baselines", 0, NULL, "other compressors on the same files, as far as they are installed", CLI_FLAG,
         &baselines},
        {"repeat", 0, "N", "timed runs, of which the median counts (default 1)", CLI_INTEGER, &bench.repeat},
        {"threads", 'T', "N", "threads (default: LACONIC_THREADS, else all CPUs)", CLI_INTEGER,
         &bench.threads},
        CPU_OPTION(&bench.cpu),
        {"json", 0, NULL, "print the figures as JSON", CLI_FLAG, &bench.json},
        CLI_END};
    const struct cli_command command = {"laconic bench codec", "[-m MODEL.h5] [OPTION...] FILE...",
                                        "Size, speed and memory of compressing files and restoring them.",
                                        details, options};
    TRY(cli_parse(&command, argc, argv, &files, &count));
    if (count == 0)
        return fail(STATUS_USAGE, "no FILE given; see laconic bench codec --help");
    if (!bench.model || !*bench.model)
        return fail(STATUS_USAGE,
                    "which model? Give -m MODEL.h5 or set LACONIC_MODEL; laconic train makes one");
    TRY(check_numbers(&bench));
    TRY(codec_plan_make(&plan, modes, levels));
    signals_ask_to_stop(); /* so that the temporary folder goes, and the program that runs */
    TRY(codec_bench_open(&bench));
    enum status status = bench_all(&bench, &plan, files, count, baselines);
    codec_bench_close(&bench);
    return status;
}
