/* Checkpoints of a run: the pair as inference reads it, and below /trainer all that changes the future;
 * /metrics and /examples tell what happened. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/t5_json.h"
#include "train/run/changes.h"
#include "train/run/places.h"
#include "train/run/replay_names.h"
#include "train/run/trainer.h"

/* FOLDER/NAME; the caller frees it. */
static enum status path_in(const struct trainer *t, const char *name, char **path) {
    size_t capacity = strlen(t->folder) + strlen(name) + 2;
    *path = malloc(capacity);
    if (!*path)
        return fail(STATUS_MEMORY, "no memory for a file name");
    snprintf(*path, capacity, "%s/%s", t->folder, name);
    return STATUS_OK;
}

/* Arrays that are stored and restored alike: one list for both directions. */
struct array {
    const char *name;
    enum h5_type type;
    uint64_t size;
    void *data;
};
enum { ARRAYS = 16 };

/* counters: a plain-number copy of the trainer's progress. */
struct counters {
    int64_t integers[8];
    double reals[8];
};

static void counters_take(struct counters *c, const struct trainer *t) {
    *c = (struct counters){{t->phase, t->steps[0], t->steps[1], t->compressor.step, t->decompressor.step,
                            t->newest, t->updates, t->finished | (int64_t)t->evaluation_due << PHASE_COUNT},
                           {t->seconds[0], t->seconds[1], t->tokens, t->best}};
}

static void counters_give(const struct counters *c, struct trainer *t) {
    t->phase = (enum phase)c->integers[0];
    t->steps[0] = c->integers[1];
    t->steps[1] = c->integers[2];
    t->compressor.step = c->integers[3];
    t->decompressor.step = c->integers[4];
    t->newest = c->integers[5];
    t->updates = c->integers[6];
    t->finished = c->integers[7] & ((1 << PHASE_COUNT) - 1);
    t->evaluation_due = c->integers[7] >> PHASE_COUNT;
    t->seconds[0] = c->reals[0];
    t->seconds[1] = c->reals[1];
    t->tokens = c->reals[2];
    t->best = c->reals[3];
}

static int list_arrays(struct trainer *t, struct counters *c, struct array *list) {
    const struct array all[] = {
        {"trainer/integers", H5_I64, 8, c->integers},
        {"trainer/reals", H5_F64, 8, c->reals},
        {"trainer/random", H5_U64, STREAM_COUNT * 4, t->rng},
        {"trainer/compressor/first_moment", H5_F32, t->pair.compressor.weight_count,
         t->compressor.first_moment},
        {"trainer/compressor/second_moment", H5_F32, t->pair.compressor.weight_count,
         t->compressor.second_moment},
        {"trainer/compressor/target", H5_F32, t->pair.compressor.weight_count, t->target_compressor.weights},
        {"trainer/decompressor/first_moment", H5_F32, t->pair.decompressor.weight_count,
         t->decompressor.first_moment},
        {"trainer/decompressor/second_moment", H5_F32, t->pair.decompressor.weight_count,
         t->decompressor.second_moment},
        {"trainer/decompressor/target", H5_F32, t->pair.decompressor.weight_count,
         t->target_decompressor.weights},
    };
    const struct array value[] = {
        {"trainer/value/weights", H5_F32, (uint64_t)t->value.size, t->value.weights},
        {"trainer/value/target", H5_F32, (uint64_t)t->value.size, t->value.target},
        {"trainer/value/first_moment", H5_F32, (uint64_t)t->value.size, t->value.first_moment},
        {"trainer/value/second_moment", H5_F32, (uint64_t)t->value.size, t->value.second_moment},
        {"trainer/value/step", H5_I64, 1, &t->value.step},
    };
    const int count = sizeof all / sizeof *all, more = t->value.size ? sizeof value / sizeof *value : 0;
    memcpy(list, all, sizeof all);
    memcpy(list + count, value, (size_t)more * sizeof *value);
    return count + more;
}

static struct h5_shape list_of(uint64_t size) {
    return (struct h5_shape){.rank = 1, .extent = {size}};
}

