/* Phase two: act, score with the target network, file in the replay, learn from it off-policy. */
#include <string.h>
#include "kernels/lanes.h"
#include "kernels/vector.h"
#include "train/demonstration.h"
#include "train/trainer.h"

enum { GROUP_MAXIMUM = 8192 };          /* more than the options allow for one text */
static const float LEAST_SHARE = 0.01f; /* of the group's largest weight: lighter episodes are left out */

void reinforce_begin(struct trainer *t) {
    memcpy(t->target_compressor.weights, t->pair.compressor.weights,
           t->pair.compressor.weight_count * sizeof(float));
    memcpy(t->target_decompressor.weights, t->pair.decompressor.weights,
           t->pair.decompressor.weight_count * sizeof(float));
}

/* Behaviour policies fill a rollout; the target decompressor scores it; the replay keeps it. */
static void act(struct trainer *t) {
    struct rollout *r = &t->rollout;
    struct actor actor = {&t->environment, &t->pair.compressor, &t->target_compressor, t->generator,
                          &t->rng[STREAM_ACTION]};
    t5_refresh(&t->target_compressor); /* copied, read or averaged since they were last used */
    t5_refresh(&t->target_decompressor);
    rollout_clear(r);
    for (int i = 0; i < r->text_limit; i++)
        environment_random_text(&t->environment, &t->rng[STREAM_TEXTS], rollout_add_text(r));
    for (int policy = 0; policy < behaviour_count(); policy++) {
        behaviours[policy].propose(&actor, r, policy);
        environment_score(&t->environment, r, &t->decompressor, &t->target_decompressor, &t->batch);
    }
    rollout_file(r, &t->replay, t->steps[PHASE_REINFORCE]);
    t->newest = rollout_total(r);
}

/* The episodes of a drawn group and what the algorithm makes of them. Returns how many. */
static int weigh_group(struct trainer *t, struct replay_group group, float *weights) {
    const struct episode *episodes[GROUP_MAXIMUM];
    int size = group.size < GROUP_MAXIMUM ? group.size : GROUP_MAXIMUM;
    for (int i = 0; i < size; i++)
        episodes[i] = replay_at(&t->replay, group.first + i);
    t->algorithm->weigh(&t->settings, episodes, size, weights);
    return size;
}

static struct replay_group draw_group(struct trainer *t, struct text *text) {
    struct replay_taste taste = {.newest = t->settings.replay.newest,
                                 .newest_count = t->newest,
                                 .now = t->steps[PHASE_REINFORCE]};
    struct replay_group group = replay_draw(&t->replay, &t->rng[STREAM_REPLAY], &taste);
    environment_text(&t->environment, SPLIT_TRAIN, replay_at(&t->replay, group.first)->text, text);
    return group;
}

static struct learner_result learn_compression(struct trainer *t) {
    const struct train_settings *s = &t->settings;
    float weights[GROUP_MAXIMUM];
    struct text text;
    int32_t code[CHUNK_MAXIMUM];
    batch_clear(&t->batch);
    for (bool full = false; !full;) {
        struct replay_group group = draw_group(t, &text);
        int size = weigh_group(t, group, weights);
        float least = LEAST_SHARE * lanes->max(weights, (size_t)size);
        for (int i = 0; i < size && !full; i++) {
            if (weights[i] < least)
                continue;
            int64_t at = group.first + i;
            replay_code(&t->replay, at, code);
            batch_add(&t->batch, text.ids, text.size, code, replay_at(&t->replay, at)->size, weights[i]);
            full = t->batch.rows == s->batch.rows;
        }
    }
    t->tokens += t->batch.source_start[t->batch.rows] + batch_target_tokens(&t->batch);
    struct adamw adamw = trainer_adamw(t, s->rl.compressor_rate);
    return learner_step(&t->compressor, &t->batch, &adamw, s->optimizer.clip);
}

/* An episode of the group: as often what the compressor did as what the algorithm favours. */
static int64_t pick_episode(struct trainer *t, struct replay_group group) {
    float weights[GROUP_MAXIMUM];
    if (rng_below(&t->rng[STREAM_REPLAY], 2) == 0)
        return group.first; /* the greedy one, or the first that there is */
    int size = weigh_group(t, group, weights), i = 0;
    float left = rng_uniform(&t->rng[STREAM_REPLAY]);
    while (i + 1 < size && (left -= weights[i]) >= 0)
        i++;
    return group.first + i;
}

