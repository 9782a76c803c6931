/* The rl stage: act, then learn off-policy from the replay, while target networks follow. */
#include <math.h>
#include "train/learning/compressor.h"
#include "train/learning/decompressor.h"
#include "train/learning/targets.h"
#include "train/run/stages.h"

static struct targets targets_of(struct trainer *t) {
    return (struct targets){&t->target_compressor, &t->target_decompressor, &t->pair.compressor,
                            &t->pair.decompressor, &t->value};
}

void rl_stage_begin(struct trainer *t) {
    struct targets targets = targets_of(t);
    targets_copy(&targets);
}

/* The greedy policy is that of `target`, and `decompressor` scores. */
static struct acting acting_with(struct trainer *t, const struct t5_model *target,
                                 const struct t5_model *decompressor, double progress) {
    return (struct acting){.actor = {.environment = &t->environment,
                                     .compressor = &t->pair.compressor,
                                     .target = target,
                                     .generator = t->generator,
                                     .progress = progress},
                           .rollout = &t->rollout,
                           .decompressor = decompressor,
                           .scorer = &t->scorer,
                           .batch = &t->batch};
}

struct acting rl_stage_acting(struct trainer *t) {
    struct acting acting =
        acting_with(t, &t->target_compressor, &t->target_decompressor, trainer_progress(t));
    acting.actor.replay = &t->replay;
    acting.actor.rng = &t->rng[STREAM_ACTION];
    acting.actor.repeats = t->algorithm->needs & NEEDS_FREQUENCY;
    return acting;
}

struct acting search_acting(struct trainer *t) {
    return acting_with(t, &t->pair.compressor, &t->pair.decompressor, 1);
}

static void report_replay(struct trainer *t) {
    struct replay_statistics s;
    replay_statistics(&t->replay, t->steps[PHASE_RL], &s);
    metrics_set(&t->metrics, "replay_episodes", (double)s.episodes);
    metrics_set(&t->metrics, "replay_tokens", (double)s.tokens);
    metrics_set(&t->metrics, "replay_best", (double)s.best);
    metrics_set(&t->metrics, "replay_mean_age", s.mean_age);
    metrics_set(&t->metrics, "replay_largest_age", (double)s.largest_age);
    metrics_set(&t->metrics, "replay_exact_match", s.exact);
    metrics_set(&t->metrics, "replay_acceptance", s.acceptance);
}

void rl_stage_act(struct trainer *t) {
    struct acting acting = rl_stage_acting(t);
    t5_refresh(&t->target_compressor); /* copied, read or averaged since they were last used */
    t5_refresh(&t->target_decompressor);
    reward_weights(&t->settings, acting.actor.progress, t->environment.reward_weights);
    act_on_random_texts(&acting, &t->rng[STREAM_TEXTS]);
    act_store(&acting, &t->replay, t->steps[PHASE_RL]);
    t->newest = rollout_total(&t->rollout);
    act_report(&t->rollout, &t->settings, &t->metrics);
    report_replay(t);
}

struct episode_source rl_stage_source(struct trainer *t) {
    return (struct episode_source){&t->environment, &t->replay, &t->rng[STREAM_REPLAY], t->newest,
                                   t->steps[PHASE_RL]};
}

struct learner_result rl_stage_learn_compression(struct trainer *t) {
    struct compressor_learning learning = {.algorithm = t->algorithm,
                                           .source = rl_stage_source(t),
                                           .learner = &t->compressor,
                                           .value = &t->value,
                                           .target = &t->target_compressor,
                                           .target_pass = t->target_pass,
                                           .group = &t->group,
                                           .batch = &t->batch,
                                           .rl_batch = &t->rl_batch,
                                           .metrics = &t->metrics};
    struct adamw adamw = trainer_adamw(t, t->settings.rl.compressor_rate);
    struct adamw value_adamw = trainer_adamw(t, t->settings.value.rate);
    struct learner_result result = learn_compression(&learning, &adamw, &value_adamw);
    t->tokens += batch_tokens(&t->batch);
    return result;
}

struct learner_result rl_stage_learn_decompression(struct trainer *t) {
    struct decompressor_learning learning = {rl_stage_source(t), &t->rng[STREAM_TEXTS], &t->rng[STREAM_NOISE],
                                             &t->decompressor, &t->batch};
    struct adamw adamw = trainer_adamw(t, t->settings.rl.decompressor_rate);
    struct learner_result result = learn_decompression(&learning, &adamw);
    t->tokens += batch_tokens(&t->batch);
    return result;
}

/* Steps of the decompressor in this iteration. */
static int64_t decompressor_updates(const struct trainer *t) {
    const struct train_settings *s = &t->settings;
    if (s->decompressor.mode == DECOMPRESSOR_FROZEN)
        return 0;
    if (s->decompressor.mode == DECOMPRESSOR_LIVE)
        return s->rl.updates;
    bool due = (t->steps[PHASE_RL] + 1) % s->decompressor.every == 0;
    return due ? s->rl.updates * s->decompressor.every : 0;
}

/* Updates of one model in one iteration. */
struct updates {
    struct learner_result sum;
    int64_t count;
};

static void learn(struct trainer *t, const struct learner *learner,
                  struct learner_result (*update)(struct trainer *), struct updates *updates) {
    int64_t before = learner->step;
    struct learner_result one = update(t);
    if (learner->step == before && isfinite(one.loss))
        return; /* nothing to learn from: no step, no loss */
    updates->sum.loss += one.loss;
    updates->sum.gradient_norm += one.gradient_norm;
    updates->count++;
}

static struct learner_result mean_of(const struct updates *u) {
    double count = u->count ? (double)u->count : 1;
    return (struct learner_result){u->sum.loss / count, u->sum.gradient_norm / count};
}

struct step_result rl_stage_step(struct trainer *t) {
    struct updates of_compressor = {0}, of_decompressor = {0};
    struct targets targets = targets_of(t);
    int64_t compressor = t->settings.rl.updates, decompressor = decompressor_updates(t);
    rl_stage_act(t);
    if ((t->algorithm->needs & NEEDS_NEWEST) && t->newest == 0)
        compressor = 0;       /* no code of this iteration ended */
    if (t->replay.count == 0) /* nothing to learn from while every code runs past its limit */
        compressor = decompressor = 0;
    for (int64_t i = 0; i < compressor || i < decompressor; i++) {
        if (i < compressor)
            learn(t, &t->compressor, rl_stage_learn_compression, &of_compressor);
        if (i < decompressor)
            learn(t, &t->decompressor, rl_stage_learn_decompression, &of_decompressor);
        targets_follow(&targets, &t->settings, ++t->updates);
    }
    t->steps[PHASE_RL]++;
    return (struct step_result){mean_of(&of_compressor), mean_of(&of_decompressor)};
}
