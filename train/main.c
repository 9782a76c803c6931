/* laconic train: reads the configuration, trains, saves. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/cli.h"
#include "base/file.h"
#include "base/log.h"
#include "base/signals.h"
#include "base/threads.h"
#include "kernels/cpu.h"
#include "train/trainer.h"

struct arguments {
    const char *output, *data, *cpu, *from;
    struct cli_list assignments;
    bool resume, dry_run, options, quiet, verbose, json;
    double minutes;
    long steps, threads;
};

static enum status check_arguments(const struct arguments *a, int operands) {
    if (operands == 0 && !a->resume)
        return fail(STATUS_USAGE, "no configuration given; try configs/quickstart.json");
    if (a->resume && a->from)
        return fail(STATUS_USAGE, "--resume and --from contradict each other; give one of them");
    if (operands > 1)
        return fail(STATUS_USAGE, "one configuration at a time, not %d", operands);
    if (!(a->minutes >= 0 && a->minutes <= 1e6))
        return fail(STATUS_USAGE, "--max-minutes takes a number from 0 to 1000000, not %g", a->minutes);
    if (a->steps < 0)
        return fail(STATUS_USAGE, "--max-steps takes a number from 0 up, not %ld", a->steps);
    if (a->threads < 0 || a->threads > THREADS_MAXIMUM)
        return fail(STATUS_USAGE, "--threads takes a number from 0 to %d, not %ld", (int)THREADS_MAXIMUM,
                    a->threads);
    return STATUS_OK;
}

static enum status read_settings(const struct arguments *a, const char *path,
                                 struct train_settings *settings) {
    char own[4096];
    options_defaults(train_options, settings);
    if (a->resume) { /* not the file given: the run's own, with what its command line changed */
        snprintf(own, sizeof own, "%s/config.json", a->output);
        if (path)
            log_info("resuming with %s; %s is not read again", own, path);
        path = own;
    }
    TRY(options_read_file(train_options, settings, path));
    for (int i = 0; i < a->assignments.count; i++)
        TRY(options_set(train_options, settings, a->assignments.items[i]));
    if (a->data && strlen(a->data) >= sizeof settings->data)
        return fail(STATUS_USAGE, "--data: names of at most %d bytes fit", OPTION_TEXT_ROOM - 1);
    if (a->data)
        snprintf(settings->data, sizeof settings->data, "%s", a->data);
    if (a->minutes > 0)
        settings->minutes = a->minutes;
    if (a->threads > 0)
        settings->threads = a->threads;
    return train_settings_check(settings);
}

/* The complete configuration beside the results. */
static enum status write_settings(const struct train_settings *settings, const char *folder) {
    struct buffer json = {0};
    struct file_writer writer = {0};
    char path[4096];
    snprintf(path, sizeof path, "%s/config.json", folder);
    enum status status = options_write_json(train_options, settings, &json);
    if (status == STATUS_OK)
        status = file_writer_open(&writer, path);
    if (status == STATUS_OK) {
        fwrite(json.data, 1, json.size, writer.stream);
        status = file_writer_commit(&writer);
    }
    buffer_free(&json);
    return status;
}

static void describe(const struct trainer *t) {
    const struct t5_model *c = &t->pair.compressor, *d = &t->pair.decompressor;
    log_info("data %s: %" PRIu64 " training chunks, %" PRIu64 " held out", t->settings.data,
             dataset_count(t->data, SPLIT_TRAIN),
             dataset_count(t->data, SPLIT_VALID) + dataset_count(t->data, SPLIT_TEST));
    log_info("models: compressor %.2fM weights, decompressor %.2fM, vocabulary %d, %d merges",
             (double)c->weight_count / 1e6, (double)d->weight_count / 1e6, c->config.vocab_size,
             t->pair.tokenizer.merge_count);
    log_info("computing on %s, %d thread%s", cpu_description(), threads_count(),
             threads_count() == 1 ? "" : "s");
}

/* A figure of an evaluation that may not have happened. */
static void print_figure(const char *name, const struct evaluation *e, double value) {
    if (e->chunks > 0)
        printf(", \"%s\": %.6f", name, value);
    else
        printf(", \"%s\": null", name);
}

static void print_summary(const struct trainer *t, const struct arguments *a) {
    const struct evaluation *e = &t->evaluation;
    if (!a->json) {
        log_info("saved %s/checkpoint.h5", t->folder);
        return;
    }
    printf("{\"supervised_steps\": %" PRId64 ", \"reinforce_steps\": %" PRId64, t->steps[PHASE_SUPERVISED],
           t->steps[PHASE_REINFORCE]);
    print_figure("held_out_exact", e, e->exact);
    print_figure("held_out_exact_fallback", e, e->exact_fallback);
    print_figure("tokens_per_byte", e, e->tokens_per_byte);
    print_figure("bits_per_byte", e, e->bits_per_byte);
    puts("}");
}

