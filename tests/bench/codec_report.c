/* A table for people, lines of JSON for scripts. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/json_line.h"
#include "base/visible.h"
#include "codec.h"

static double bits(uint64_t coded, uint64_t bytes) {
    return bytes ? 8.0 * (double)coded / (double)bytes : (double)NAN;
}

static double speed(uint64_t bytes, double seconds) {
    return bytes && seconds > 0 ? 1e-3 * (double)bytes / seconds : (double)NAN;
}

static double mebibytes(uint64_t kib) {
    return (double)kib / 1024;
}

/* ---- JSON ---- */

static void add_cost(struct json_line *line, const char *what, const struct codec_cost *cost,
                     const struct codec_cost *startup, uint64_t bytes) {
    char key[64];
    snprintf(key, sizeof key, "%s_seconds", what);
    json_line_number(line, key, cost->median);
    snprintf(key, sizeof key, "%s_seconds_best", what);
    json_line_number(line, key, cost->best);
    snprintf(key, sizeof key, "%s_kb_per_s", what);
    json_line_number(line, key, speed(bytes, cost->median));
    snprintf(key, sizeof key, "%s_peak_mib", what);
    json_line_number(line, key, mebibytes(cost->peak_kib));
    if (startup) {
        snprintf(key, sizeof key, "%s_startup_seconds", what);
        json_line_number(line, key, startup->median);
    }
}

/* Behind the keys that all programs have, laconic's own. */
static void add_laconic(struct json_line *line, const struct codec_bench *bench,
                        const struct codec_row *row) {
    const struct codec_result *r = row->result;
    json_line_text(line, "mode", row->setting->mode);
    if (row->setting->level)
        json_line_integer(line, "level", (uint64_t)row->setting->level);
    json_line_integer(line, "threads", (uint64_t)bench->threads);
    json_line_integer(line, "repeat", (uint64_t)bench->repeat);
    json_line_integer(line, "model_bytes", bench->model_bytes);
    json_line_integer(line, "weight_bytes", bench->weight_bytes);
    json_line_number(line, "bits_per_byte_with_model",
                     bits(r->archive_bytes + bench->model_bytes, r->input_bytes));
    json_line_number(line, "bits_per_byte_with_weights",
                     bits(r->archive_bytes + bench->weight_bytes, r->input_bytes));
    for (int i = 0; i < CODEC_METHODS; i++) {
        char key[64];
        snprintf(key, sizeof key, "%s_input_bytes", codec_methods[i]);
        json_line_integer(line, key, r->shares[i].input_bytes);
        snprintf(key, sizeof key, "%s_coded_bytes", codec_methods[i]);
        json_line_integer(line, key, r->shares[i].coded_bytes);
    }
}

static void print_json(const struct codec_bench *bench, const struct codec_row *row) {
    const struct codec_result *r = row->result;
    struct json_line line;
    if (r->missing)
        return;
    json_line_begin(&line);
    json_line_text(&line, "file", row->file);
    json_line_text(&line, "program", row->program);
    json_line_integer(&line, "bytes", r->input_bytes);
    json_line_integer(&line, "archive_bytes", r->archive_bytes);
    json_line_number(&line, "bits_per_byte", bits(r->archive_bytes, r->input_bytes));
    add_cost(&line, "compress", &r->compress, row->startup ? &row->startup->compress : NULL, r->input_bytes);
    add_cost(&line, "decompress", &r->decompress, row->startup ? &row->startup->decompress : NULL,
             r->input_bytes);
    json_line_truth(&line, "exact", r->exact);
    if (row->setting)
        add_laconic(&line, bench, row);
    json_line_end(&line);
}

/* ---- words ---- */

/* A figure in a column of its own, "-" where it means nothing. */
static void print_figure(int width, int digits, double value) {
    if (isfinite(value))
        printf(" %*.*f", width, digits, value);
    else
        printf(" %*s", width, "-");
}

static void print_shares(const struct codec_result *r) {
    for (int i = 0; i < CODEC_METHODS; i++) {
        const struct codec_share *share = &r->shares[i];
        if (share->input_bytes)
            printf("    as %-14s %12" PRIu64 " %9.3f  of %" PRIu64 " bytes\n", codec_methods[i],
                   share->coded_bytes, bits(share->coded_bytes, share->input_bytes), share->input_bytes);
    }
}

static void print_words(const struct codec_bench *bench, const struct codec_row *row) {
    const struct codec_result *r = row->result;
    if (r->missing)
        return;
    printf("  %-19s %12" PRIu64, row->program, r->archive_bytes);
    print_figure(9, 3, bits(r->archive_bytes, r->input_bytes));
    print_figure(11, 3,
                 row->setting ? bits(r->archive_bytes + bench->model_bytes, r->input_bytes) : (double)NAN);
    print_figure(10, 1, speed(r->input_bytes, r->compress.median));
    print_figure(7, 1, mebibytes(r->compress.peak_kib));
    print_figure(10, 1, speed(r->input_bytes, r->decompress.median));
    print_figure(7, 1, mebibytes(r->decompress.peak_kib));
    printf("  %s\n", r->exact ? "exact" : "DIFFERENT");
    if (row->setting)
        print_shares(r);
}

void codec_report_startup(const struct codec_bench *bench, const struct codec_result *startup) {
    if (!bench->json)
        printf("start-up: an empty file takes %.3f s and back %.3f s; model: %" PRIu64
               " bytes packed, %" PRIu64 " weights\n",
               startup->compress.median, startup->decompress.median, bench->model_bytes, bench->weight_bytes);
}

void codec_report_begin(const struct codec_bench *bench, const char *file, uint64_t bytes) {
    if (bench->json)
        return;
    printf("%s: %" PRIu64 " bytes\n", visible(file).text, bytes);
    printf("  %-19s %12s %9s %11s %10s %7s %10s %7s\n", "", "bytes", "bits/byte", "with model", "compr kB/s",
           "MiB", "decom kB/s", "MiB");
}

void codec_report(const struct codec_bench *bench, const struct codec_row *row) {
    if (bench->json)
        print_json(bench, row);
    else
        print_words(bench, row);
    fflush(stdout);
}
