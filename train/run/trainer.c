/* Opening and closing a run. */
#include "train/run/trainer.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/file.h"
#include "base/log.h"
#include "base/threads.h"
#include "store/t5_json.h"
#include "train/run/settings_check.h"

const char *const stream_names[STREAM_COUNT] = {"weights", "texts", "noise", "action", "replay"};

bool trainer_uses_bf16(const struct trainer *t) {
    return t->settings.precision == PRECISION_BF16;
}

void trainer_refresh(struct trainer *t) {
    t5_refresh(&t->pair.compressor);
    t5_refresh(&t->pair.decompressor);
}

enum { LEARN_BYTES = 8 << 20 }; /* training text that byte-pair merges are learned from */

/* Evenly spread training chunks, up to LEARN_BYTES, and the merges learned from them. */
static enum status learn_tokenizer(struct trainer *t, int merges, int extra) {
    uint64_t count = dataset_count(t->data, SPLIT_TRAIN), all = dataset_bytes(t->data, SPLIT_TRAIN);
    uint64_t stride = all / LEARN_BYTES + 1, taken = 0;
    struct buffer bytes = {0};
    uint64_t *ends = malloc((size_t)(count / stride + 1) * sizeof *ends);
    enum status status =
        ends ? STATUS_OK : fail(STATUS_MEMORY, "no memory to learn merges from %s", t->settings.data);
    for (uint64_t i = 0; status == STATUS_OK && i < count; i += stride) {
        struct dataset_chunk chunk = dataset_get(t->data, SPLIT_TRAIN, i);
        status = buffer_append(&bytes, chunk.bytes, chunk.size);
        ends[taken++] = bytes.size;
    }
    if (status == STATUS_OK)
        status = bpe_learn(&t->pair.tokenizer, bytes.data, ends, (size_t)taken, merges, extra);
    free(ends);
    buffer_free(&bytes);
    return status;
}

/* x is written as the data set says; z in the merges, of the data set if it has some. */
static enum status open_tokenizer(struct trainer *t, int vocabulary) {
    const struct tokenizer *own = dataset_tokenizer(t->data);
    int extra = vocabulary - TOKEN_EXTRA;
    if (extra < 0)
        return fail(STATUS_CONFIG, "model %s has a vocabulary of %d, bytes need at least %d",
                    t->settings.model, vocabulary, TOKEN_EXTRA);
    if (own->merge_count > 0) {
        if (own->merge_count > extra)
            return fail(STATUS_CONFIG, "data set %s has %d merges, model %s has room for %d",
                        t->settings.data, own->merge_count, t->settings.model, extra);
        if (t->settings.ir.merges != own->merge_count)
            log_info("ir.merges is %d, not %lld: %s has merges of its own", own->merge_count,
                     (long long)t->settings.ir.merges, t->settings.data);
        t->settings.ir.merges = own->merge_count;
        t->pair.text_merged = true;
        return tokenizer_open_merges(&t->pair.tokenizer, own->merges, own->merge_count, extra);
    }
    if (t->settings.ir.merges > extra)
        return fail(STATUS_CONFIG, "ir.merges is %lld, a vocabulary of %d leaves room for %d",
                    (long long)t->settings.ir.merges, vocabulary, extra);
    if (t->settings.ir.merges == 0)
        return tokenizer_open_bytes(&t->pair.tokenizer, extra);
    return learn_tokenizer(t, (int)t->settings.ir.merges, extra);
}

static enum status check_positions(const struct trainer *t, const struct t5_config *config,
                                   const char *name) {
    int needed = dataset_chunking(t->data)->size + 1;
    if (config->absolute_positions == 0 || config->absolute_positions >= needed)
        return STATUS_OK;
    return fail(STATUS_CONFIG, "%s has learned positions for %d tokens, the chunks of %s need %d", name,
                config->absolute_positions, t->settings.data, needed);
}

/* The name of the decompressor's shape. */
static const char *second_model(const struct trainer *t) {
    return *t->settings.decompressor_model ? t->settings.decompressor_model : t->settings.model;
}

