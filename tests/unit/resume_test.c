/* Every option of training, changed when a run is resumed: refused by name, or the run really goes another
 * way. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "expect.h"
#include "train/run/changes.h"
#include "train/run/places.h"
#include "train/run/resume.h"

/* ---- a small world in a folder of its own ---- */

static char folder[] = "/tmp/laconic-resume-test-XXXXXX";

static void write_text(const char *path, const char *text, int repeat) {
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    for (int i = 0; i < repeat; i++)
        fputs(text, f);
    fclose(f);
}

static void set_up(void) {
    const char *paths[] = {"text"};
    struct dataset_recipe recipe = {
        .paths = paths, .path_count = 1, .chunking = {CHUNK_LINES, 8}, .shares = {0.6, 0.2, 0.2}};
    log_set_level(LOG_ERROR);
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    write_text("model.json",
               "{\"vocab_size\": 300, \"d_model\": 16, \"d_kv\": 8, \"d_ff\": 32, \"num_layers\": 1, "
               "\"num_heads\": 2, \"dropout_rate\": 0.1}\n",
               1);
    write_text("text", "open\nclose\nread\nwrite\nsend\nfeed\n", 6);
    EXPECT_OK(dataset_make(&recipe, "data.h5"));
    /* "aabc" is a, ab, c to who merges the most frequent pair first, and aa, bc at its shortest */
    write_text("text", "ab\nab\nab\nbc\nbc\naad\naad\naabc\n", 6);
    EXPECT_OK(dataset_make(&recipe, "greedy.h5"));
}

static void tear_down(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(system(command), 0);
}

TestSuite(resume, .init = set_up, .fini = tear_down);

enum { CONTEXT = 8 };
static const char *const small[] = {"model=model.json",
                                    "data=data.h5",
                                    "supervised.steps=7",
                                    "rl.steps=6",
                                    "rl.texts=4",
                                    "rl.updates=2",
                                    "batch.rows=8",
                                    "ir.merges=1",
                                    "evaluation.every=40",
                                    "evaluation.chunks=16",
                                    "evaluation.prior=20",
                                    "evaluation.examples=1",
                                    "replay.capacity=400",
                                    "behaviour.samples=2",
                                    "behaviour.merges=0",
                                    "reward.loss=1",
                                    "checkpoint.minutes=9",
                                    "behaviour.deletions=6",
                                    NULL};

static void change(struct train_settings *s, const char *const *changes) {
    for (int i = 0; changes[i]; i++)
        EXPECT_OK(options_set(train_options, s, changes[i]));
}

/* A pair that rebuilds most words; the rl stage begins with it. */
static void train_teacher(void) {
    static const char *const changes[] = {"supervised.steps=150",
                                          "supervised.compressor_rate=2e-2",
                                          "supervised.decompressor_rate=2e-2",
                                          "rl.steps=0",
                                          "batch.rows=24",
                                          "demonstration.drop=0.5",
                                          NULL};
    struct train_settings s;
    struct trainer *t = calloc(1, sizeof *t);
    options_defaults(train_options, &s);
    change(&s, small);
    change(&s, changes);
    mkdir("teacher", 0700);
    EXPECT_OK(trainer_open(t, &s, "teacher"));
    EXPECT_OK(trainer_run(t, &(struct run_limits){0}));
    trainer_close(t);
    free(t);
}

/* A run stopped after some steps, in the folder base. */
static void make_base(bool rl_stage, const char *const *context) {
    struct train_settings s;
    struct trainer *t = calloc(1, sizeof *t);
    options_defaults(train_options, &s);
    change(&s, small);
    if (rl_stage)
        s.supervised.steps = 0;
    change(&s, context);
    mkdir("base", 0700);
    EXPECT_OK(trainer_open(t, &s, "base"));
    if (rl_stage)
        EXPECT_OK(checkpoint_begin_from(t, "teacher/checkpoint.h5"));
    trainer_run(t, &(struct run_limits){.steps = rl_stage ? 2 : 3});
    trainer_close(t);
    free(t);
}

