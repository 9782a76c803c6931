/* laconic bench: what the subcommands share. A work reads its settings, is timed, reports. */
#ifndef LACONIC_TESTS_BENCH_H
#define LACONIC_TESTS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/progress.h"
#include "base/status.h"
#include "t5/model.h"

/* ---- settings (main.c) ---- */

struct bench_settings {
    const char *work, *model, *precision, *cpu; /* precision: "fp32", "bf16"; NULL: both (kernels only) */
    const char *lines;          /* train only: a text whose lines give the rows their lengths, or NULL */
    long batch, source, target; /* rows; tokens of each, as encoder and decoder see them */
    long threads, repeat;
    bool json;
};

enum status bench_train(const struct bench_settings *settings);
enum status bench_generate(const struct bench_settings *settings);
enum status bench_kernels(const struct bench_settings *settings);

enum status command_codec(int argc, char **argv); /* laconic bench codec (codec.h) */

bool bench_wants(const struct bench_settings *settings, const char *precision);

/* ---- models and batches (model.c) ---- */

/* The settings' model without dropout; STATUS_USAGE where it cannot take such rows. */
enum status bench_config(struct t5_config *config, const struct bench_settings *settings);

/* That with T5's own random weights, computing in the settings' precision. */
enum status bench_model_open(struct t5_model *model, const struct bench_settings *settings);

/* Random ids that are no special token. */
void bench_random_ids(int32_t *ids, size_t n, const struct t5_config *config, const char *stream);

/* Bytes of the first `count` lines that are not empty; STATUS_USAGE when the text has fewer. */
enum status bench_line_lengths(const char *path, int *length, long count);

/* Starts of equally long rows: start [count + 1]. */
void bench_row_starts(int32_t *start, long count, long length);

/* ---- timing (timing.c) ---- */

typedef void bench_action(void *context);

struct timing_plan {
    bench_action *prepare, *run; /* prepare: before every run, not timed; NULL: nothing to do */
    void *context;
    long repeat;               /* timed runs, at least */
    double seconds;            /* and as many as fit into this time */
    struct progress *progress; /* NULL: none; told the number of runs, the warm-up included */
};

struct timing {
    int runs;
    double median, best; /* seconds */
};

/* One run to warm up, then the timed ones. */
struct timing timing_measure(const struct timing_plan *plan);

/* Sorts. */
double timing_median(double *seconds, int count);

/* ---- memory (memory.c) ---- */

/* Bytes per second between memory and the CPU, all threads, over 256 MiB. */
struct memory_speed {
    double read;  /* summing an array */
    double triad; /* a = b + s c, three arrays (McCalpin's STREAM, which does not count that a is read too) */
};
enum status bench_memory(struct memory_speed *memory);

/* ---- reports of a whole model's work (report.c) ---- */

struct bench_result {
    const struct t5_model *model;
    struct timing timing;
    double tokens;        /* of one run */
    double flops;         /* of one run (t5/flops.h) */
    double ceiling;       /* operations per second */
    struct timing padded; /* of the same rows, all as long as the longest; only where settings->lines */
    double padded_tokens;
};

/* A few lines for people, or one of JSON with the keys of the PyTorch program and more of ours. */
void bench_report(const struct bench_settings *settings, const struct bench_result *result);

const char *bench_version(void); /* "laconic 0.2.0" */
long bench_peak_mib(void);       /* resident memory of this process at its largest */

#endif