/* A sentence about it names the option, too. */
static enum status read_shape(struct t5_config *config, const char *option, const char *name) {
    enum status status = t5_config_by_name(config, name);
    return status == STATUS_OK ? status : fail_context(status, "%s", option);
}

static enum status read_shapes(const struct trainer *t, struct model_shapes *shapes) {
    const char *option = *t->settings.decompressor_model ? "decompressor_model" : "model";
    TRY(read_shape(&shapes->compressor, "model", t->settings.model));
    TRY(read_shape(&shapes->decompressor, option, second_model(t)));
    if (t->settings.absolute_positions)
        shapes->compressor.absolute_positions = shapes->decompressor.absolute_positions =
            dataset_chunking(t->data)->size + 1;
    return STATUS_OK;
}

static enum status check_shapes(const struct trainer *t, const struct t5_config *compressor,
                                const struct t5_config *decompressor) {
    const char *second = second_model(t);
    if (compressor->vocab_size != decompressor->vocab_size)
        return fail(STATUS_CONFIG, "%s and %s must have one vocabulary, not %d and %d", t->settings.model,
                    second, compressor->vocab_size, decompressor->vocab_size);
    if (compressor->eos_token_id != TOKEN_EOS || decompressor->eos_token_id != TOKEN_EOS ||
        compressor->decoder_start_token_id != TOKEN_PAD || decompressor->decoder_start_token_id != TOKEN_PAD)
        return fail(STATUS_CONFIG,
                    "%s and %s must have eos_token_id %d and decoder_start_token_id %d, as the tokenizers",
                    t->settings.model, second, TOKEN_EOS, TOKEN_PAD);
    TRY(check_positions(t, compressor, t->settings.model));
    return check_positions(t, decompressor, second);
}

static enum status plan_models(struct trainer *t, const struct model_shapes *given) {
    struct model_shapes shapes;
    if (given)
        shapes = *given;
    else
        TRY(read_shapes(t, &shapes));
    TRY(check_shapes(t, &shapes.compressor, &shapes.decompressor));
    t->pair.compressor.config = shapes.compressor;
    t->pair.decompressor.config = shapes.decompressor;
    return open_tokenizer(t, shapes.compressor.vocab_size);
}

static enum status open_models(struct trainer *t) {
    struct t5_config compressor = t->pair.compressor.config, decompressor = t->pair.decompressor.config;
    TRY(t5_open(&t->pair.compressor, &compressor));
    TRY(t5_open(&t->pair.decompressor, &decompressor));
    TRY(t5_open(&t->target_compressor, &compressor));
    TRY(t5_open(&t->target_decompressor, &decompressor));
    t5_initialise(&t->pair.compressor, &t->rng[STREAM_WEIGHTS]);
    t5_initialise(&t->pair.decompressor, &t->rng[STREAM_WEIGHTS]);
    if (t->settings.local_bias > 0) {
        t5_localise(&t->pair.compressor, (float)t->settings.local_bias);
        t5_localise(&t->pair.decompressor, (float)t->settings.local_bias);
    }
    if (trainer_uses_bf16(t)) {
        struct t5_model *models[] = {&t->pair.compressor, &t->pair.decompressor, &t->target_compressor,
                                     &t->target_decompressor};
        for (int i = 0; i < 4; i++) {
            enum status status = t5_use_bf16(models[i]);
            if (status != STATUS_OK)
                return fail_context(status, "model %s", t->settings.model);
        }
    }
    t->pair.prior_counts = calloc((size_t)compressor.vocab_size, sizeof *t->pair.prior_counts);
    return t->pair.prior_counts ? STATUS_OK : fail(STATUS_MEMORY, "no memory for the prior");
}

static enum status open_rl_stage(struct trainer *t, const struct t5_limits *limits) {
    const struct train_settings *s = &t->settings;
    int code_limit = t->environment.row_length - 1;
    struct replay_size size = {.episodes = s->replay.capacity,
                               .tokens = s->replay.capacity * code_limit,
                               .vocabulary = t->pair.compressor.config.vocab_size,
                               .code_limit = code_limit,
                               .best = s->replay.best};
    TRY(group_open(&t->group));
    TRY(rl_batch_open(&t->rl_batch, limits->rows, limits->target_tokens));
    TRY(value_head_open(&t->value, t->pair.compressor.config.d_model));
    if (t->algorithm->needs & NEEDS_TARGET) {
        struct t5_limits own = *limits;
        own.bf16 = trainer_uses_bf16(t);
        TRY(t5_pass_open(&t->target_pass, &t->pair.compressor.config, &own, false));
    }
    return replay_open(&t->replay, &size);
}

