/* laconic bench kernels: every kernel alone, on the shapes of a T5, as a share of what this machine could do.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "base/threads.h"
#include "base/json_line.h"
#include "kernel_case.h"
#include "kernels/ceiling.h"
#include "kernels/cpu.h"
#include "kernels/gemm_bf16.h"
#include "kernels/lane_ops.h"

static const double seconds_each = 0.03; /* of timed runs, at least --repeat of them */

struct kernel_case *kernel_table_add(struct kernel_table *table) {
    assert(table->count < KERNEL_CASES);
    struct kernel_case *row = &table->cases[table->count++];
    *row = (struct kernel_case){.precision = "fp32"};
    return row;
}

void kernel_fill(float *x, size_t n, const char *stream) {
    struct rng rng;
    rng_seed(&rng, 0, stream);
    for (size_t i = 0; x && i < n; i++)
        x[i] = rng_normal(&rng);
}

/* ---- errors ---- */

static void run_once(const struct kernel_case *row) {
    if (row->prepare)
        row->prepare(row->operands);
    row->run(row->operands);
}

/* Not a number where memory runs out. */
static double difference_from_scalar(const struct kernel_case *row) {
    const char *chosen = lane_ops->name;
    float *result = malloc(row->result_size * sizeof *result);
    double largest = result ? 0 : (double)NAN;
    run_once(row);
    if (result)
        memcpy(result, row->result, row->result_size * sizeof *result);
    lane_ops_select("scalar");
    run_once(row);
    lane_ops_select(chosen);
    for (size_t i = 0; result && i < row->result_size; i++)
        largest = larger_or_nan(largest, fabs((double)result[i] - (double)row->result[i]));
    free(result);
    return largest;
}

static double error_of(const struct kernel_case *row) {
    if (row->error)
        return row->error(row->operands);
    return row->result_size ? difference_from_scalar(row) : (double)NAN;
}

/* ---- the table ---- */

struct ceilings {
    double fp32, bf16_pairs; /* operations per second */
    struct memory_speed memory;
};

static enum status measure_ceilings(struct ceilings *c) {
    c->fp32 = ceiling_flops(false);
    c->bf16_pairs = ceiling_flops(true);
    return bench_memory(&c->memory);
}

static double ceiling_share(const struct kernel_case *row, const struct ceilings *c, double seconds) {
    double flops = strcmp(row->precision, "bf16") == 0 ? c->bf16_pairs : c->fp32;
    double bytes = c->memory.read > c->memory.triad ? c->memory.read : c->memory.triad;
    return fmax(row->flops / seconds / flops, row->bytes / seconds / bytes);
}

static void print_head(const struct kernel_shape *shape, const struct bench_settings *s,
                       const struct ceilings *c) {
    printf("%s: %d x (%d + %d) tokens, %d thread%s, %s\n", s->model, shape->rows, shape->source,
           shape->target, threads_count(), threads_count() == 1 ? "" : "s", cpu_description());
    printf("ceilings: %.1f GFLOP/s in fp32 (%s), %.1f in bf16 (%s), memory %.1f GB/s read, %.1f triad\n\n",
           c->fp32 / 1e9, ceiling_name(false), c->bf16_pairs / 1e9, ceiling_name(true), c->memory.read / 1e9,
           c->memory.triad / 1e9);
    printf("%-24s %-9s %-22s %10s %9s %8s %7s %9s\n", "kernel", "precision", "shape", "ms", "GFLOP/s", "GB/s",
           "share", "error");
}

/* Operations where they are counted, else not a number. */
static double gflops_of(const struct kernel_case *row, double seconds) {
    return row->flops > 0 ? row->flops / seconds / 1e9 : (double)NAN;
}

static void print_row(const struct kernel_case *row, const struct ceilings *c, double seconds, double error) {
    char gflops[16] = "-", wrong[16] = "-";
    if (row->flops > 0)
        snprintf(gflops, sizeof gflops, "%.1f", gflops_of(row, seconds));
    if (isfinite(error))
        snprintf(wrong, sizeof wrong, "%.1e", error);
    printf("%-24s %-9s %-22s %10.4f %9s %8.1f %5.0f %% %9s\n", row->kernel, row->precision, row->shape,
           seconds * 1e3, gflops, row->bytes / seconds / 1e9, 100 * ceiling_share(row, c, seconds), wrong);
}

