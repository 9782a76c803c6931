/* The compressor's learning in the rl stage: replayed groups become a lesson, the algorithm makes slopes of
 * it, the slopes a step. */
#include <math.h>
#include <string.h>
#include "train/run/rl_stage.h"

static const float LEAST_SHARE = 0.01f; /* of the group's largest weight: lighter episodes are left out */
enum { DRAWS_PER_ROW = 8 };             /* before a batch stays short */

/* A group's episodes with their rewards under the present weights. */
struct group {
    const struct episode *episodes[GROUP_MAXIMUM];
    float rewards[GROUP_MAXIMUM], weights[GROUP_MAXIMUM];
    float scale; /* what normalisation multiplied rewards by */
    struct candidates candidates;
};

static void normalize_rewards(struct group *g, int count) {
    double mean = 0, variance = 0;
    for (int i = 0; i < count; i++)
        mean += (double)g->rewards[i] / count;
    for (int i = 0; i < count; i++)
        variance += ((double)g->rewards[i] - mean) * ((double)g->rewards[i] - mean) / count;
    g->scale = (float)(1 / (sqrt(variance) + 1e-6));
    for (int i = 0; i < count; i++)
        g->rewards[i] = (g->rewards[i] - (float)mean) * g->scale;
}

static void read_group(struct trainer *t, struct replay_group group, struct group *g) {
    int count = group.size < GROUP_MAXIMUM ? group.size : GROUP_MAXIMUM, best = -1;
    bool any = settings_goal(&t->settings) == GOAL_REWARD;
    double sum = 0;
    for (int i = 0; i < count; i++) {
        g->episodes[i] = replay_at(&t->replay, group.first + i);
        g->rewards[i] = (float)reward_sum(t->environment.reward_weights, g->episodes[i]->terms);
        g->weights[i] = 0.0f;
    }
    g->scale = 1.0f;
    if (chooses(t->settings.reward.normalize, "group"))
        normalize_rewards(g, count);
    for (int i = 0; i < count; i++) {
        sum += (double)g->rewards[i];
        if ((any || g->episodes[i]->exact) && (best < 0 || g->rewards[i] > g->rewards[best]))
            best = i;
    }
    g->candidates = (struct candidates){count, g->episodes, g->rewards, (float)(sum / count), best};
}

/* Leaves at most rl.episodes of the group, its best and others at random: their numbers in
 * `chosen`.
 */
static int choose_episodes(struct trainer *t, struct group *g, int *chosen) {
    const struct algorithm *a = t->algorithm;
    int count = g->candidates.count, found = 0, most = (int)t->settings.rl.episodes;
    float largest = 0.0f;
    if (a->episode_weights)
        a->episode_weights(&t->settings, &g->candidates, g->weights);
    for (int i = 0; i < count; i++) {
        if (!a->episode_weights)
            g->weights[i] = 1.0f;
        if ((a->needs & NEEDS_SAMPLES) && g->episodes[i]->policy != POLICY_sample)
            g->weights[i] = 0.0f;
        largest = fmaxf(largest, fabsf(g->weights[i]));
    }
    for (int i = 0; i < count; i++)
        if (g->weights[i] != 0.0f && fabsf(g->weights[i]) >= LEAST_SHARE * largest)
            chosen[found++] = i;
    for (int k = 0; k < found && k < most && found > most; k++) { /* a random order, the best first */
        int other = k + (int)rng_below(&t->rng[STREAM_REPLAY], (uint64_t)(found - k));
        for (int i = k; k == 0 && i < found; i++)
            if (chosen[i] == g->candidates.best)
                other = i;
        int kept = chosen[k];
        chosen[k] = chosen[other];
        chosen[other] = kept;
    }
    return found < most ? found : most;
}

/* r_t of one episode: with dense shaping every token of z pays its length, the end token gets the rest. */
static void spread_reward(const struct trainer *t, const struct group *g, int i, float *reward) {
    const struct episode *e = g->episodes[i];
    float left = g->rewards[i];
    for (int k = 0; k < e->size; k++) {
        reward[k] = 0.0f;
        if (chooses(t->settings.reward.shaping, "dense"))
            reward[k] = (float)t->environment.reward_weights[REWARD_length] * e->terms[REWARD_length] *
                        g->scale / (float)e->size;
        left -= reward[k];
    }
    reward[e->size] = left;
}