static enum status open_buffers(struct trainer *t) {
    const struct train_settings *s = &t->settings;
    int row_length = t->environment.row_length, code_limit = row_length - 1;
    int texts = (int)s->rl.texts, rows = texts < BEHAVIOUR_ROWS ? texts : BEHAVIOUR_ROWS;
    TRY(batch_open(&t->batch, (int)s->batch.rows, row_length));
    struct t5_limits limits = batch_limits(&t->batch);
    TRY(learner_open(&t->compressor, &t->pair.compressor, &limits, (uint64_t)s->seed << 20));
    TRY(learner_open(&t->decompressor, &t->pair.decompressor, &limits, (uint64_t)(s->seed + 1) << 20));
    t->scorer.pass = t->decompressor.pass;
    TRY(t5_generator_open(&t->generator, &t->pair.compressor.config, rows > 64 ? rows : 64, row_length,
                          code_limit, trainer_uses_bf16(t)));
    TRY(t5_generator_open(&t->rebuilder, &t->pair.decompressor.config, 64, row_length, code_limit,
                          trainer_uses_bf16(t)));
    if (s->rl.steps > 0 || s->evaluation.search > 0)
        TRY(rollout_open(&t->rollout, texts, behaviour_most_episodes(s), code_limit));
    return s->rl.steps > 0 ? open_rl_stage(t, &limits) : STATUS_OK;
}

/* The data set has the content that the settings ask for; from now on they ask for it. */
static enum status open_data(struct trainer *t) {
    struct train_settings *s = &t->settings;
    if (!*s->data)
        return fail(STATUS_CONFIG,
                    "no data set: make one with `laconic data make` and name it with --data DS.h5");
    if (!file_exists(s->data))
        return fail(STATUS_IO, "data: there is no %s; say where the data set is with --data DS.h5", s->data);
    TRY(dataset_open(&t->data, s->data));
    if (*s->data_hash && strcmp(s->data_hash, dataset_hash(t->data)) != 0)
        return fail(STATUS_MISMATCH,
                    "%s is another data set: its hash is %s, data_hash asks for %s; name the right one with "
                    "--data DS.h5",
                    s->data, dataset_hash(t->data), s->data_hash);
    snprintf(s->data_hash, sizeof s->data_hash, "%s", dataset_hash(t->data));
    if (dataset_count(t->data, SPLIT_TRAIN) == 0)
        return fail(STATUS_CONFIG, "%s has no training text: give its first split a larger share", s->data);
    t->pair.chunking = *dataset_chunking(t->data);
    return STATUS_OK;
}

enum status trainer_plan(struct trainer *t, const struct train_settings *settings, const char *folder,
                         const struct model_shapes *shapes) {
    *t = (struct trainer){.settings = *settings, .folder = folder, .best = INFINITY};
    collapse_begin(&t->collapse);
    TRY(train_settings_check(settings));
    t->algorithm = algorithms[settings->rl.algorithm];
    for (int i = 0; i < STREAM_COUNT; i++)
        rng_seed(&t->rng[i], (uint64_t)settings->seed, stream_names[i]);
    TRY(open_data(t));
    return plan_models(t, shapes);
}

enum status trainer_build(struct trainer *t) {
    TRY(open_models(t));
    TRY(pair_symbols_open(&t->symbols, &t->pair.tokenizer, t->data, t->settings.demonstration.pairs));
    t->environment = (struct environment){.settings = &t->settings,
                                          .data = t->data,
                                          .pair = &t->pair,
                                          .symbols = &t->symbols,
                                          .row_length = dataset_chunking(t->data)->size + 1};
    TRY(open_buffers(t));
    t->environment.rebuilder = t->rebuilder;
    return STATUS_OK;
}