/* ---- how a resumed run went ---- */

static void fold(uint64_t *digest, const void *data, size_t size) {
    for (size_t i = 0; i < size; i++)
        *digest = (*digest ^ ((const uint8_t *)data)[i]) * 0x100000001b3u;
}

/* Time passes as it likes, and that a change was written down is no effect. */
static bool says_nothing(const char *name) {
    return strcmp(name, "trainer/changes") == 0 || strcmp(name, "metrics/seconds") == 0;
}

static enum status fold_array(void *context, struct h5_file *file, const char *name, bool is_group) {
    struct h5_shape shape;
    bool is_float;
    void *values = NULL;
    size_t count = 1;
    if (is_group || says_nothing(name))
        return STATUS_OK;
    TRY(h5_shape(file, name, &shape, &is_float));
    enum h5_type type = is_float ? H5_F64 : strcmp(name, "trainer/random") == 0 ? H5_U64 : H5_I64;
    TRY(h5_read_alloc(file, name, type, &shape, 1 << 24, &values));
    for (int i = 0; i < shape.rank; i++)
        count *= (size_t)shape.extent[i];
    if (strcmp(name, "trainer/reals") == 0)
        memset(values, 0, 2 * sizeof(double));
    fold(context, name, strlen(name));
    fold(context, values, count * 8);
    free(values);
    return STATUS_OK;
}

static void fold_file(uint64_t *digest, const char *path) {
    struct buffer text = {0};
    if (file_exists(path)) {
        EXPECT_OK(file_read(path, &text));
        fold(digest, text.data, text.size);
    }
    buffer_free(&text);
}

static enum status open_resumed(struct resume *r, struct trainer *t, const char *now) {
    static struct train_settings settings;
    TRY(resume_open(r, "run"));
    TRY(resume_settings(r, &settings));
    if (now)
        TRY(options_set(train_options, &settings, now));
    TRY(resume_check(r, &settings));
    TRY(trainer_plan(t, &settings, "run", &r->shapes));
    TRY(trainer_build(t));
    TRY(checkpoint_load(t));
    return resume_record(r, t);
}

/* Goes on from base with one option changed (NULL: none) to the end; *status is what came of it, the result a
 * digest of its state, metrics, examples and clock. A refusal has the digest 0. */
static uint64_t go_on(const char *now, enum status *status) {
    uint64_t digest = 0xcbf29ce484222325u;
    struct resume *r = calloc(1, sizeof *r);
    struct trainer *t = calloc(1, sizeof *t);
    struct h5_file *file = NULL;
    cr_assert_eq(system("rm -rf run && mkdir run && cp base/checkpoint.h5 run && "
                        "(! [ -e base/examples.txt ] || cp base/examples.txt run)"),
                 0);
    *status = open_resumed(r, t, now);
    bool opened = *status == STATUS_OK;
    if (opened) {
        EXPECT_OK(changes_write_config(t));
        bool by_cpu = fabs(trainer_clock(t) - progress_clock()) > 1;
        *status = trainer_run(t, &(struct run_limits){.steps = t->settings.minutes > 0 ? 2 : 0});
        fold(&digest, status, sizeof *status);
        fold(&digest, &by_cpu, sizeof by_cpu);
        fold(&digest, &t->best, sizeof t->best);
        EXPECT_OK(h5_open(&file, "run/checkpoint.h5"));
        EXPECT_OK(h5_walk(file, "", fold_array, &digest));
        h5_close(file);
        fold_file(&digest, "run/examples.txt");
    }
    trainer_close(t);
    resume_close(r);
    free(t);
    free(r);
    return opened ? digest : 0;
}

/* ---- one trial for every option ---- */

enum where { ONE, TWO, NOWHERE /* its effect is seen by another test, which the context names */ };

