/* laconic train: reads the configuration, trains, saves. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/cli.h"
#include "base/json_line.h"
#include "base/log.h"
#include "base/program.h"
#include "base/signals.h"
#include "base/threads.h"
#include "kernels/cpu.h"
#include "t5/parameters.h"
#include "train/run/changes.h"
#include "train/run/places.h"
#include "train/run/resume.h"
#include "train/run/settings_check.h"
#include "train/run/claim.h"

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

/* The command line over what a file says. */
static enum status apply(const struct arguments *a, struct train_settings *settings) {
    for (int i = 0; i < a->assignments.count; i++)
        TRY(options_set(train_options, settings, a->assignments.items[i]));
    if (a->data && strlen(a->data) >= sizeof settings->data)
        return fail(STATUS_USAGE, "--data: names of at most %d bytes fit", OPTION_TEXT_CAPACITY - 1);
    if (a->data)
        snprintf(settings->data, sizeof settings->data, "%s", a->data);
    if (a->minutes > 0)
        settings->minutes = a->minutes;
    if (a->threads > 0)
        settings->threads = a->threads;
    return STATUS_OK;
}

static enum status read_file(const char *path, struct train_settings *settings) {
    TRY(options_read_file(train_options, settings, path));
    return places_find(settings, path);
}

/* A file of settings may hold the hash of its data set; other data named on the command line has its own. */
static enum status settings_of_new_run(const struct arguments *a, const char *path,
                                       struct train_settings *settings) {
    struct train_settings in_file;
    options_defaults(train_options, settings);
    TRY(read_file(path, settings));
    in_file = *settings;
    TRY(apply(a, settings));
    if (strcmp(settings->data, in_file.data) != 0 && strcmp(settings->data_hash, in_file.data_hash) == 0)
        settings->data_hash[0] = '\0';
    return train_settings_check(settings);
}

static enum status settings_of_old_run(const struct arguments *a, const char *path,
                                       const struct resume *resume, struct train_settings *settings) {
    struct train_settings given;
    TRY(resume_settings(resume, settings));
    given = *settings;
    TRY(apply(a, settings));
    if (path) {
        TRY(read_file(path, &given));
        TRY(apply(a, &given));
        TRY(resume_compare(resume, path, &given, settings));
    }
    TRY(resume_check(resume, settings));
    return train_settings_check(settings);
}

/* Weights of a model that need not be there. */
static size_t count_weights(const struct t5_model *model) {
    struct t5_layout *layout;
    if (t5_layout_open(&layout, &model->config) != STATUS_OK)
        return 0;
    size_t count = layout->weight_count;
    t5_layout_close(layout);
    return count;
}

/* "3536", "1.09M" */
static const char *show_weights(size_t count, char text[24]) {
    if (count < 1000000)
        snprintf(text, 24, "%zu", count);
    else
        snprintf(text, 24, "%.2fM", (double)count / 1e6);
    return text;
}

static uint64_t count_held_out(const struct trainer *t) {
    return dataset_count(t->data, SPLIT_VALID) + dataset_count(t->data, SPLIT_TEST);
}

static void describe(const struct trainer *t) {
    const struct t5_model *c = &t->pair.compressor, *d = &t->pair.decompressor;
    char compressor[24], decompressor[24];
    log_info("data %s: %" PRIu64 " training chunks, %" PRIu64 " held out", t->settings.data,
             dataset_count(t->data, SPLIT_TRAIN), count_held_out(t));
    log_info("models: compressor %s weights, decompressor %s, vocabulary %d, %d merges",
             show_weights(count_weights(c), compressor), show_weights(count_weights(d), decompressor),
             c->config.vocab_size, t->pair.tokenizer.merge_count);
    log_info("computing on %s, %d thread%s", cpu_description(), threads_count(),
             threads_count() == 1 ? "" : "s");
}

static void print_plan(const struct trainer *t) {
    struct json_line line;
    json_line_begin(&line);
    json_line_truth(&line, "dry_run", true);
    json_line_text(&line, "data", t->settings.data);
    json_line_text(&line, "data_hash", t->settings.data_hash);
    json_line_integer(&line, "training_chunks", dataset_count(t->data, SPLIT_TRAIN));
    json_line_integer(&line, "held_out_chunks", count_held_out(t));
    json_line_integer(&line, "compressor_weights", count_weights(&t->pair.compressor));
    json_line_integer(&line, "decompressor_weights", count_weights(&t->pair.decompressor));
    json_line_integer(&line, "vocabulary", (uint64_t)t->pair.compressor.config.vocab_size);
    json_line_integer(&line, "merges", (uint64_t)t->pair.tokenizer.merge_count);
    json_line_text(&line, "cpu", cpu_description());
    json_line_integer(&line, "threads", (uint64_t)threads_count());
    json_line_end(&line);
}