static struct learner_result learn_decompression(struct trainer *t) {
    const struct train_settings *s = &t->settings;
    struct text text;
    int32_t code[CHUNK_MAXIMUM];
    batch_clear(&t->batch);
    while (t->batch.rows < s->batch.rows) {
        if ((double)rng_uniform(&t->rng[STREAM_REPLAY]) < s->rl.demonstrations) {
            environment_random_text(&t->environment, &t->rng[STREAM_TEXTS], &text);
            demonstrate_decompression(&t->environment, &text, &t->rng[STREAM_NOISE], &t->batch);
        } else {
            int64_t at = pick_episode(t, draw_group(t, &text));
            replay_code(&t->replay, at, code);
            batch_add(&t->batch, code, replay_at(&t->replay, at)->size, text.ids, text.size, 1.0f);
        }
    }
    t->tokens += t->batch.source_start[t->batch.rows] + batch_target_tokens(&t->batch);
    struct adamw adamw = trainer_adamw(t, s->rl.decompressor_rate);
    return learner_step(&t->decompressor, &t->batch, &adamw, s->optimizer.clip);
}

/* What the policies achieved, by policy and by reward term, into the current row of metrics. */
static void report_rollout(struct trainer *t) {
    const struct rollout *r = &t->rollout;
    double terms[REWARD_TERMS_MAXIMUM] = {0}, reward = 0, best_reward = 0;
    int count[POLICIES_MAXIMUM] = {0}, exact[POLICIES_MAXIMUM] = {0}, total = rollout_total(r),
        best_exact = 0;
    char name[METRIC_NAME_ROOM];
    for (int i = 0; i < r->texts; i++) {
        double best = -1e30;
        for (int e = 0; e < r->count[i]; e++) {
            const struct episode *episode = rollout_episode(r, i, e);
            count[episode->policy]++;
            exact[episode->policy] += episode->exact;
            reward += (double)episode->reward;
            best = (double)episode->reward > best ? (double)episode->reward : best;
            for (int k = 0; k < reward_term_count(); k++)
                terms[k] += (double)episode->terms[k];
        }
        best_reward += r->count[i] ? best : 0;
        best_exact += rollout_best_exact(r, i) >= 0;
    }
    if (total == 0)
        return;
    metrics_set(&t->metrics, "reward", reward / total);
    metrics_set(&t->metrics, "reward_best", best_reward / r->texts);
    metrics_set(&t->metrics, "text_exact", (double)best_exact / r->texts);
    for (int k = 0; k < reward_term_count(); k++) {
        snprintf(name, sizeof name, "reward_%s", reward_terms[k].name);
        metrics_set(&t->metrics, name, terms[k] / total);
    }
    for (int p = 0; p < behaviour_count(); p++) {
        snprintf(name, sizeof name, "share_%s", behaviours[p].name);
        metrics_set(&t->metrics, name, (double)count[p] / total);
        snprintf(name, sizeof name, "exact_%s", behaviours[p].name);
        if (count[p])
            metrics_set(&t->metrics, name, (double)exact[p] / count[p]);
    }
    metrics_set(&t->metrics, "replay_episodes", (double)t->replay.count);
}

static void add_share(struct learner_result *mean, struct learner_result one, int64_t count) {
    mean->loss += one.loss / (double)count;
    mean->gradient_norm += one.gradient_norm / (double)count;
}

struct step_result reinforce_step(struct trainer *t) {
    const struct train_settings *s = &t->settings;
    struct step_result result = {0};
    act(t);
    report_rollout(t);
    /* nothing to learn from while every code runs past its limit */
    for (int64_t i = 0; i < s->rl.updates && t->replay.count > 0; i++) {
        add_share(&result.compressor, learn_compression(t), s->rl.updates);
        add_share(&result.decompressor, learn_decompression(t), s->rl.updates);
        vector_blend(t->target_compressor.weights, (float)s->target.rate, t->pair.compressor.weights,
                     t->pair.compressor.weight_count);
        vector_blend(t->target_decompressor.weights, (float)s->target.rate, t->pair.decompressor.weights,
                     t->pair.decompressor.weight_count);
    }
    t->steps[PHASE_REINFORCE]++;
    return result;
}