static void add_row(struct trainer *t, const struct text *text, const struct group *g, int64_t first, int i,
                    int number) {
    struct rl_batch *l = &t->lesson;
    int32_t code[CHUNK_MAXIMUM];
    int row = t->batch.rows, at = row ? t->batch.target_start[row] : 0;
    replay_code(&t->replay, first + i, code);
    l->row[row] = (struct rl_batch_row){.text = number,
                                        .weight = g->weights[i],
                                        .reward = g->rewards[i],
                                        .baseline = g->candidates.mean,
                                        .has_log_probability =
                                            replay_log_probability(&t->replay, first + i, l->behaviour + at),
                                        .best = i == g->candidates.best};
    spread_reward(t, g, i, l->reward + at);
    batch_add(&t->batch, text->ids, text->size, code, g->episodes[i]->size, g->weights[i]);
}

/* A code that was the best of its text once, to be imitated. */
static void add_best(struct trainer *t) {
    int32_t code[CHUNK_MAXIMUM];
    struct text text;
    uint64_t index;
    int size;
    if (!replay_draw_best(&t->replay, &t->rng[STREAM_REPLAY], &index, code, &size) ||
        (t->settings.rl.unseen > 0 && !environment_is_unseen(&t->environment, index)))
        return;
    environment_text(&t->environment, SPLIT_TRAIN, index, &text);
    t->lesson.row[t->batch.rows] = (struct rl_batch_row){.text = -1, .weight = 1.0f, .best = true};
    batch_add(&t->batch, text.ids, text.size, code, size, 1.0f);
}

