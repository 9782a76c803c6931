/* What a whole model's work came to. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include "base/threads.h"
#include "bench.h"
#include "base/json_line.h"
#include "kernels/ceiling.h"
#include "kernels/cpu.h"

const char *bench_version(void) {
    return "laconic " LACONIC_VERSION;
}

long bench_peak_mib(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024; /* KiB on Linux */
}

/* Without the gaps that align tensors. */
static uint64_t count_parameters(const struct t5_model *model) {
    uint64_t count = 0;
    for (int i = 0; i < model->parameter_count; i++)
        count += (uint64_t)model->parameters[i].rows * (uint64_t)model->parameters[i].columns;
    return count;
}

/* The share of padding among the tokens of a padded batch. */
static double padding_of(const struct bench_result *r) {
    return 1 - r->tokens / r->padded_tokens;
}

/* The first keys are those of the PyTorch program, so that lines divide. */
static void print_json(const struct bench_settings *s, const struct bench_result *r) {
    struct json_line line;
    double speed = r->flops / r->timing.median;
    json_line_begin(&line);
    json_line_text(&line, "peer", bench_version());
    json_line_text(&line, "work", s->work);
    json_line_text(&line, "model", s->model);
    json_line_text(&line, "dtype", s->precision);
    json_line_integer(&line, "batch", (uint64_t)s->batch);
    json_line_integer(&line, "src", (uint64_t)s->source);
    json_line_integer(&line, "tgt", (uint64_t)s->target);
    json_line_integer(&line, "threads", (uint64_t)threads_count());
    json_line_integer(&line, "parameters", count_parameters(r->model));
    json_line_number(&line, "seconds", r->timing.median);
    json_line_number(&line, "tokens_per_s", r->tokens / r->timing.median);
    json_line_integer(&line, "peak_rss_mib", (uint64_t)bench_peak_mib());
    json_line_integer(&line, "repeat", (uint64_t)r->timing.runs);
    json_line_number(&line, "seconds_best", r->timing.best);
    json_line_number(&line, "gflop_per_s", speed / 1e9);
    json_line_number(&line, "ceiling_gflop_per_s", r->ceiling / 1e9);
    json_line_number(&line, "share_of_ceiling", speed / r->ceiling);
    json_line_text(&line, "cpu", cpu_description());
    if (s->lines) {
        json_line_number(&line, "padded_seconds", r->padded.median);
        json_line_number(&line, "padding", padding_of(r));
    }
    json_line_end(&line);
}

static void print_words(const struct bench_settings *s, const struct bench_result *r) {
    double speed = r->flops / r->timing.median;
    bool in_bf16 = strcmp(s->precision, "bf16") == 0;
    printf("%s %s, %s, %ld x (%ld + %ld) tokens, %d thread%s, %s\n", s->work, s->model, s->precision,
           s->batch, s->source, s->target, threads_count(), threads_count() == 1 ? "" : "s",
           cpu_description());
    printf("  time      %10.4f s, median of %d (best %.4f)\n", r->timing.median, r->timing.runs,
           r->timing.best);
    printf("  tokens    %10.1f per second\n", r->tokens / r->timing.median);
    printf("  products  %10.1f GFLOP/s, %.0f %% of the ceiling (%.1f GFLOP/s of %s)\n", speed / 1e9,
           100 * speed / r->ceiling, r->ceiling / 1e9, ceiling_name(in_bf16));
    printf("  memory    %10ld MiB at most\n", bench_peak_mib());
    if (s->lines)
        printf("  padded    %10.4f s, %.2f times as long: %.0f %% of its tokens are padding\n",
               r->padded.median, r->padded.median / r->timing.median, 100 * padding_of(r));
}

void bench_report(const struct bench_settings *settings, const struct bench_result *result) {
    if (settings->json)
        print_json(settings, result);
    else
        print_words(settings, result);
}
