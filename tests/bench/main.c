/* laconic-bench: how fast laconic is on this machine, whole models and single kernels. */
#include <string.h>
#include "base/cli.h"
#include "base/log.h"
#include "base/program.h"
#include "base/signals.h"
#include "base/threads.h"
#include "bench.h"
#include "kernels/cpu.h"

struct work {
    const char *name, *title, *summary, *sentence; /* the last three: of the helps */
    const char *model, *precision;                 /* the defaults */
    enum status (*run)(const struct bench_settings *settings);
    const char *details;
};

static const struct work works[] = {
    {"train", "laconic bench train", "a step of learning",
     "Time a step of learning: forward pass, loss, backward pass, clipping, AdamW.", "t5-small", "fp32",
     bench_train,
     "Random weights, rows of random ids, no dropout. One step to warm up, then the median\n"
     "of the repeats. tokens_per_s counts source and target tokens.\n"},
    {"generate", "laconic bench generate", "batched sampling with a key/value cache",
     "Time batched sampling with a key/value cache.", "t5-small", "fp32", bench_generate,
     "Random weights, rows of random ids, temperature 1; no row stops early, so every run\n"
     "emits batch x tgt tokens, which tokens_per_s counts.\n"},
    {"kernels", "laconic bench kernels", "each kernel alone, beside what this machine could do at most",
     "Time each kernel alone, beside what this machine could do at most.", "byte-8m", NULL, bench_kernels,
     "share: the larger of the share of the arithmetic ceiling and of the speed at which\n"
     "memory can be read; above 100 % the operands stay in a cache. error: bf16 products\n"
     "against float32, relative to the largest value; else the largest difference from the\n"
     "scalar instructions. --json prints a line per kernel and a last one over all.\n"},
};

enum { WORK_COUNT = sizeof works / sizeof works[0] };

static enum status check_range(const char *option, long value, long low, long high) {
    if (value < low || value > high)
        return fail(STATUS_USAGE, "%s takes a number from %ld to %ld, not %ld", option, low, high, value);
    return STATUS_OK;
}

static enum status check_settings(const struct bench_settings *s) {
    enum { MOST_TOKENS = 1 << 22 };
    long longest = s->source > s->target ? s->source : s->target;
    if (s->precision && strcmp(s->precision, "fp32") != 0 && strcmp(s->precision, "bf16") != 0)
        return fail(STATUS_USAGE, "--precision takes fp32 or bf16, not '%s'", s->precision);
    TRY(check_range("--batch", s->batch, 1, 1 << 16));
    TRY(check_range("--src", s->source, 1, 1 << 14));
    TRY(check_range("--tgt", s->target, 1, 1 << 14));
    TRY(check_range("--threads", s->threads, 0, THREADS_MAXIMUM));
    TRY(check_range("--repeat", s->repeat, 1, 1000));
    if (s->lines && strcmp(s->work, "train") != 0)
        return fail(STATUS_USAGE, "--lines gives rows to bench train; bench %s takes --src and --tgt",
                    s->work);
    if (s->batch * longest > MOST_TOKENS)
        return fail(STATUS_USAGE,
                    "%ld rows of %ld tokens are more than a batch holds (%d tokens); give fewer", s->batch,
                    longest, (int)MOST_TOKENS);
    return STATUS_OK;
}

static const struct work *find_work(const char *name) {
    size_t i = 0;
    while (strcmp(works[i].name, name) != 0)
        i++; /* the dispatcher only hands over names from the table */
    return &works[i];
}

static enum status run_work(int argc, char **argv) {
    const struct work *work = find_work(argv[0]);
    struct bench_settings s = {.work = work->name,
                               .model = work->model,
                               .precision = work->precision,
                               .batch = 16,
                               .source = 128,
                               .target = 128,
                               .repeat = 5};
    bool is_kernels = work->run == bench_kernels, quiet = false;
    const struct cli_option options[] = {
        {"model", 'm', "NAME",
         is_kernels ? "model whose shapes are used (default byte-8m)" : "model (default t5-small)", CLI_TEXT,
         &s.model},
        {"precision", 0, "TYPE",
         is_kernels ? "only fp32 or bf16 products (default both)" : "fp32 (default) or bf16", CLI_TEXT,
         &s.precision},
        CLI_RENAMED("dtype", "precision"),
        {"batch", 0, "N", "rows (default 16)", CLI_INTEGER, &s.batch},
        {"src", 0, "N", "tokens of a row that the encoder sees (default 128)", CLI_INTEGER, &s.source},
        {"tgt", 0, "N", "tokens of a row that the decoder sees (default 128)", CLI_INTEGER, &s.target},
        {"threads", 'T', "N", "threads (default: LACONIC_THREADS, else all CPUs)", CLI_INTEGER, &s.threads},
        CPU_OPTION(&s.cpu),
        {"repeat", 0, "N", "timed runs, of which the median counts (default 5)", CLI_INTEGER, &s.repeat},
        {"lines", 0, "FILE", "only train: rows as long as a text's lines, beside padded ones", CLI_TEXT,
         &s.lines},
        {"json", 0, NULL, "print the figures as JSON", CLI_FLAG, &s.json},
        {"quiet", 'q', NULL, "no progress on stderr", CLI_FLAG, &quiet},
        CLI_END};
    const struct cli_command command = {work->title, "[OPTION...]", work->sentence, work->details, options};
    char **operands;
    int count;
    TRY(cli_parse(&command, argc, argv, &operands, &count));
    if (count > 0)
        return fail(STATUS_USAGE, "what is '%s' for? bench %s takes options only", operands[0], work->name);
    log_set_level(quiet ? LOG_WARNING : LOG_INFO);
    TRY(check_settings(&s));
    TRY(threads_start((int)s.threads));
    enum status status = cpu_prepare(s.cpu);
    if (status == STATUS_OK)
        status = work->run(&s);
    threads_stop();
    return status;
}

int main(int argc, char **argv) {
    struct cli_subcommand table[WORK_COUNT + 2] = {{NULL, NULL, NULL}};
    for (size_t i = 0; i < WORK_COUNT; i++)
        table[i] = (struct cli_subcommand){works[i].name, works[i].summary, run_work};
    table[WORK_COUNT] = (struct cli_subcommand){
        "codec", "files through compress and back, beside other compressors", command_codec};
    program_start();
    signals_clean_up_and_die();
    return cli_finish(
        "laconic bench",
        cli_dispatch("laconic bench", "Measure the speed of laconic on this machine.", table, argc, argv));
}