/* The codes that the rewards' prior learned from. */
static enum status write_recent(struct h5_file *file, const struct trainer *t) {
    struct h5_shape counts = list_of((uint64_t)tokenizer_vocabulary(&t->pair.tokenizer));
    struct h5_shape tokens = list_of(t->recent.tokens.size / sizeof(int32_t));
    TRY(h5_write(file, "trainer/prior/counts", H5_U32, &counts, t->recent.counts));
    if (t->recent.tokens.size == 0)
        return STATUS_OK;
    return h5_write(file, "trainer/prior/sample", H5_I32, &tokens, t->recent.tokens.data);
}

static enum status read_recent(struct h5_file *file, struct trainer *t) {
    int vocabulary = tokenizer_vocabulary(&t->pair.tokenizer);
    struct h5_shape counts = list_of((uint64_t)vocabulary), tokens;
    struct code_sample sample = {.counts = calloc((size_t)vocabulary, sizeof *sample.counts)};
    void *ids = NULL;
    enum status status = sample.counts ? STATUS_OK : fail(STATUS_MEMORY, "no memory for a sample of codes");
    if (status == STATUS_OK)
        status = h5_read(file, "trainer/prior/counts", H5_U32, &counts, sample.counts);
    if (status == STATUS_OK && h5_has(file, "trainer/prior/sample"))
        status = h5_read_alloc(file, "trainer/prior/sample", H5_I32, &tokens, PRIOR_SAMPLE_MAXIMUM, &ids);
    for (uint64_t i = 0; status == STATUS_OK && ids && i < tokens.extent[0]; i++)
        if (((const int32_t *)ids)[i] < 0 || ((const int32_t *)ids)[i] >= vocabulary)
            status = fail(STATUS_FORMAT, "%s: the sample of codes is damaged", h5_path(file));
    if (status == STATUS_OK && ids)
        status = buffer_append(&sample.tokens, ids, (size_t)tokens.extent[0] * sizeof(int32_t));
    free(ids);
    if (status == STATUS_OK)
        status = trainer_learn_prior(t, &sample);
    code_sample_free(&sample);
    return status;
}

/* Where the data set was: it is looked for there when it is not where the run's folder leads to. */
static enum status write_place(struct h5_file *file, const struct trainer *t) {
    char *path = NULL;
    TRY(places_absolute(t->settings.data, &path));
    enum status status = h5_set_text(file, "trainer", "data_path", path);
    free(path);
    return status;
}

static enum status write_state(struct h5_file *file, struct trainer *t) {
    struct array list[ARRAYS];
    struct counters counters;
    counters_take(&counters, t);
    int count = list_arrays(t, &counters, list);
    for (int i = 0; i < count; i++)
        TRY(h5_write(file, list[i].name, list[i].type,
                     &(struct h5_shape){.rank = 1, .extent = {list[i].size}}, list[i].data));
    TRY(h5_set_text(file, "trainer", "data", dataset_hash(t->data)));
    TRY(write_place(file, t));
    TRY(changes_write(file, "trainer/changes", &t->changes));
    if (t->recent.counts)
        TRY(write_recent(file, t));
    if (t->replay.size.episodes) {
        TRY(replay_write(file, "trainer/replay", &t->replay));
        TRY(replay_names_write(file, "trainer/replay", &t->settings));
    }
    TRY(collapse_write(file, "trainer/collapse", &t->collapse));
    TRY(examples_write(file, "examples", &t->examples));
    return metrics_write(file, "metrics", &t->metrics);
}

/* What people and reports want to know of where a model comes from. */
static enum status write_history(struct h5_file *file, const struct trainer *t) {
    struct buffer json = {0};
    struct train_settings stored;
    enum status status = places_store(&stored, &t->settings, t->folder);
    if (status == STATUS_OK)
        status = options_write_json(train_options, &stored, &json);
    if (status == STATUS_OK)
        status = h5_set_text(file, "", "settings_json", (const char *)json.data);
    buffer_free(&json);
    if (status == STATUS_OK)
        status = h5_set_int(file, "", "supervised_steps", t->steps[PHASE_SUPERVISED]);
    if (status == STATUS_OK)
        status = h5_set_int(file, "", "rl_steps", t->steps[PHASE_RL]);
    return status;
}

