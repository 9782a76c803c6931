/* What lies between the parts of training: who is judged by what, who learns from what, what is bounded, what
 * is kept. */
#include "run_world.h"
#include <zstd.h>
#include "kernels/optimizer.h"
#include "train/run/stages.h"

TestSuite(glue, .init = world_begin, .fini = run_folder_leave);

/* ------------------------------------------------------------ target networks */

static float *copy_of(const float *from, size_t count) {
    float *copy = malloc(count * sizeof *copy);
    cr_assert_not_null(copy);
    memcpy(copy, from, count * sizeof *copy);
    return copy;
}

static void expect_blend(const char *label, const float *target, float rate, float *before, const float *live,
                         size_t count) {
    double worst = 0, moved = 0;
    for (size_t i = 0; i < count; i++) {
        worst = fmax(worst, fabs((double)target[i] - (1 - (double)rate) * (double)before[i] -
                                 (double)rate * (double)live[i]));
        moved = fmax(moved, fabs((double)(live[i] - before[i])));
    }
    cr_expect_gt(moved, 1e-4, "%s learned", label);
    cr_expect_lt(worst, 1e-6, "%s: the target is %g off", label, worst);
    free(before);
}

/* One update, every target: the rewards of the next iteration are the target decompressor's. */
Test(glue, averaged_targets_follow_all_three) {
    const float rate = 0.25f;
    struct trainer *t = WORLD_RUN("rl.algorithm=dqn", "target.tau=0.25");
    size_t c = t->pair.compressor.weight_count, d = t->pair.decompressor.weight_count,
           v = (size_t)t->value.size;
    float *compressor = copy_of(t->pair.compressor.weights, c);
    float *decompressor = copy_of(t->pair.decompressor.weights, d), *value = copy_of(t->value.weights, v);
    world_go_on(t, 1);
    expect_blend("compressor", t->target_compressor.weights, rate, compressor, t->pair.compressor.weights, c);
    expect_blend("decompressor", t->target_decompressor.weights, rate, decompressor,
                 t->pair.decompressor.weights, d);
    expect_blend("value", t->value.target, rate, value, t->value.weights, v);
    cr_expect_eq(t->updates, 1);
    world_leave(t);
}

/* Negative log-likelihood of the last text's last episode under a model. */
static double nats_under(struct trainer *t, struct t5_model *model) {
    int last = t->rollout.texts - 1, number = t->rollout.count[last] - 1;
    const struct episode *e = rollout_episode(&t->rollout, last, number);
    const struct text *text = &t->rollout.text[last];
    t5_refresh(model);
    batch_clear(&t->batch);
    batch_add(&t->batch, rollout_code(&t->rollout, last, number), e->tokens, text->ids, text->tokens, 1.0f);
    scorer_score(&t->scorer, model, &t->batch);
    return batch_row_nll(&t->batch, 0);
}

/* In bf16 networks are read from packed copies, which an average leaves behind. */
Test(glue, rewards_are_the_target_decompressors_of_now) {
    for (int in_bf16 = 0; in_bf16 < 2; in_bf16++) {
        struct trainer *t = WORLD_RUN(in_bf16 ? "precision=bf16" : "precision=fp32", "target.tau=0.5",
                                      "rl.updates=8", "rl.decompressor_rate=0.05");
        world_go_on(t, 1);
        rl_stage_act(t);
        int last = t->rollout.texts - 1;
        double nll = (double)rollout_episode(&t->rollout, last, t->rollout.count[last] - 1)->nll;
        cr_expect_float_eq(nll, nats_under(t, &t->target_decompressor), 1e-3, "%s",
                           precision_names[t->settings.precision]);
        cr_expect_gt(fabs(nll - nats_under(t, &t->pair.decompressor)), 1e-2, "not the live one");
        world_leave(t);
    }
}