static void print_row_json(const struct kernel_case *row, const struct ceilings *c, double seconds,
                           double error) {
    struct json_line line;
    json_line_begin(&line);
    json_line_text(&line, "kernel", row->kernel);
    json_line_text(&line, "dtype", row->precision);
    json_line_text(&line, "shape", row->shape);
    json_line_number(&line, "seconds", seconds);
    json_line_number(&line, "gflop_per_s", gflops_of(row, seconds));
    json_line_number(&line, "gb_per_s", row->bytes / seconds / 1e9);
    json_line_number(&line, "share_of_ceiling", ceiling_share(row, c, seconds));
    json_line_number(&line, "error", error);
    json_line_end(&line);
}

static void print_summary_json(const struct bench_settings *s, const struct ceilings *c, int rows) {
    struct json_line line;
    json_line_begin(&line);
    json_line_text(&line, "peer", bench_version());
    json_line_text(&line, "work", s->work);
    json_line_text(&line, "model", s->model);
    json_line_integer(&line, "batch", (uint64_t)s->batch);
    json_line_integer(&line, "src", (uint64_t)s->source);
    json_line_integer(&line, "tgt", (uint64_t)s->target);
    json_line_integer(&line, "threads", (uint64_t)threads_count());
    json_line_integer(&line, "kernels", (uint64_t)rows);
    json_line_number(&line, "ceiling_fp32_gflop_per_s", c->fp32 / 1e9);
    json_line_number(&line, "ceiling_bf16_gflop_per_s", c->bf16_pairs / 1e9);
    json_line_number(&line, "memory_read_gb_per_s", c->memory.read / 1e9);
    json_line_number(&line, "memory_triad_gb_per_s", c->memory.triad / 1e9);
    json_line_text(&line, "cpu", cpu_description());
    json_line_text(&line, "bf16_by", gemm_bf16_selected());
    json_line_integer(&line, "peak_rss_mib", (uint64_t)bench_peak_mib());
    json_line_end(&line);
}

/* ---- running ---- */

static void measure_case(const struct kernel_case *row, const struct bench_settings *s,
                         const struct ceilings *c) {
    double error = error_of(row);
    struct timing timing = timing_measure(&(struct timing_plan){.prepare = row->prepare,
                                                                .run = row->run,
                                                                .context = row->operands,
                                                                .repeat = s->repeat,
                                                                .seconds = seconds_each});
    if (s->json)
        print_row_json(row, c, timing.median, error);
    else
        print_row(row, c, timing.median, error);
    fflush(stdout); /* a row as soon as it is known */
}

static enum status measure_family(const struct kernel_family *family, const struct kernel_shape *shape,
                                  const struct bench_settings *s, const struct ceilings *c, int *rows) {
    struct kernel_table table = {.count = 0};
    void *memory = NULL;
    TRY(family->open(&memory, shape, &table));
    for (int i = 0; i < table.count; i++)
        measure_case(&table.cases[i], s, c);
    *rows += table.count;
    family->close(memory);
    return STATUS_OK;
}

enum status bench_kernels(const struct bench_settings *s) {
    const struct kernel_family *const families[] = {&bench_products, &bench_layers, &bench_attention};
    struct kernel_shape shape = {.rows = (int)s->batch,
                                 .source = (int)s->source,
                                 .target = (int)s->target,
                                 .float_products = bench_wants(s, "fp32"),
                                 .bf16_products = bench_wants(s, "bf16")};
    struct ceilings ceilings;
    int rows = 0;
    TRY(bench_config(&shape.config, s));
    TRY(measure_ceilings(&ceilings));
    if (!s->json)
        print_head(&shape, s, &ceilings);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        TRY(measure_family(families[i], &shape, s, &ceilings, &rows));
    if (s->json)
        print_summary_json(s, &ceilings, rows);
    return STATUS_OK;
}