static enum status save(struct trainer *t, const char *name, bool whole) {
    char *path = NULL;
    struct h5_file *file = NULL;
    TRY(path_in(t, name, &path));
    enum status status = h5_create(&file, path);
    if (status == STATUS_OK)
        status = model_pair_write(file, &t->pair);
    if (status == STATUS_OK)
        status = write_history(file, t);
    if (status == STATUS_OK && whole)
        status = write_state(file, t);
    if (status == STATUS_OK)
        status = h5_commit(file);
    h5_close(file);
    free(path);
    return status;
}

enum status checkpoint_save(struct trainer *t) {
    return save(t, "checkpoint.h5", true);
}

enum status checkpoint_save_pair(struct trainer *t, const char *name) {
    return save(t, name, false);
}

static enum status check_data(struct h5_file *file, const struct trainer *t) {
    char *hash = NULL;
    TRY(h5_get_text(file, "trainer", "data", &hash));
    enum status status = STATUS_OK;
    if (strcmp(hash, dataset_hash(t->data)) != 0)
        status =
            fail(STATUS_MISMATCH,
                 "%s was trained on other data than %s: the hash of its data set is %s, this one's is %s; "
                 "resume with the data set it began with",
                 h5_path(file), t->settings.data, hash, dataset_hash(t->data));
    free(hash);
    return status;
}

static enum status check_shape(struct h5_file *file, const char *role, const struct t5_config *stored,
                               const struct t5_config *wanted, const char *name) {
    struct t5_difference difference = t5_config_difference(stored, wanted);
    if (!difference.key)
        return STATUS_OK;
    return fail(
        STATUS_MISMATCH,
        "%s holds models of other shapes than the configuration asks for: the %s's %s is %s, model %s has "
        "%s",
        h5_path(file), role, difference.key, difference.one, name, difference.other);
}

enum status checkpoint_check_shapes(struct h5_file *file, const struct trainer *t,
                                    const struct model_shapes *stored) {
    const struct train_settings *s = &t->settings;
    TRY(check_shape(file, "compressor", &stored->compressor, &t->pair.compressor.config, s->model));
    return check_shape(file, "decompressor", &stored->decompressor, &t->pair.decompressor.config,
                       *s->decompressor_model ? s->decompressor_model : s->model);
}

static enum status check_pair(struct h5_file *file, const struct trainer *t,
                              const struct model_pair *stored) {
    TRY(checkpoint_check_shapes(
        file, t, &(struct model_shapes){stored->compressor.config, stored->decompressor.config}));
    if (stored->text_merged != t->pair.text_merged)
        return fail(STATUS_MISMATCH, "%s was trained on text in %s, %s is in %s", h5_path(file),
                    stored->text_merged ? "merged tokens" : "bytes", t->settings.data,
                    t->pair.text_merged ? "merged tokens" : "bytes");
    if (stored->text_merged &&
        (stored->tokenizer.merge_count != t->pair.tokenizer.merge_count ||
         memcmp(stored->tokenizer.merges, t->pair.tokenizer.merges,
                (size_t)stored->tokenizer.merge_count * sizeof *stored->tokenizer.merges) != 0))
        return fail(STATUS_MISMATCH, "%s was trained with other merges than %s has", h5_path(file),
                    t->settings.data);
    return STATUS_OK;
}

static enum status read_pair(struct h5_file *file, struct trainer *t) {
    struct model_pair stored = {0};
    TRY(model_pair_read(file, &stored));
    enum status status = check_pair(file, t, &stored);
    if (status == STATUS_OK)
        status = model_pair_dequantise(&stored);
    if (status == STATUS_OK) {
        memcpy(t->pair.compressor.weights, stored.compressor.weights,
               stored.compressor.weight_count * sizeof(float));
        memcpy(t->pair.decompressor.weights, stored.decompressor.weights,
               stored.decompressor.weight_count * sizeof(float));
        free(t->pair.prior_counts);
        free(t->pair.prior_sample);
        t->pair.prior_counts = stored.prior_counts;
        t->pair.prior_sample = stored.prior_sample;
        t->pair.prior_sample_count = stored.prior_sample_count;
        stored.prior_counts = NULL;
        stored.prior_sample = NULL;
        /* the stored merges, not freshly learned ones: the two agree, but this one is what was trained */
        tokenizer_free(&t->pair.tokenizer);
        t->pair.tokenizer = stored.tokenizer;
        stored.tokenizer = (struct tokenizer){0};
        pair_symbols_close(&t->symbols);
        status = pair_symbols_open(&t->symbols, &t->pair.tokenizer, t->data, t->settings.demonstration.pairs);
    }
    model_pair_free(&stored);
    return status;
}