Test(glue, greedy_codes_are_the_target_compressors_of_now) {
    struct trainer *t = WORLD_RUN("precision=bf16", "target.tau=0.7", "rl.updates=30", "rl.steps=1",
                                  "rl.compressor_rate=0.05", "replay.newest=0");
    world_go_on(t, 0);
    t->phase = PHASE_RL; /* one more iteration than planned */
    rl_stage_act(t);
    int found = 0;
    for (int i = 0; i < t->rollout.texts; i++) {
        const struct episode *e = rollout_episode(&t->rollout, i, 0);
        int32_t ids[CHUNK_MAXIMUM + 1], start[2];
        int limit;
        struct t5_rows source = environment_sources(&t->rollout.text[i], NULL, 1, ids, start, &limit);
        t5_refresh(&t->target_compressor);
        const struct t5_generated *g =
            t5_generate(t->generator, &t->target_compressor, &source, &(struct t5_sampling){0}, &limit);
        if (e->policy != POLICY_greedy)
            continue;
        found++;
        cr_expect_eq(g->rows.start[1], e->tokens);
        cr_expect_arr_eq(g->rows.ids, rollout_code(&t->rollout, i, 0), (size_t)e->tokens * sizeof(int32_t));
    }
    cr_expect_gt(found, 0, "a code ended");
    world_leave(t);
}

/* ------------------------------------------------------------ judging */

static bool has_best(void) {
    char path[128];
    run_path(path, sizeof path, "best.h5");
    return access(path, F_OK) == 0;
}

/* Evaluates when the best so far was `best`; whether best.h5 was written. */
static bool beats(struct trainer *t, double best) {
    char path[128];
    run_path(path, sizeof path, "best.h5");
    unlink(path);
    t->best = best;
    cr_assert_eq(trainer_evaluate(t, false), STATUS_OK, "%s", fail_sentence());
    return has_best();
}

Test(glue, the_best_is_the_least_or_the_most_as_the_figure_is_meant) {
    static const char *const more[] = {"exact_match", "exact_match_fallback", "entropy"};
    for (const struct evaluation_figure *f = evaluation_figures; f->name; f++) {
        bool expected = false;
        for (int i = 0; i < 3; i++)
            expected = expected || strcmp(f->name, more[i]) == 0;
        cr_expect_eq(f->more_is_better, expected, "%s", f->name);
    }
    struct trainer *t = WORLD_RUN("checkpoint.best=entropy");
    cr_expect(beats(t, INFINITY), "the first is the best");
    double entropy = t->evaluation.entropy;
    cr_expect_gt(entropy, 0.1);
    cr_expect_float_eq(t->best, -entropy, 1e-9, "the smaller, the better");
    cr_expect_not(beats(t, -entropy), "no better than before");
    cr_expect(beats(t, -entropy + 1e-3), "more entropy than before");
    cr_expect_not(beats(t, -entropy - 1e-3), "less");
    world_leave(t);
    t = WORLD_RUN("checkpoint.best=loss");
    cr_expect(beats(t, INFINITY));
    double loss = t->evaluation.loss;
    cr_expect_float_eq(t->best, loss, 1e-9);
    cr_expect(beats(t, loss + 1e-3), "less loss than before");
    cr_expect_not(beats(t, loss - 1e-3));
    world_leave(t);
}

/* End tokens in the pair's sample: one per text it was gathered from. */
static int texts_of_sample(const struct trainer *t) {
    int texts = 0;
    for (size_t i = 0; i < t->pair.prior_sample_count; i++)
        texts += t->pair.prior_sample[i] == TOKEN_EOS;
    cr_expect_eq(t->pair.prior_counts[TOKEN_EOS], (uint32_t)texts);
    return texts;
}

/* The codec's token model starts from the pair's sample: best.h5 of a first evaluation needs one, too. */
Test(glue, the_first_evaluation_gives_the_pair_a_prior_sample) {
    struct trainer *t = WORLD_RUN("supervised.steps=1");
    struct model_pair best;
    char path[128];
    cr_expect_eq(t->pair.prior_sample_count, 0);
    cr_assert_eq(trainer_evaluate(t, false), STATUS_OK, "%s", fail_sentence());
    cr_expect_eq(texts_of_sample(t), 16, "evaluation.chunks");
    run_path(path, sizeof path, "best.h5");
    cr_assert_eq(model_pair_load(path, &best), STATUS_OK, "%s", fail_sentence());
    cr_expect_eq(best.prior_sample_count, t->pair.prior_sample_count);
    model_pair_free(&best);
    const int32_t *first = t->pair.prior_sample;
    cr_assert_eq(trainer_evaluate(t, false), STATUS_OK, "%s", fail_sentence());
    cr_expect_eq(t->pair.prior_sample, first, "it stays until a whole one is gathered");
    cr_expect_null(t->prior, "rewards in bits are a matter of the rl stage");
    cr_assert_eq(trainer_evaluate(t, true), STATUS_OK, "%s", fail_sentence());
    cr_expect_eq(texts_of_sample(t), 30, "evaluation.prior");
    t->phase = PHASE_RL;
    cr_assert_eq(trainer_evaluate(t, false), STATUS_OK, "%s", fail_sentence());
    cr_expect_not_null(t->prior, "rewards in bits follow every evaluation");
    cr_expect_eq(texts_of_sample(t), 30);
    world_leave(t);
}

