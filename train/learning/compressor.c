/* The compressor's step down its algorithm's loss. */
#include "train/learning/compressor.h"
#include <math.h>
#include <string.h>
#include "train/learning/rl_report.h"

enum { DRAWS_PER_ROW = 8 }; /* before a batch stays short */

/* r_t of one episode: with dense shaping every token of z pays its length, the end token gets the rest. */
static void spread_reward(const struct environment *environment, const struct group *g, int i,
                          float *reward) {
    const struct episode *e = g->episodes[i];
    bool dense = environment->settings->reward.shaping == SHAPING_DENSE;
    float left = g->rewards[i];
    for (int k = 0; k < e->size; k++) {
        reward[k] = 0.0f;
        if (dense)
            reward[k] = (float)environment->reward_weights[REWARD_length] * e->terms[REWARD_length] *
                        g->scale / (float)e->size;
        left -= reward[k];
    }
    reward[e->size] = left;
}

static void add_episode(struct compressor_learning *c, const struct text *text, int i, int text_number) {
    const struct group *g = c->group;
    struct rl_batch *b = c->rl_batch;
    int32_t code[CHUNK_MAXIMUM];
    int row = c->batch->rows, at = row ? c->batch->target_start[row] : 0;
    replay_code(c->source.replay, g->first + i, code);
    b->row[row] = (struct rl_batch_row){
        .text = text_number,
        .weight = g->weights[i],
        .reward = g->rewards[i],
        .baseline = g->candidates.mean,
        .has_log_probability = replay_log_probability(c->source.replay, g->first + i, b->behaviour + at),
        .best = i == g->candidates.best};
    spread_reward(c->source.environment, g, i, b->reward + at);
    batch_add(c->batch, text->ids, text->size, code, g->episodes[i]->size, g->weights[i]);
}

/* A code that was the best of its text once, to be imitated. */
static void add_best(struct compressor_learning *c) {
    const struct environment *environment = c->source.environment;
    int32_t code[CHUNK_MAXIMUM];
    struct text text;
    uint64_t index;
    int size;
    if (!replay_draw_best(c->source.replay, c->source.rng, &index, code, &size) ||
        (environment->settings->rl.unseen > 0 && !environment_is_unseen(environment, index)))
        return;
    environment_text(environment, SPLIT_TRAIN, index, &text);
    c->rl_batch->row[c->batch->rows] = (struct rl_batch_row){.text = -1, .weight = 1.0f, .best = true};
    batch_add(c->batch, text.ids, text.size, code, size, 1.0f);
}

/* Whether this draw is of the kept best codes: only imitation can use them, they have no rewards. */
static bool draws_best(const struct compressor_learning *c) {
    double share = c->source.environment->settings->replay.best_share;
    return !c->algorithm->loss_gradient && share > 0 && (double)rng_uniform(c->source.rng) < share;
}

/* Draws until the batch is full, or gives up when the replay has too little of what the algorithm wants. */
static void fill_batch(struct compressor_learning *c) {
    int64_t rows = c->source.environment->settings->batch.rows;
    bool newest = c->algorithm->needs & NEEDS_NEWEST;
    struct text text;
    batch_clear(c->batch);
    for (int draw = 0; draw < DRAWS_PER_ROW * rows && c->batch->rows < rows; draw++) {
        if (draws_best(c)) {
            add_best(c);
            continue;
        }
        group_read(c->group, &c->source, source_draw(&c->source, newest, TEXT_UNSEEN, &text));
        group_choose(c->group, c->algorithm, &c->source);
        for (int i = 0; i < c->group->chosen_count && c->batch->rows < rows; i++)
            add_episode(c, &text, c->group->chosen[i], draw);
    }
}