static const struct trial {
    const char *now; /* the change; the option's name stands before "=" */
    enum where where;
    const char *context[CONTEXT];
} trials[] = {
    {"model=byte-1m", ONE, {NULL}},
    {"decompressor_model=byte-1m", ONE, {NULL}},
    {"data=other.h5", NOWHERE, {"cli/train-moved"}},
    {"data_hash=0", ONE, {NULL}},
    {"absolute_positions=true", ONE, {NULL}},
    {"local_bias=1", ONE, {NULL}},
    {"precision=fp32", ONE, {NULL}},
    {"seed=2", ONE, {NULL}},
    {"threads=1", NOWHERE, {"cli/train-threads"}},
    {"minutes=1000", ONE, {NULL}},
    {"clock=cpu", ONE, {NULL}},
    {"ir.merges=2", ONE, {NULL}},
    {"batch.rows=4", ONE, {NULL}},
    {"optimizer.beta1=0.5", ONE, {NULL}},
    {"optimizer.beta2=0.5", ONE, {NULL}},
    {"optimizer.epsilon=1e-2", ONE, {NULL}},
    {"optimizer.weight_decay=0.5", ONE, {NULL}},
    {"optimizer.clip=0.1", ONE, {NULL}},
    {"optimizer.warmup=1", ONE, {NULL}},
    {"optimizer.final_share=1", ONE, {NULL}},
    {"supervised.steps=8", ONE, {NULL}},
    {"supervised.share=0", ONE, {"minutes=1000"}},
    {"supervised.compressor_rate=1e-2", ONE, {NULL}},
    {"supervised.decompressor_rate=1e-2", ONE, {NULL}},
    {"demonstration.empty=0.5", ONE, {NULL}},
    {"demonstration.copies=1", ONE, {NULL}},
    {"demonstration.drop=1", ONE, {NULL}},
    {"demonstration.drop_rows=0", ONE, {NULL}},
    {"demonstration.pairs=7", ONE, {NULL}},
    {"demonstration.merge=0", ONE, {NULL}},
    {"demonstration.shortest=true", ONE, {"data=greedy.h5", "ir.merges=6"}},
    {"rl.steps=4", TWO, {NULL}},
    {"rl.texts=3", TWO, {NULL}},
    {"rl.updates=3", TWO, {NULL}},
    {"rl.episodes=1", TWO, {"rl.algorithm=awr", "rl.temperature=10"}},
    {"rl.algorithm=awr", TWO, {NULL}},
    {"rl.goal=reward", TWO, {NULL}},
    {"rl.compressor_rate=1e-2", TWO, {NULL}},
    {"rl.decompressor_rate=1e-2", TWO, {NULL}},
    {"rl.temperature=10", TWO, {"rl.algorithm=awr"}},
    {"rl.demonstrations=1", TWO, {NULL}},
    {"rl.imitation=1", TWO, {"rl.algorithm=dqn"}},
    {"rl.entropy=1", TWO, {"rl.algorithm=ppo"}},
    {"rl.clip=0.001", TWO, {"rl.algorithm=ppo"}},
    {"rl.baseline=value", TWO, {"rl.algorithm=ppo"}},
    {"rl.discount=0.5", TWO, {"rl.algorithm=vtrace"}},
    {"rl.unseen=0.5", TWO, {NULL}},
    {"rl.unseen_act=0.1", TWO, {"rl.unseen=0.5", "rl.texts=16"}},
    {"value.rate=1", TWO, {"rl.algorithm=vtrace"}},
    {"value.weight=5", TWO, {"rl.algorithm=vtrace"}},
    {"vtrace.ratio=0.01", TWO, {"rl.algorithm=vtrace"}},
    {"vtrace.trace=0.01", TWO, {"rl.algorithm=vtrace"}},
    {"q.scale=1", TWO, {"rl.algorithm=dqn"}},
    {"q.dueling=false", TWO, {"rl.algorithm=dqn"}},
    {"q.steps=1", TWO, {"rl.algorithm=dqn"}},
    {"q.cql=1", TWO, {"rl.algorithm=dqn"}},
    {"q.support=group", TWO, {"rl.algorithm=dqn", "q.steps=1"}},
    {"q.expectile=0.9", TWO, {"rl.algorithm=ilql"}},
    {"q.path=single", TWO, {"rl.algorithm=pcl"}},
    {"behaviour.demonstrations=0", TWO, {"behaviour.greedy=0", "behaviour.samples=0", "behaviour.copies=1"}},
    {"behaviour.shortest=1",
     TWO,
     {"behaviour.greedy=0", "behaviour.samples=0", "behaviour.copies=1", "behaviour.demonstrations=0"}},
    {"behaviour.merges=4", TWO, {NULL}},
    {"behaviour.rounds=3", TWO, {NULL}},
    {"behaviour.temperature=5", TWO, {NULL}},
    {"behaviour.top_k=1", TWO, {"behaviour.temperature=3"}},
    {"behaviour.top_p=0.1", TWO, {"behaviour.temperature=3"}},
    {"behaviour.epsilon=0.5", TWO, {NULL}},
    {"replay.capacity=70", TWO, {NULL}},
    {"replay.newest=0", TWO, {NULL}},
    {"replay.half_life=0.1", TWO, {"replay.newest=0"}},
    {"replay.reward_scale=0.01", TWO, {"replay.newest=0"}},
    {"replay.best=9", TWO, {"replay.best=8"}},
    {"replay.best_share=1", TWO, {"rl.algorithm=awr"}},
    {"target.mode=periodic", TWO, {NULL}},
    {"target.tau=0.9", TWO, {NULL}},
    {"target.every=1", TWO, {"target.mode=periodic"}},
    {"decompressor.mode=frozen", TWO, {NULL}},
    {"decompressor.every=2", TWO, {"decompressor.mode=periodic"}},
    {"decompressor.drop=1", TWO, {NULL}},
    {"decompressor.drop_rows=1", TWO, {"decompressor.drop=1"}},
    {"reward.edits=3.5",
     TWO,
     {"reward.edits=0.5", "rl.algorithm=awr", "rl.temperature=1"}}, /* not from 0 on */
    {"reward.ramp=0", TWO, {"reward.length_from=-1", "reward.ramp=1"}},
    {"reward.normalize=group", TWO, {"rl.algorithm=awr"}},
    {"reward.shaping=terminal", TWO, {"rl.algorithm=dqn"}},
    {"evaluation.chunks=3", TWO, {NULL}},
    {"evaluation.every=20", TWO, {NULL}},
    {"evaluation.prior=5", TWO, {NULL}},
    {"evaluation.search=3", TWO, {NULL}},
    {"evaluation.examples=2", TWO, {NULL}},
    {"collapse.length=1e6", TWO, {NULL}},
    {"collapse.exact_match=0", TWO, {"rl.compressor_rate=0.5", "rl.decompressor_rate=0.5"}},
    {"collapse.constant=0", ONE, {NULL}},
    {"collapse.gradient=1e-9", ONE, {NULL}},
    {"collapse.patience=1", ONE, {"collapse.gradient=1e-9"}},
    {"collapse.q=1e-6", TWO, {"rl.algorithm=dqn"}},
    {"collapse.stop=true",
     TWO,
     {"collapse.exact_match=0", "evaluation.every=100", "rl.compressor_rate=0.5",
      "rl.decompressor_rate=0.5"}},
    {"checkpoint.best=tokens_per_byte", TWO, {NULL}},
    {"checkpoint.minutes=0", NOWHERE, {"resume/checkpoints_come_as_often_as_the_resumed_run_says"}},
};
enum { TRIALS = sizeof trials / sizeof *trials };

