/* laconic bench codec: the commands a user types, run on files, in several modes and levels.
 *
 * codec.c reads the command line and walks over files and settings (codec_settings.c: which there are);
 * codec_run.c measures one of them; codec_baselines.c asks `laconic experiment baselines` about the same
 * file; codec_report.c prints. */
#ifndef LACONIC_TESTS_BENCH_CODEC_H
#define LACONIC_TESTS_BENCH_CODEC_H

#include <stdbool.h>
#include <stdint.h>
#include "base/status.h"
#include "base/trial.h"

/* ---- what can be asked for (codec_settings.c) ---- */

enum {
    CODEC_MODE_COUNT = 4,
    CODEC_LEVEL_COUNT = 9,
    CODEC_SETTINGS_MOST = CODEC_MODE_COUNT * CODEC_LEVEL_COUNT
};

/* One way to compress. Where a mode has no levels, level is 0 and none is given. */
struct codec_setting {
    const char *mode;
    int level;
};

struct codec_plan {
    struct codec_setting settings[CODEC_SETTINGS_MOST];
    int count;
};

/* Every mode of a list like "auto,lm" with every level of a list like "1,3" that it has. STATUS_USAGE names
 * what is unknown. */
enum status codec_plan_make(struct codec_plan *plan, const char *modes, const char *levels);

/* ---- one measurement (codec_run.c, codec_baselines.c) ---- */

/* What a block's content can be coded as, as `laconic compress --json` counts it. */
enum { CODEC_METHODS = 5 };
extern const char *const codec_methods[CODEC_METHODS];

struct codec_share {
    uint64_t input_bytes, coded_bytes;
};

struct codec_cost {
    double median, best; /* wall seconds */
    uint64_t peak_kib;
};

struct codec_result {
    uint64_t input_bytes, archive_bytes;
    struct codec_cost compress, decompress;
    struct codec_share shares[CODEC_METHODS]; /* laconic only */
    bool exact;                               /* restored as it was */
    bool missing;                             /* baselines only: not installed */
};

void codec_result_add(struct codec_result *total, const struct codec_result *result);

enum { CODEC_REPEATS_MOST = 100 };

/* The commands under test. */
struct codec_bench {
    const char *model, *cpu; /* cpu NULL: theirs to choose */
    long threads, repeat;    /* 0: theirs to choose; timed runs */
    bool json;
    char *laconic, *experiment; /* paths of the programs; owned */
    struct trial trial;
    char *empty;           /* a file with nothing in it, in the trial's folder; owned */
    uint64_t model_bytes;  /* of the packed model's file */
    uint64_t weight_bytes; /* of both models, one byte each */
};

enum status codec_bench_open(struct codec_bench *bench); /* fills in what is behind `json` */
void codec_bench_close(struct codec_bench *bench);

/* Compresses and decompresses `path` `repeat` times. A file that comes back different is a result with
 * exact = false, and a warning. */
enum status codec_run(const struct codec_bench *bench, const struct codec_setting *setting, const char *path,
                      struct codec_result *result);

enum { CODEC_BASELINES = 7 };
struct codec_baseline {
    const char *key, *label, *package; /* in that command's JSON; for people; Debian's */
};
extern const struct codec_baseline codec_baselines[CODEC_BASELINES];

enum status codec_run_baselines(const struct codec_bench *bench, const char *path,
                                struct codec_result results[CODEC_BASELINES]);

/* ---- reports (codec_report.c) ---- */

/* A row of the table or a line of JSON. `startup` is the same setting's result for an empty file; NULL for a
 * baseline. */
struct codec_row {
    const char *file, *program;
    const struct codec_setting *setting; /* NULL: a baseline */
    const struct codec_result *result, *startup;
};

void codec_report_startup(const struct codec_bench *bench, const struct codec_result *startup);
void codec_report_begin(const struct codec_bench *bench, const char *file, uint64_t bytes);
void codec_report(const struct codec_bench *bench, const struct codec_row *row);

#endif
