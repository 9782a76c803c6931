/* The rl stage: act, then learn off-policy from the replay, while target networks follow. */
#include <math.h>
#include <string.h>
#include "kernels/vector.h"
#include "train/run/rl_stage.h"

static void copy_weights(struct t5_model *to, const struct t5_model *from) {
    memcpy(to->weights, from->weights, from->weight_count * sizeof(float));
}

static void copy_to_targets(struct trainer *t) {
    copy_weights(&t->target_compressor, &t->pair.compressor);
    copy_weights(&t->target_decompressor, &t->pair.decompressor);
    memcpy(t->value.target, t->value.weights, (size_t)t->value.size * sizeof(float));
}

void rl_stage_begin(struct trainer *t) {
    copy_to_targets(t);
}

struct replay_group rl_stage_draw(struct trainer *t, bool newest_only, enum text_part part,
                                  struct text *text) {
    enum { TRIES = 100 }; /* a small buffer may have none of a part */
    const struct train_settings *s = &t->settings;
    struct replay_sampling sampling = {.newest = newest_only ? 1 : s->replay.newest,
                                       .newest_count = t->newest,
                                       .half_life = s->replay.half_life,
                                       .reward_scale = s->replay.reward_scale,
                                       .now = t->steps[PHASE_RL]};
    struct replay_group group = replay_draw(&t->replay, &t->rng[STREAM_REPLAY], &sampling);
    for (int i = 0; i < TRIES && s->rl.unseen > 0 &&
                    environment_is_unseen(&t->environment, replay_at(&t->replay, group.first)->text) !=
                        (part == TEXT_UNSEEN);
         i++)
        group = replay_draw(&t->replay, &t->rng[STREAM_REPLAY], &sampling);
    environment_text(&t->environment, SPLIT_TRAIN, replay_at(&t->replay, group.first)->text, text);
    return group;
}

static void follow(struct trainer *t) {
    const struct train_settings *s = &t->settings;
    float rate = (float)s->target.tau;
    t->updates++;
    if (chooses(s->target.mode, "periodic")) {
        if (t->updates % s->target.every == 0)
            copy_to_targets(t);
        return;
    }
    vector_blend(t->target_compressor.weights, rate, t->pair.compressor.weights,
                 t->pair.compressor.weight_count);
    vector_blend(t->target_decompressor.weights, rate, t->pair.decompressor.weights,
                 t->pair.decompressor.weight_count);
    vector_blend(t->value.target, rate, t->value.weights, (size_t)t->value.size);
}

/* Steps of the decompressor in this iteration. */
static int64_t decompressor_updates(const struct trainer *t) {
    const struct train_settings *s = &t->settings;
    if (chooses(s->decompressor.mode, "frozen"))
        return 0;
    if (chooses(s->decompressor.mode, "live"))
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
    int64_t compressor = t->settings.rl.updates, decompressor = decompressor_updates(t);
    rl_stage_act(t);
    if ((t->algorithm->needs & NEEDS_NEWEST) && t->newest == 0)
        compressor = 0;       /* no code of this iteration ended */
    if (t->replay.count == 0) /* nothing to learn from while every code runs past its limit */
        compressor = decompressor = 0;
    for (int64_t i = 0; i < compressor || i < decompressor; i++) {
        if (i < compressor)
            learn(t, &t->compressor, learn_compression, &of_compressor);
        if (i < decompressor)
            learn(t, &t->decompressor, learn_decompression, &of_decompressor);
        follow(t);
    }
    t->steps[PHASE_RL]++;
    return (struct step_result){mean_of(&of_compressor), mean_of(&of_decompressor)};
}