/* Policies and reward terms have three and two options each, made from their lists. */
static const struct trial *find_trial(const struct option_row *row) {
    static struct trial made;
    static char now[64], on[64], ramp[] = "reward.ramp=1";
    size_t length = strlen(row->name);
    for (int i = 0; i < TRIALS; i++)
        if (strncmp(trials[i].now, row->name, length) == 0 && trials[i].now[length] == '=')
            return &trials[i];
    const char *end = strrchr(row->name, '_');
    bool begins = end && strcmp(end, "_begin") == 0, ends = end && strcmp(end, "_end") == 0,
         from = end && strcmp(end, "_from") == 0;
    bool policy = strncmp(row->name, "behaviour.", 10) == 0, reward = strncmp(row->name, "reward.", 7) == 0;
    if (!policy && !reward)
        return NULL;
    int stem = begins || ends || from ? (int)(end - row->name) : (int)length;
    made = (struct trial){.now = now, .where = TWO};
    if (stem == (int)length) {
        snprintf(now, sizeof now, "%s=%s", row->name,
                 policy ? strcmp(row->default_value, "0") ? "0" : "1" : "3.5");
        made.context[0] = reward ? "rl.algorithm=awr" : "behaviour.demonstrations=1";
        if (reward)
            made.context[1] = "rl.temperature=1";
        return &made;
    }
    snprintf(now, sizeof now, "%s=%s", row->name, from ? "-5" : "0");
    snprintf(on, sizeof on, "%.*s=1", stem, row->name);
    made.context[0] = on;
    if (from) {
        made.context[1] = ramp;
        made.context[2] = "rl.algorithm=awr";
        made.context[3] = "rl.temperature=1";
    }
    return &made;
}