/* ------------------------------------------------------------ evaluation, by hand */

struct by_hand {
    int chunks, exact, either, tokens, fallback, bytes, policy_tokens, uneven;
    double nll, entropy, divergence;
    struct coder {
        struct prior *prior;
        struct prior_context context;
        double bits;
    } of_all, of_exact; /* C's greedy codes; what mode ir would store */
    uint8_t failed[4096];
    size_t failed_size;
};

/* As an archive begins: with the sample of the training texts' codes. */
static void open_coder(const struct trainer *t, struct coder *c) {
    struct prior_context start = {TOKEN_EOS, TOKEN_EOS};
    *c = (struct coder){.context = start};
    cr_assert_eq(prior_open(&c->prior, t->recent.counts, tokenizer_vocabulary(&t->pair.tokenizer)),
                 STATUS_OK);
    prior_learn(c->prior, &start, (const int32_t *)(const void *)t->recent.tokens.data,
                t->recent.tokens.size / sizeof(int32_t));
}

/* z and its end token, priced before they are learned. */
static void code_by_hand(struct coder *c, const int32_t *code, int size) {
    int32_t all[CHUNK_MAXIMUM + 1];
    struct prior_context before = c->context;
    memcpy(all, code, (size_t)size * sizeof *code);
    all[size] = TOKEN_EOS;
    c->bits += prior_price(c->prior, &c->context, all, (size_t)size + 1);
    prior_learn(c->prior, &before, all, (size_t)size + 1);
}

/* One text at a time; D's greedy text is what it says to its own last token (teacher forcing with the truth
 * agrees on it when all of it is right). */
static bool rebuilds(struct trainer *t, const struct text *text, const int32_t *code, int size, double *nll) {
    batch_clear(&t->batch);
    batch_add(&t->batch, code, size, text->ids, text->tokens, 1.0f);
    scorer_score(&t->scorer, &t->pair.decompressor, &t->batch);
    *nll = batch_row_nll(&t->batch, 0);
    int32_t ids[CHUNK_MAXIMUM + 1];
    const int32_t start[2] = {0, size + 1};
    memcpy(ids, code, (size_t)size * sizeof *ids);
    ids[size] = TOKEN_EOS;
    const struct t5_generated *g =
        t5_generate(t->rebuilder, &t->pair.decompressor, &(struct t5_rows){1, ids, start},
                    &(struct t5_sampling){0}, (int[]){text->tokens});
    return g->ended[0] && g->rows.start[1] == text->tokens &&
           memcmp(g->rows.ids, text->ids, (size_t)text->tokens * sizeof *ids) == 0;
}

static void read_logits(struct trainer *t, struct t5_model *model, float *to) {
    const struct t5_batch view = batch_view(&t->batch);
    struct logits_of context = {to, model->config.vocab_size};
    t5_refresh(model);
    t5_forward(t->compressor.pass, model, &view, NULL);
    t5_head(t->compressor.pass, model, &(struct t5_loss){keep_logits, &context, NULL});
}

static double log_softmax(const float *logits, int count, int at) {
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += exp((double)logits[i] - (double)logits[at]);
    return -log(sum);
}