static enum status train(const struct arguments *a, const struct train_settings *settings) {
    struct trainer *trainer = calloc(1, sizeof *trainer);
    char path[4096];
    if (!trainer)
        return fail(STATUS_MEMORY, "no memory to start");
    enum status status = trainer_open(trainer, settings, a->output);
    if (status == STATUS_OK)
        describe(trainer);
    if (status != STATUS_OK || a->dry_run)
        goto done;
    snprintf(path, sizeof path, "%s/checkpoint.h5", a->output);
    if (!a->resume && file_exists(path)) {
        status =
            fail(STATUS_USAGE, "%s exists: continue with --resume or choose another folder with -o", path);
        goto done;
    }
    status = file_make_folder(a->output);
    if (status == STATUS_OK && a->resume)
        status = checkpoint_load(trainer);
    if (status == STATUS_OK && a->from)
        status = checkpoint_begin_from(trainer, a->from);
    if (status == STATUS_OK)
        status = write_settings(settings, a->output);
    snprintf(path, sizeof path, "%s/metrics.jsonl", a->output);
    if (status == STATUS_OK)
        status = metrics_start(&trainer->metrics, path);
    if (status == STATUS_OK)
        status = trainer_run(trainer, &(struct run_limits){.steps = a->steps});
    if (status == STATUS_OK)
        print_summary(trainer, a);
done:
    trainer_close(trainer);
    free(trainer);
    return status;
}

int main(int argc, char **argv) {
    struct arguments a = {.output = "runs/run"};
    const struct cli_option options[] = {
        {"output", 'o', "RUN", "folder of the run (default runs/run)", CLI_TEXT, &a.output},
        {"data", 0, "DS.h5", "data set from `laconic data make`", CLI_TEXT, &a.data},
        {"set", 0, "KEY=VALUE", "change one option of the configuration; may be repeated", CLI_LIST,
         &a.assignments},
        {"resume", 0, NULL, "continue RUN with its own configuration (--set changes it)", CLI_FLAG,
         &a.resume},
        {"from", 0, "MODEL.h5", "begin with the weights of another run", CLI_TEXT, &a.from},
        {"max-minutes", 0, "M", "fit learning and its evaluations into M minutes (0: as configured)",
         CLI_NUMBER, &a.minutes},
        {"max-steps", 0, "N", "save and stop after N steps (0: no limit)", CLI_INTEGER, &a.steps},
        {"dry-run", 0, NULL, "check configuration and data, then stop", CLI_FLAG, &a.dry_run},
        {"options", 0, NULL, "print every configuration key with its range and default", CLI_FLAG,
         &a.options},
        {"threads", 'T', "N", "threads (default LACONIC_THREADS or all CPUs)", CLI_INTEGER, &a.threads},
        {"cpu", 0, "NAME", "force scalar, avx2, avx512 or amx", CLI_TEXT, &a.cpu},
        {"json", 0, NULL, "print the result as one JSON object", CLI_FLAG, &a.json},
        {"quiet", 'q', NULL, "only warnings and errors", CLI_FLAG, &a.quiet},
        {"verbose", 'v', NULL, "more messages", CLI_FLAG, &a.verbose},
        CLI_END};
    const struct cli_command command = {
        "laconic train", "CONFIG.json [options]", "Train a compressor/decompressor pair.",
        "The run folder receives checkpoint.h5 (last), best.h5 (best held-out figure, option "
        "checkpoint.best),\n"
        "supervised.h5 (end of phase one), metrics.jsonl, examples.txt and config.json. Ctrl-C saves and\n"
        "stops; --resume continues.",
        options};
    char **operands;
    int count;
    struct train_settings settings;
    enum status status = cli_parse(&command, argc, argv, &operands, &count);
    if (status == STATUS_OK && a.options) {
        options_print_help(train_options, stdout);
        return cli_finish("laconic train", status);
    }
    if (status == STATUS_OK)
        status = check_arguments(&a, count);
    log_set_level(a.quiet ? LOG_WARNING : a.verbose ? LOG_DETAIL : LOG_INFO);
    if (status == STATUS_OK)
        status = cpu_choose(a.cpu);
    if (status == STATUS_OK)
        status = read_settings(&a, count ? operands[0] : NULL, &settings);
    if (status == STATUS_OK)
        status = threads_start((int)settings.threads);
    if (status == STATUS_OK)
        status = cpu_prepare(a.cpu);
    signals_ask_to_stop();
    if (status == STATUS_OK)
        status = train(&a, &settings);
    threads_stop();
    return cli_finish("laconic train", status);
}