/* The rows of the batch as the algorithm sees them, without a gradient yet. */
static void prepare(struct compressor_learning *c) {
    struct rl_batch *b = c->rl_batch;
    fill_batch(c);
    b->settings = c->source.environment->settings;
    b->rows = c->batch->rows;
    b->tokens = b->rows ? batch_target_tokens(c->batch) : 0;
    b->start = c->batch->target_start;
    b->actions = c->batch->labels;
    b->vocabulary = c->learner->model->config.vocab_size;
    rl_batch_clear(b);
}

/* Measures, and in the backward pass descends: what t5_head() and t5_backward() call. */
struct visit {
    const struct rl_batch *batch;
    const struct token_statistics *statistics; /* to be filled in; NULL: they are known */
    const int32_t *others;                     /* ids for statistics->other_logit */
    bool descend;
};

static void visit_logits(void *context, float *logits, int first, int count) {
    const struct visit *v = context;
    const struct rl_batch *b = v->batch;
    const int32_t *actions = b->actions + first;
    if (v->statistics) {
        const struct token_statistics *s = v->statistics;
        struct policy_statistics to = {.logit = s->logit + first,
                                       .log_sum = s->log_sum + first,
                                       .largest = s->largest ? s->largest + first : NULL,
                                       .argmax = s->argmax ? s->argmax + first : NULL,
                                       .entropy = s->entropy ? s->entropy + first : NULL,
                                       .other_logit = v->others ? s->other_logit + first : NULL};
        policy_measure(logits, actions, v->others ? v->others + first : NULL, count, b->vocabulary, &to);
    }
    if (v->descend) {
        struct policy_gradients gradients = {b->dlogit + first, b->dlog_sum + first, b->dentropy + first};
        policy_gradient(logits, actions, count, b->vocabulary, &gradients);
    }
}

static void measure_target(struct compressor_learning *c) {
    struct rl_batch *b = c->rl_batch;
    const struct t5_batch view = batch_view(c->batch);
    struct visit visit = {b, &b->target, b->live.argmax, false};
    struct t5_value value = {.weights = c->value->target, .values = b->target.value};
    t5_refresh(c->target);
    t5_forward(c->target_pass, c->target, &view, NULL);
    t5_head(c->target_pass, c->target, &(struct t5_loss){visit_logits, &visit, &value});
}

static void update_value_head(struct compressor_learning *c, const struct adamw *adamw) {
    double clip = c->source.environment->settings->optimizer.clip;
    double norm = gradient_norm(c->value->gradients, (size_t)c->value->size);
    if (isfinite(norm))
        metrics_add(c->metrics, "value_gradient", norm);
    value_head_update(c->value, adamw, gradient_clip_scale(norm, clip));
}

struct learner_result learn_compression(struct compressor_learning *c, const struct adamw *adamw,
                                        const struct adamw *value_adamw) {
    const struct algorithm *a = c->algorithm;
    struct rl_batch *b = c->rl_batch;
    prepare(c);
    if (b->rows == 0)
        return (struct learner_result){0, 0};
    struct t5_value value = {.weights = c->value->weights,
                             .values = b->live.value,
                             .dvalues = b->dvalue,
                             .gradients = c->value->gradients};
    struct visit visit = {.batch = b, .statistics = &b->live};
    struct t5_loss loss = {visit_logits, &visit, a->needs & NEEDS_VALUE ? &value : NULL};
    learner_forward(c->learner, c->batch);
    if (a->loss_gradient) {
        t5_head(c->learner->pass, c->learner->model, &loss);
        if (a->needs & NEEDS_TARGET)
            measure_target(c);
        a->loss_gradient(b);
        visit.statistics = NULL;
    } else {
        rl_batch_imitate_rows(b);
    }
    rl_batch_divide_by_tokens(b);
    visit.descend = true;
    double clip = c->source.environment->settings->optimizer.clip;
    double norm = learner_descend(c->learner, c->batch, &loss, adamw, clip);
    if (!isfinite(norm))
        return (struct learner_result){NAN, norm};
    if (a->needs & NEEDS_VALUE)
        update_value_head(c, value_adamw);
    return (struct learner_result){rl_report(b, a, c->metrics), norm};
}