static void compare_by_hand(struct trainer *t, const struct text *text, const int32_t *code, int size,
                            struct by_hand *h) {
    static float live[16 * 300], target[16 * 300];
    int vocabulary = t->pair.compressor.config.vocab_size;
    cr_assert(vocabulary <= 300 && size < 16);
    batch_clear(&t->batch);
    batch_add(&t->batch, text->ids, text->tokens, code, size, 1.0f);
    read_logits(t, &t->pair.compressor, live);
    read_logits(t, &t->target_compressor, target);
    for (int k = 0; k <= size; k++)
        for (int id = 0; id < vocabulary; id++) {
            double log_p = log_softmax(live + k * vocabulary, vocabulary, id);
            h->entropy -= exp(log_p) * log_p;
            h->divergence += exp(log_p) * (log_p - log_softmax(target + k * vocabulary, vocabulary, id));
        }
    h->policy_tokens += size + 1;
}

static void evaluate_by_hand(struct trainer *t, struct by_hand *h) {
    int all = (int)dataset_count(t->data, SPLIT_VALID), chunks = (int)t->settings.evaluation.chunks;
    *h = (struct by_hand){0};
    open_coder(t, &h->of_all);
    open_coder(t, &h->of_exact);
    for (int i = 0; i < chunks; i++) {
        struct text text;
        int32_t ids[CHUNK_MAXIMUM + 1], start[2], code[CHUNK_MAXIMUM], shown[CHUNK_MAXIMUM];
        int limit;
        double nll, unused;
        environment_text(&t->environment, SPLIT_VALID, (uint64_t)(all * i / chunks), &text);
        struct t5_rows source = environment_sources(&text, NULL, 1, ids, start, &limit);
        struct t5_rows z =
            t5_generate(t->generator, &t->pair.compressor, &source, &(struct t5_sampling){0}, &limit)->rows;
        int size = z.start[1], shown_size = environment_demonstration(&t->environment, &text, shown);
        memcpy(code, z.ids, (size_t)size * sizeof *code);
        bool exact = rebuilds(t, &text, code, size, &nll);
        bool shown_exact = rebuilds(t, &text, shown, shown_size, &unused);
        h->chunks++;
        h->bytes += text.bytes;
        h->tokens += size;
        h->exact += exact;
        h->either += exact || shown_exact;
        h->fallback += exact ? size : shown_size;
        h->uneven += !exact && size != shown_size;
        h->nll += nll;
        code_by_hand(&h->of_all, code, size);
        if (exact || shown_exact) {
            code_by_hand(&h->of_exact, exact ? code : shown, exact ? size : shown_size);
        } else {
            struct dataset_chunk x = dataset_get(t->data, SPLIT_VALID, text.index);
            memcpy(h->failed + h->failed_size, x.bytes, x.size);
            h->failed_size += x.size;
        }
        compare_by_hand(t, &text, code, size, h);
    }
    prior_close(h->of_all.prior);
    prior_close(h->of_exact.prior);
}

/* What no code rebuilds, by zstd, if that is any shorter. */
static double bits_of_failed(const struct by_hand *h) {
    uint8_t coded[8192];
    size_t size = ZSTD_compress(coded, sizeof coded, h->failed, h->failed_size, 19);
    cr_assert_not(ZSTD_isError(size));
    return 8.0 * (double)(size < h->failed_size ? size : h->failed_size);
}