static void expect_refused(const struct option_row *row, const char *now) {
    enum status status;
    char sentence[300];
    cr_expect_eq(go_on(now, &status), 0, "%s is not refused", row->name);
    snprintf(sentence, sizeof sentence, "%s cannot change from ", row->name);
    cr_expect_eq(status, STATUS_CONFIG, "%s", row->name);
    cr_expect(strncmp(fail_sentence(), sentence, strlen(sentence)) == 0, "%s", fail_sentence());
}

/* Bases are made again only where the context differs from that of the trial before. */
static struct {
    bool made;
    enum where where;
    char context[512];
    uint64_t digest; /* of going on without a change */
} base;

static void provide_base(const struct trial *trial) {
    char context[512] = "";
    enum status status;
    for (int i = 0; trial->context[i]; i++) {
        strcat(context, trial->context[i]);
        strcat(context, " ");
    }
    if (base.made && base.where == trial->where && strcmp(base.context, context) == 0)
        return;
    cr_assert_eq(system("rm -rf base"), 0);
    make_base(trial->where == TWO, trial->context);
    base.made = true;
    base.where = trial->where;
    strcpy(base.context, context);
    base.digest = go_on(NULL, &status);
    cr_assert_neq(base.digest, 0, "%s: %s", trial->now, fail_sentence());
}

/* Time decides how such a run goes: only what the phases did is compared. */
static bool goes_by_the_clock(const struct trial *trial) {
    return trial->context[0] && strncmp(trial->context[0], "minutes=", 8) == 0;
}

static int64_t supervised_steps_of_run(void) {
    struct h5_file *file = NULL;
    int64_t steps = 0;
    EXPECT_OK(h5_open(&file, "run/checkpoint.h5"));
    EXPECT_OK(h5_get_int(file, "", "supervised_steps", &steps));
    h5_close(file);
    return steps;
}

static void expect_effect(const struct option_row *row, const struct trial *trial) {
    enum status status;
    int64_t before = 0;
    if (goes_by_the_clock(trial)) {
        go_on(NULL, &status);
        before = supervised_steps_of_run();
    }
    uint64_t digest = go_on(trial->now, &status);
    cr_expect_neq(digest, 0, "%s: %s", trial->now, fail_sentence());
    cr_expect_neq(digest, base.digest, "%s changes nothing", trial->now);
    if (goes_by_the_clock(trial))
        cr_expect_neq(supervised_steps_of_run(), before, "%s changes nothing", trial->now);
    struct buffer config = {0};
    EXPECT_OK(file_read("run/config.json", &config));
    EXPECT_OK(buffer_append_byte(&config, 0));
    cr_expect_not_null(strstr((char *)config.data, "_changes"), "%s", row->name);
    cr_expect_not_null(strstr((char *)config.data, row->name), "%s is not recorded", row->name);
    buffer_free(&config);
}