enum status checkpoint_read_progress(struct h5_file *file, struct trainer *t) {
    struct counters counters;
    struct h5_shape shape = list_of(8);
    TRY(h5_read(file, "trainer/integers", H5_I64, &shape, counters.integers));
    TRY(h5_read(file, "trainer/reals", H5_F64, &shape, counters.reals));
    if (counters.integers[0] < 0 || counters.integers[0] > PHASE_COUNT)
        return fail(STATUS_FORMAT, "%s: phase %lld does not exist", h5_path(file),
                    (long long)counters.integers[0]);
    counters_give(&counters, t);
    return STATUS_OK;
}

static enum status read_state(struct h5_file *file, struct trainer *t) {
    struct array list[ARRAYS];
    struct counters counters;
    int count = list_arrays(t, &counters, list);
    TRY(check_data(file, t));
    TRY(checkpoint_read_progress(file, t));
    for (int i = 0; i < count; i++) {
        if (strncmp(list[i].name, "trainer/value/", 14) == 0 && !h5_has(file, list[i].name))
            continue; /* a run without a critic until now */
        TRY(h5_read(file, list[i].name, list[i].type, &(struct h5_shape){.rank = 1, .extent = {list[i].size}},
                    list[i].data));
    }
    if (h5_has(file, "trainer/prior/counts"))
        TRY(read_recent(file, t));
    if (t->replay.size.episodes && h5_has(file, "trainer/replay")) {
        TRY(replay_read(file, "trainer/replay", &t->replay, dataset_count(t->data, SPLIT_TRAIN)));
        TRY(replay_names_apply(file, "trainer/replay", &t->settings, &t->replay));
    }
    TRY(changes_read(file, "trainer/changes", &t->changes));
    /* they were called alarms */
    TRY(collapse_read(file, h5_has(file, "trainer/alarms") ? "trainer/alarms" : "trainer/collapse",
                      &t->collapse));
    TRY(examples_read(file, "examples", &t->examples));
    return metrics_read(file, "metrics", &t->metrics);
}

/* A packed model has neither the trainer's state nor weights that small steps could change. */
enum status checkpoint_check_resumable(struct h5_file *file) {
    struct model_label label;
    TRY(model_label_read(file, &label));
    if (!label.packed)
        return STATUS_OK;
    return fail(
        STATUS_FORMAT,
        "%s is packed for use: its weights are in 8 bits and the state of its training is not in it; "
        "resume from the checkpoint that training wrote, or begin a new run from these weights (--from)",
        h5_path(file));
}

enum status checkpoint_load(struct trainer *t) {
    char *path = NULL;
    struct h5_file *file = NULL;
    TRY(path_in(t, "checkpoint.h5", &path));
    enum status status = h5_open(&file, path);
    if (status == STATUS_OK)
        status = checkpoint_check_resumable(file);
    if (status == STATUS_OK)
        status = read_pair(file, t);
    if (status == STATUS_OK)
        status = read_state(file, t);
    if (status == STATUS_OK) {
        trainer_refresh(t);
        trainer_skip_finished(t);
    }
    h5_close(file);
    free(path);
    return status;
}

enum status checkpoint_begin_from(struct trainer *t, const char *path) {
    struct h5_file *file = NULL;
    TRY(h5_open(&file, path));
    enum status status = read_pair(file, t);
    if (status == STATUS_OK)
        trainer_refresh(t);
    h5_close(file);
    return status;
}