Test(glue, the_figures_of_an_evaluation_are_what_a_reader_would_count) {
    struct trainer *t = WORLD_RUN("supervised.steps=1200", "supervised.compressor_rate=1e-2",
                                  "supervised.decompressor_rate=2e-2", "demonstration.drop=0",
                                  "demonstration.copies=0", "batch.rows=32");
    struct evaluation *e = &t->evaluation;
    struct by_hand h;
    world_go_on(t, 900);
    t->phase = PHASE_RL; /* as after a step of it: with a target, which lags behind */
    t->steps[PHASE_RL] = 1;
    for (size_t i = 0; i < t->pair.compressor.weight_count; i++)
        t->target_compressor.weights[i] = 0.9f * t->pair.compressor.weights[i];
    for (int i = 0; i < 2;
         i++) /* the first gives its sample of codes to the pair, the second to the rewards */
        cr_assert_eq(trainer_evaluate(t, false), STATUS_OK, "%s", fail_sentence());
    evaluate_by_hand(t, &h);
    cr_assert(h.exact > 0 && h.exact < h.chunks && h.uneven > 0, "a pair that can something: %d of %d, %d",
              h.exact, h.chunks, h.uneven);
    cr_expect_eq(e->chunks, h.chunks);
    cr_expect_eq(e->bytes, h.bytes);
    cr_expect_float_eq(e->exact_match, (double)h.exact / h.chunks, 1e-9);
    cr_expect_float_eq(e->exact_match_fallback, (double)h.either / h.chunks, 1e-9);
    cr_expect_float_eq(e->tokens_per_byte, (double)h.tokens / h.bytes, 1e-9);
    cr_expect_float_eq(e->tokens_per_byte_fallback, (double)h.fallback / h.bytes, 1e-9);
    cr_expect_float_eq(e->loss, h.nll / h.bytes, 1e-4);
    cr_expect_float_eq(e->residual_bits_per_byte, h.nll / h.bytes / log(2), 1e-4);
    cr_expect_float_eq(e->total_bits_per_byte, e->code_bits_per_byte + e->residual_bits_per_byte, 1e-9);
    cr_expect_float_eq(e->code_bits_per_byte, h.of_all.bits / h.bytes, 0.02, "%g instead of %g",
                       e->code_bits_per_byte, h.of_all.bits / h.bytes);
    cr_expect_float_eq(e->bits_per_byte, (h.of_exact.bits + bits_of_failed(&h)) / h.bytes, 0.02,
                       "%g instead of %g", e->bits_per_byte,
                       (h.of_exact.bits + bits_of_failed(&h)) / h.bytes);
    cr_expect_float_eq(e->entropy, h.entropy / h.policy_tokens, 1e-4);
    cr_expect_float_eq(e->kl_target, h.divergence / h.policy_tokens, 1e-4);
    cr_expect_gt(e->kl_target, 1e-3);
    world_leave(t);
}

/* ------------------------------------------------------------ rewards of tokens */

/* With one group in the replay its scale is known: one by the deviation of its rewards. */
Test(glue, dense_shaping_has_the_scale_of_the_group) {
    struct trainer *t = WORLD_RUN("rl.algorithm=dqn", "rl.texts=1", "reward.normalize=group",
                                  "reward.length=2", "decompressor.mode=frozen");
    world_go_on(t, 1);
    double mean = 0, variance = 0;
    int count = (int)t->replay.count;
    cr_assert_gt(count, 2);
    for (int i = 0; i < count; i++)
        mean += reward_sum(t->environment.reward_weights, replay_at(&t->replay, i)->terms) / count;
    for (int i = 0; i < count; i++) {
        double r = reward_sum(t->environment.reward_weights, replay_at(&t->replay, i)->terms);
        variance += (r - mean) * (r - mean) / count;
    }
    const struct rl_batch *l = &t->rl_batch;
    int bytes = t->rollout.text[0].bytes, checked = 0;
    for (int r = 0; r < l->rows; r++)
        for (int k = l->start[r]; k + 1 < l->start[r + 1]; k++, checked++)
            cr_expect_float_eq((double)l->reward[k], -2.0 / bytes / sqrt(variance), 1e-3 / sqrt(variance),
                               "%g", (double)l->reward[k]);
    cr_expect_gt(checked, 3);
    world_leave(t);
}

/* ------------------------------------------------------------ seen and unseen texts */

/* Every training text with its demonstration as an exact episode. */
static void fill_replay(struct trainer *t) {
    for (uint64_t i = 0; i < dataset_count(t->data, SPLIT_TRAIN); i++) {
        struct text text;
        int32_t code[CHUNK_MAXIMUM];
        environment_text(&t->environment, SPLIT_TRAIN, i, &text);
        struct episode e = {.text = i, .exact = 1, .policy = POLICY_demonstration};
        e.tokens = environment_demonstration(&t->environment, &text, code);
        replay_begin_group(&t->replay, 1, e.tokens);
        replay_push(&t->replay, &e, code, NULL);
    }
    t->newest = t->replay.count;
    reward_weights(&t->settings, 1, t->environment.reward_weights);
}