/* Draws until the batch is full, or gives up when the replay has too little of what the algorithm wants. */
static void prepare_lesson(struct trainer *t) {
    const struct train_settings *s = &t->settings;
    struct group group;
    struct text text;
    int chosen[GROUP_MAXIMUM];
    bool newest = t->algorithm->needs & NEEDS_NEWEST;
    batch_clear(&t->batch);
    for (int draw = 0; draw < DRAWS_PER_ROW * s->batch.rows && t->batch.rows < s->batch.rows; draw++) {
        if (!t->algorithm->loss_gradient && s->replay.best_share > 0 &&
            (double)rng_uniform(&t->rng[STREAM_REPLAY]) < s->replay.best_share) {
            add_best(t);
            continue;
        }
        struct replay_group drawn = rl_stage_draw(t, newest, TEXT_UNSEEN, &text);
        read_group(t, drawn, &group);
        int count = choose_episodes(t, &group, chosen);
        for (int i = 0; i < count && t->batch.rows < s->batch.rows; i++)
            add_row(t, &text, &group, drawn.first, chosen[i], draw);
    }
    struct rl_batch *l = &t->lesson;
    l->settings = s;
    l->rows = t->batch.rows;
    l->tokens = l->rows ? batch_target_tokens(&t->batch) : 0;
    l->start = t->batch.target_start;
    l->actions = t->batch.labels;
    l->vocabulary = t->pair.compressor.config.vocab_size;
    l->figures = (struct rl_batch_figures){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    float *slopes[] = {l->dlogit, l->dlog_sum, l->dentropy, l->dvalue};
    for (int i = 0; i < 4; i++)
        memset(slopes[i], 0, (size_t)l->tokens * sizeof(float));
}

/* Reads, and in the backward pass descends: what t5_head() and t5_backward() call. */
struct visit {
    struct rl_batch *lesson;
    struct token_statistics *reading;
    const int32_t *others; /* ids for reading->other_logit */
    bool descend;
};

static void visit_logits(void *context, float *logits, int first, int count) {
    const struct visit *v = context;
    const struct rl_batch *l = v->lesson;
    const int32_t *actions = l->actions + first;
    if (v->reading) {
        const struct token_statistics *r = v->reading;
        struct policy_statistics reading = {.logit = r->logit + first,
                                            .log_sum = r->log_sum + first,
                                            .largest = r->largest ? r->largest + first : NULL,
                                            .argmax = r->argmax ? r->argmax + first : NULL,
                                            .entropy = r->entropy ? r->entropy + first : NULL,
                                            .other_logit = v->others ? r->other_logit + first : NULL};
        policy_measure(logits, actions, v->others ? v->others + first : NULL, count, l->vocabulary, &reading);
    }
    if (v->descend) {
        struct policy_gradients slope = {l->dlogit + first, l->dlog_sum + first, l->dentropy + first};
        policy_gradient(logits, actions, count, l->vocabulary, &slope);
    }
}

static void read_target(struct trainer *t) {
    struct rl_batch *l = &t->lesson;
    const struct t5_batch view = batch_view(&t->batch);
    struct visit visit = {l, &l->target, l->live.argmax, false};
    struct t5_value value = {.weights = t->value.target, .values = l->target.value};
    t5_refresh(&t->target_compressor);
    t5_forward(t->target_pass, &t->target_compressor, &view, NULL);
    t5_head(t->target_pass, &t->target_compressor, &(struct t5_loss){visit_logits, &visit, &value});
}

static void scale_slopes(struct rl_batch *l) {
    float per_token = 1.0f / (float)l->tokens;
    for (int i = 0; i < l->tokens; i++) {
        l->dlogit[i] *= per_token;
        l->dlog_sum[i] *= per_token;
        l->dentropy[i] *= per_token;
        l->dvalue[i] *= per_token;
    }
}

static void imitate_rows(struct rl_batch *l) {
    for (int r = 0; r < l->rows; r++)
        for (int t = l->start[r]; t < l->start[r + 1]; t++)
            rl_batch_imitate(l, t, l->row[r].weight);
}

/* One update's figure: the row shows the mean, the least or the largest over the iteration's updates. */
static void add_finite(struct trainer *t, void (*fold)(struct metrics *, const char *, double),
                       const char *name, double value) {
    if (isfinite(value))
        fold(&t->metrics, name, value);
}

/* Sums over tokens: -ln pi weighted or not, entropy, and how far the policy is from those that acted. */
static double report_lesson(struct trainer *t) {
    const struct rl_batch *l = &t->lesson;
    const struct rl_batch_figures *f = &l->figures;
    double loss = 0, entropy = 0, behaviour = 0, target = 0;
    int known = 0;
    bool weighted = !t->algorithm->loss_gradient;
    for (int r = 0; r < l->rows; r++)
        for (int i = l->start[r]; i < l->start[r + 1]; i++) {
            double log_pi = (double)rl_batch_log_probability(&l->live, i);
            loss -= (weighted ? (double)l->row[r].weight : 1) * log_pi;
            entropy += (double)l->live.entropy[i];
            if (l->row[r].has_log_probability) {
                behaviour += (double)l->behaviour[i] - log_pi;
                known++;
            }
            if (t->algorithm->needs & NEEDS_TARGET)
                target += (double)rl_batch_log_probability(&l->target, i) - log_pi;
        }
    add_finite(t, metrics_add, "entropy", entropy / l->tokens);
    add_finite(t, metrics_add, "log_ratio", behaviour / known);
    if (t->algorithm->needs & NEEDS_TARGET)
        add_finite(t, metrics_add, "target_log_ratio", target / l->tokens);
    add_finite(t, metrics_add, "ratio", f->ratio);
    add_finite(t, metrics_add_largest, "ratio_largest", f->ratio_largest);
    add_finite(t, metrics_add, "ratio_clipped", f->clipped);
    add_finite(t, metrics_add, "value", f->value);
    add_finite(t, metrics_add, "q", f->q);
    add_finite(t, metrics_add_least, "q_least", f->q_least);
    add_finite(t, metrics_add_largest, "q_largest", f->q_largest);
    add_finite(t, metrics_add, "q_error", f->q_error);
    return loss / l->tokens;
}

static void update_value_head(struct trainer *t) {
    const struct train_settings *s = &t->settings;
    double norm = gradient_norm(t->value.gradients, (size_t)t->value.size);
    struct adamw adamw = trainer_adamw(t, s->value.rate);
    add_finite(t, metrics_add, "value_gradient", norm);
    value_head_update(&t->value, &adamw, gradient_clip_scale(norm, s->optimizer.clip));
}

struct learner_result learn_compression(struct trainer *t) {
    const struct algorithm *a = t->algorithm;
    struct rl_batch *l = &t->lesson;
    prepare_lesson(t);
    if (l->rows == 0)
        return (struct learner_result){0, 0};
    t->tokens += t->batch.source_start[l->rows] + l->tokens;
    struct t5_value value = {.weights = t->value.weights,
                             .values = l->live.value,
                             .dvalues = l->dvalue,
                             .gradients = t->value.gradients};
    struct visit visit = {.lesson = l, .reading = &l->live};
    struct t5_loss loss = {visit_logits, &visit, a->needs & NEEDS_VALUE ? &value : NULL};
    learner_forward(&t->compressor, &t->batch);
    if (a->loss_gradient) {
        t5_head(t->compressor.pass, &t->pair.compressor, &loss);
        if (a->needs & NEEDS_TARGET)
            read_target(t);
        a->loss_gradient(l);
        visit.reading = NULL;
    } else {
        imitate_rows(l);
    }
    scale_slopes(l);
    visit.descend = true;
    struct adamw adamw = trainer_adamw(t, t->settings.rl.compressor_rate);
    double norm = learner_descend(&t->compressor, &t->batch, &loss, &adamw, t->settings.optimizer.clip);
    if (!isfinite(norm))
        return (struct learner_result){NAN, norm};
    if (a->needs & NEEDS_VALUE)
        update_value_head(t);
    return (struct learner_result){report_lesson(t), norm};
}