/* The rows of one kind, so that the kinds are tried side by side. */
enum kind { WARM_START, RL_STAGE, FAMILY, ELSEWHERE };

static enum kind kind_of(const struct option_row *row) {
    const struct trial *trial = find_trial(row);
    cr_assert_not_null(trial, "%s has no trial: decide what it does at a resume, and show it", row->name);
    if (trial->where == NOWHERE)
        return ELSEWHERE;
    if (trial->where == ONE)
        return WARM_START;
    return trial >= trials && trial < trials + TRIALS ? RL_STAGE : FAMILY;
}

static void try_all(enum kind kind) {
    if (kind != WARM_START)
        train_teacher();
    for (const struct option_row *row = train_options; row->name; row++) {
        if (kind_of(row) != kind)
            continue;
        struct trial trial = *find_trial(row);
        provide_base(&trial);
        if (row->rule == OPTION_FIXED || row->rule == OPTION_MODEL)
            expect_refused(row, trial.now);
        else
            expect_effect(row, &trial);
    }
}

Test(resume, options_of_the_warm_start_are_refused_or_have_an_effect, .timeout = 280) {
    try_all(WARM_START);
}

Test(resume, options_of_the_rl_stage_are_refused_or_have_an_effect, .timeout = 280) {
    try_all(RL_STAGE);
}

Test(resume, policies_and_rewards_have_an_effect, .timeout = 280) {
    try_all(FAMILY);
}

Test(resume, what_nothing_changed_goes_as_before) {
    enum status status;
    static const char *const none[] = {NULL};
    make_base(false, none);
    uint64_t once = go_on(NULL, &status), twice = go_on(NULL, &status);
    cr_expect_eq(once, twice);
    cr_expect_neq(once, 0);
}

Test(resume, the_warm_start_is_over_for_its_options) {
    static const char *const none[] = {NULL};
    train_teacher();
    make_base(true, none);
    for (const struct option_row *row = train_options; row->name; row++)
        if (row->rule == OPTION_FIRST && strcmp(row->name, "supervised.steps") != 0)
            expect_refused(row, find_trial(row)->now);
}

/* How often a file was moved to run/checkpoint.h5. Moves away stand between, or the kernel would merge them.
 */
static int count_saves(int watch) {
    _Alignas(struct inotify_event) char events[8192];
    ssize_t size = read(watch, events, sizeof events);
    int saves = 0;
    for (const char *at = events; at < events + size;) {
        const struct inotify_event *event = (const void *)at;
        saves += event->len > 0 && strcmp(event->name, "checkpoint.h5") == 0;
        at += sizeof *event + event->len;
    }
    return saves;
}

/* Two steps: saved at the end, and after each if the settings say so. */
Test(resume, checkpoints_come_as_often_as_the_resumed_run_says) {
    static const char *const context[] = {"collapse.length=0", NULL};
    enum status status;
    make_base(false, context);
    for (int often = 0; often < 2; often++) {
        struct resume *r = calloc(1, sizeof *r);
        struct trainer *t = calloc(1, sizeof *t);
        cr_assert_eq(system("rm -rf run && mkdir run && cp base/checkpoint.h5 run"), 0);
        status = open_resumed(r, t, often ? "checkpoint.minutes=0" : "checkpoint.minutes=10");
        cr_assert_eq(status, STATUS_OK, "%s", fail_sentence());
        int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        cr_assert(watch >= 0 && inotify_add_watch(watch, "run", IN_MOVE) >= 0);
        EXPECT_OK(trainer_run(t, &(struct run_limits){.steps = 2}));
        int saves = count_saves(watch);
        cr_expect_eq(saves, often ? 3 : 1, "%d times", saves);
        close(watch);
        trainer_close(t);
        resume_close(r);
        free(t);
        free(r);
    }
}