/* Rows of the last batch about unseen texts; x is its source, or its target. */
static int unseen_rows(const struct trainer *t, bool source) {
    const struct batch *b = &t->batch;
    int unseen = 0;
    for (int r = 0; r < b->rows; r++) {
        const int32_t *ids = source ? b->source + b->source_start[r] : b->labels + b->target_start[r];
        int size = (source ? b->source_start[r + 1] - b->source_start[r]
                           : b->target_start[r + 1] - b->target_start[r]) -
                   1;
        int64_t text = world_text_of(t, ids, size);
        cr_assert_geq(text, 0);
        unseen += environment_is_unseen(&t->environment, (uint64_t)text);
    }
    return unseen;
}

/* The compressor learns from what the decompressor could not learn by heart, best codes among it. */
Test(glue, the_compressor_learns_from_unseen_texts_and_the_decompressor_never) {
    const char *shares[] = {"replay.best_share=0", "replay.best_share=1"};
    for (int i = 0; i < 2; i++) {
        struct trainer *t = WORLD_RUN("rl.unseen=0.5", "batch.rows=32", "rl.demonstrations=0.5", shares[i]);
        fill_replay(t);
        for (int again = 0; again < 3; again++) {
            rl_stage_learn_compression(t);
            cr_expect_gt(t->batch.rows, 8);
            cr_expect_eq(unseen_rows(t, true), t->batch.rows, "%s", shares[i]);
            for (int r = 0; r < t->batch.rows; r++) {
                cr_expect_eq(t->rl_batch.row[r].text == -1, i == 1, "from the best codes or from groups");
                cr_expect_eq(t->rl_batch.row[r].weight, 1.0f);
                cr_expect(t->rl_batch.row[r].best);
            }
            rl_stage_learn_decompression(t);
            cr_expect_eq(unseen_rows(t, false), 0);
            supervised_step(t);
            cr_expect_eq(unseen_rows(t, false), 0, "the warm start's last batch is the decompressor's");
        }
        world_leave(t);
    }
}

Test(glue, a_share_of_the_texts_acted_on_is_unseen) {
    struct trainer *t = WORLD_RUN("rl.unseen=0.5", "rl.unseen_act=0.75", "rl.texts=8");
    rl_stage_begin(t);
    for (int i = 0; i < 3; i++) {
        rl_stage_act(t);
        for (int k = 0; k < 8; k++)
            cr_expect_eq(environment_is_unseen(&t->environment, t->rollout.text[k].index), k < 6);
    }
    world_leave(t);
}

/* ------------------------------------------------------------ bounds of gradients */

/* AdamW's first moment after one step is (1 - beta1) of the clipped gradient. */
static void expect_clipped(const char *label, const float *moment, size_t count, double limit) {
    double norm = gradient_norm(moment, count) / (1 - 0.9);
    cr_expect_float_eq(norm, limit, 1e-3 * limit, "%s: %g instead of %g", label, norm, limit);
}

static void expect_both_clipped(const struct trainer *t, double limit) {
    expect_clipped("compressor", t->compressor.first_moment, t->pair.compressor.weight_count, limit);
    expect_clipped("decompressor", t->decompressor.first_moment, t->pair.decompressor.weight_count, limit);
}

Test(glue, every_gradient_is_clipped_in_both_phases) {
    struct trainer *t = WORLD_RUN("rl.algorithm=dqn", "optimizer.clip=1e-2");
    world_go_on(t, 1);
    cr_expect_gt(metrics_get(&t->metrics, "value_gradient"), 1e-2);
    cr_expect_gt(metrics_get(&t->metrics, "compressor_gradient"), 1e-2, "the norm before clipping");
    expect_both_clipped(t, 1e-2);
    expect_clipped("value", t->value.first_moment, (size_t)t->value.size, 1e-2);
    world_leave(t);
    t = WORLD_RUN("supervised.steps=3", "optimizer.clip=1e-2");
    supervised_step(t);
    expect_both_clipped(t, 1e-2);
    world_leave(t);
    t = WORLD_RUN("rl.algorithm=dqn", "optimizer.clip=0");
    world_go_on(t, 1);
    expect_clipped("unbounded", t->value.first_moment, (size_t)t->value.size,
                   metrics_get(&t->metrics, "value_gradient"));
    world_leave(t);
}