enum status trainer_open(struct trainer *t, const struct train_settings *settings, const char *folder) {
    TRY(trainer_plan(t, settings, folder, NULL));
    return trainer_build(t);
}

void trainer_close(struct trainer *t) {
    buffer_free(&t->changes);
    examples_close(&t->examples);
    metrics_close(&t->metrics);
    prior_close(t->prior);
    code_sample_free(&t->recent);
    replay_close(&t->replay);
    rollout_close(&t->rollout);
    t5_generator_close(t->rebuilder);
    t5_generator_close(t->generator);
    rl_batch_close(&t->rl_batch);
    group_close(&t->group);
    t5_pass_close(t->target_pass);
    value_head_close(&t->value);
    learner_close(&t->decompressor);
    learner_close(&t->compressor);
    batch_close(&t->batch);
    t5_close(&t->target_decompressor);
    t5_close(&t->target_compressor);
    pair_symbols_close(&t->symbols);
    model_pair_free(&t->pair);
    dataset_close(t->data);
    *t = (struct trainer){0};
}

double trainer_clock(const struct trainer *t) {
    struct timespec now;
    if (t->settings.clock == CLOCK_WALL)
        return progress_clock();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return ((double)now.tv_sec + 1e-9 * (double)now.tv_nsec) / threads_count();
}

enum status trainer_learn_prior(struct trainer *t, struct code_sample *sample) {
    struct prior_context start = {TOKEN_EOS, TOKEN_EOS};
    struct prior *prior = NULL;
    TRY(prior_open(&prior, sample->counts, tokenizer_vocabulary(&t->pair.tokenizer)));
    prior_learn(prior, &start, (const int32_t *)(const void *)sample->tokens.data,
                sample->tokens.size / sizeof(int32_t));
    prior_close(t->prior);
    code_sample_free(&t->recent);
    t->environment.prior = t->prior = prior;
    t->recent = *sample;
    *sample = (struct code_sample){0};
    return STATUS_OK;
}

static int64_t planned_steps(const struct trainer *t) {
    return t->phase == PHASE_SUPERVISED ? t->settings.supervised.steps : t->settings.rl.steps;
}

/* Of the budget in minutes; a phase that is switched off leaves its share to the other. */
static double planned_seconds(const struct trainer *t) {
    const struct train_settings *s = &t->settings;
    double share = s->rl.steps == 0 ? 1 : s->supervised.steps == 0 ? 0 : s->supervised.share;
    return 60 * s->minutes * (t->phase == PHASE_SUPERVISED ? share : 1 - share);
}

double trainer_progress(const struct trainer *t) {
    if (planned_steps(t) == 0)
        return 1;
    if (t->settings.minutes > 0)
        return planned_seconds(t) > 0 ? t->seconds[t->phase] / planned_seconds(t) : 1;
    return (double)t->steps[t->phase] / (double)planned_steps(t);
}

struct moment trainer_moment(const struct trainer *t) {
    return (struct moment){&t->settings, t->phase, t->steps[t->phase], trainer_progress(t)};
}

void trainer_skip_finished(struct trainer *t) {
    for (t->phase = PHASE_SUPERVISED; t->phase < PHASE_COUNT && trainer_progress(t) >= 1; t->phase++)
        if (t->steps[t->phase] > 0 && !(t->finished >> t->phase & 1))
            return; /* stopped while it was being judged */
}

struct adamw trainer_adamw(const struct trainer *t, double peak) {
    const struct train_settings *s = &t->settings;
    struct schedule schedule = {peak, s->optimizer.warmup, s->optimizer.final_share};
    /* the step about to be made counts, so that a warm-up does not start with a rate of zero */
    double one = s->minutes > 0 ? 0 : 1.0 / (double)planned_steps(t);
    return (struct adamw){.learning_rate = (float)schedule_rate(&schedule, trainer_progress(t) + one),
                          .beta1 = (float)s->optimizer.beta1,
                          .beta2 = (float)s->optimizer.beta2,
                          .epsilon = (float)s->optimizer.epsilon,
                          .weight_decay = (float)s->optimizer.weight_decay};
}