/* A figure of an evaluation that may not have happened; JSON has no NaN. */
static void print_figure(const char *name, const struct evaluation *e, double value) {
    if (e->chunks > 0 && isfinite(value))
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
    printf("{\"supervised_steps\": %" PRId64 ", \"rl_steps\": %" PRId64, t->steps[PHASE_SUPERVISED],
           t->steps[PHASE_RL]);
    print_figure("held_out_exact_match", e, e->exact_match);
    print_figure("held_out_exact_match_fallback", e, e->exact_match_fallback);
    print_figure("tokens_per_byte", e, e->tokens_per_byte);
    print_figure("bits_per_byte", e, e->bits_per_byte);
    puts("}");
}

/* Nothing is trained, written or recorded. */
static void say_finished(const struct trainer *t) {
    char wanted[96];
    if (t->settings.minutes > 0)
        snprintf(wanted, sizeof wanted, "--max-minutes M with M above %g", t->settings.minutes);
    else
        snprintf(wanted, sizeof wanted, "--set rl.steps=N with N above %" PRId64, t->steps[PHASE_RL]);
    log_info("%s is finished: %" PRId64 " steps of the supervised warm start and %" PRId64
             " of the rl stage are done; to go on, resume it with %s",
             t->folder, t->steps[PHASE_SUPERVISED], t->steps[PHASE_RL], wanted);
}

static enum status open_run(struct trainer *t, const struct arguments *a, const struct resume *resume) {
    TRY(trainer_build(t));
    if (a->resume) {
        TRY(checkpoint_load(t));
        return t->phase < PHASE_COUNT ? resume_record(resume, t) : STATUS_OK;
    }
    return a->from ? checkpoint_begin_from(t, a->from) : STATUS_OK;
}

static enum status run(struct trainer *t, const struct arguments *a) {
    char path[4096];
    TRY(changes_write_config(t));
    snprintf(path, sizeof path, "%s/metrics.jsonl", a->output);
    TRY(metrics_start(&t->metrics, path));
    return trainer_run(t, &(struct run_limits){.steps = a->steps});
}

static enum status plan_and_train(struct trainer *t, const struct arguments *a, const struct resume *resume,
                                  const struct train_settings *settings, struct run_claim *claim) {
    TRY(trainer_plan(t, settings, a->output, a->resume ? &resume->shapes : NULL));
    describe(t);
    train_settings_advise(settings);
    if (a->from)
        TRY(begin_check(t, a->from));
    if (a->dry_run) {
        if (a->json)
            print_plan(t);
        return STATUS_OK;
    }
    TRY(run_claim(claim, a->output, a->resume));
    TRY(open_run(t, a, resume));
    bool finished = t->phase == PHASE_COUNT;
    if (finished)
        say_finished(t);
    else
        TRY(run(t, a));
    if (!finished || a->json)
        print_summary(t, a);
    return STATUS_OK;
}

static enum status train(const struct arguments *a, const struct resume *resume,
                         const struct train_settings *settings) {
    struct trainer *trainer = calloc(1, sizeof *trainer);
    struct run_claim claim = {0};
    if (!trainer)
        return fail(STATUS_MEMORY, "no memory to start");
    enum status status = plan_and_train(trainer, a, resume, settings, &claim);
    trainer_close(trainer);
    run_release(&claim);
    free(trainer);
    return status;
}

/* Settings, threads and signals in the order in which they need each other. */
static enum status prepare_and_train(const struct arguments *a, const char *configuration,
                                     struct resume *resume) {
    static struct train_settings settings; /* too large for a small stack */
    TRY(cpu_choose(a->cpu));
    if (a->resume)
        TRY(resume_open(resume, a->output));
    TRY(a->resume ? settings_of_old_run(a, configuration, resume, &settings)
                  : settings_of_new_run(a, configuration, &settings));
    TRY(threads_start((int)settings.threads));
    TRY(cpu_prepare(a->cpu));
    signals_ask_to_stop();
    return train(a, resume, &settings);
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
        CPU_OPTION(&a.cpu),
        {"json", 0, NULL, "print the result as one JSON object", CLI_FLAG, &a.json},
        {"quiet", 'q', NULL, "only warnings and errors", CLI_FLAG, &a.quiet},
        {"verbose", 'v', NULL, "more messages", CLI_FLAG, &a.verbose},
        CLI_END};
    const struct cli_command command = {
        "laconic train", "CONFIG.json [options]", "Train a compressor/decompressor pair.",
        "The run folder receives checkpoint.h5 (last), best.h5 (best held-out figure, option "
        "checkpoint.best),\n"
        "supervised.h5 (end of the warm start), metrics.jsonl, examples.txt and config.json. Ctrl-C saves "
        "and\n"
        "stops; --resume continues.",
        options};
    char **operands;
    int count;
    static struct resume resume; /* too large for a small stack */
    program_start();
    enum status status = cli_parse(&command, argc, argv, &operands, &count);
    if (status == STATUS_OK && a.options) {
        options_print_help(train_options, stdout);
        return cli_finish("laconic train", status);
    }
    if (status == STATUS_OK)
        status = check_arguments(&a, count);
    log_set_level(a.quiet ? LOG_WARNING : a.verbose ? LOG_DETAIL : LOG_INFO);
    if (status == STATUS_OK)
        status = prepare_and_train(&a, count ? operands[0] : NULL, &resume);
    threads_stop();
    resume_close(&resume);
    return cli_finish("laconic train", status);
}
