/* Acting: policies propose, the target decompressor scores, the replay keeps, the metrics tell. */
#include <stdio.h>
#include <string.h>
#include "train/run/rl_stage.h"

static void act_once(struct trainer *t, struct actor *actor, const struct t5_model *decompressor,
                     int policy) {
    behaviour_act(actor, &t->rollout, policy);
    environment_score(&t->environment, &t->rollout, &t->decompressor, decompressor, &t->batch);
}

void rl_stage_propose(struct trainer *t, struct actor *actor, const struct t5_model *decompressor) {
    for (int policy = 0; policy < POLICY_COUNT && !behaviours[policy].mutates; policy++)
        if (policy != POLICY_recall || actor->replay)
            act_once(t, actor, decompressor, policy);
    for (int64_t round = 0; round < t->settings.behaviour.rounds; round++) {
        rollout_begin_round(&t->rollout, settings_goal(&t->settings));
        for (int policy = 0; policy < POLICY_COUNT; policy++)
            if (behaviours[policy].mutates)
                act_once(t, actor, decompressor, policy);
    }
}

/* Why proposals came to nothing. */
static void report_refusals(struct trainer *t) {
    const struct refusals *refused = &t->rollout.refused;
    metrics_set(&t->metrics, "refused_unended", (double)refused->unended);
    metrics_set(&t->metrics, "refused_long", (double)refused->longer);
    metrics_set(&t->metrics, "refused_repeated", (double)refused->repeated);
}

/* What the policies achieved, by policy and by reward term. */
static void report_rollout(struct trainer *t) {
    const struct rollout *r = &t->rollout;
    double terms[REWARD_TERMS_MAXIMUM] = {0}, reward = 0, best_reward = 0, best_size = 0;
    int count[POLICY_COUNT] = {0}, exact[POLICY_COUNT] = {0}, total = rollout_total(r), solved = 0;
    double size[POLICY_COUNT] = {0}, bytes[POLICY_COUNT] = {0};
    char name[METRIC_NAME_CAPACITY];
    for (int i = 0; i < r->texts; i++) {
        double best = -1e30;
        for (int e = 0; e < r->count[i]; e++) {
            const struct episode *episode = rollout_episode(r, i, e);
            count[episode->policy]++;
            exact[episode->policy] += episode->exact;
            size[episode->policy] += episode->size;
            bytes[episode->policy] += r->text[i].bytes;
            reward += (double)episode->reward;
            best = (double)episode->reward > best ? (double)episode->reward : best;
            for (int k = 0; k < REWARD_COUNT; k++)
                terms[k] += (double)episode->terms[k];
        }
        int winner = rollout_best_exact(r, i);
        best_reward += r->count[i] ? best : 0;
        best_size += winner >= 0 ? (double)rollout_episode(r, i, winner)->size / r->text[i].bytes : 0;
        solved += winner >= 0;
    }
    if (total == 0)
        return;
    metrics_set(&t->metrics, "reward", reward / total);
    metrics_set(&t->metrics, "reward_best", best_reward / r->texts);
    metrics_set(&t->metrics, "text_exact_match", (double)solved / r->texts);
    if (solved > 0)
        metrics_set(&t->metrics, "text_tokens_per_byte", best_size / solved);
    for (int k = 0; k < REWARD_COUNT; k++) {
        if (k == REWARD_edits && !reward_uses(&t->settings, REWARD_edits))
            continue; /* not measured */
        snprintf(name, sizeof name, "reward_%s", reward_terms[k].name);
        metrics_set(&t->metrics, name, terms[k] / total);
    }
    for (int p = 0; p < POLICY_COUNT; p++) {
        if (count[p] == 0)
            continue;
        snprintf(name, sizeof name, "share_%s", behaviours[p].name);
        metrics_set(&t->metrics, name, (double)count[p] / total);
        snprintf(name, sizeof name, "exact_match_%s", behaviours[p].name);
        metrics_set(&t->metrics, name, (double)exact[p] / count[p]);
        snprintf(name, sizeof name, "tokens_%s", behaviours[p].name);
        metrics_set(&t->metrics, name, size[p] / count[p]);
        snprintf(name, sizeof name, "tokens_per_byte_%s", behaviours[p].name);
        metrics_set(&t->metrics, name, size[p] / bytes[p]);
    }
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

/* A best code that was tried again, by recall or by whoever came first, and is not rebuilt any more is the
 * best no longer. */
static void forget_broken(struct trainer *t) {
    const struct rollout *r = &t->rollout;
    int32_t ids[CHUNK_MAXIMUM];
    int size;
    for (int i = 0; i < r->texts; i++) {
        int e = replay_best(&t->replay, r->text[i].index, ids, &size) ? rollout_find(r, i, ids, size) : -1;
        if (e >= 0 && !rollout_episode(r, i, e)->exact)
            replay_forget_best(&t->replay, r->text[i].index);
    }
}

void rl_stage_act(struct trainer *t) {
    struct rollout *r = &t->rollout;
    double progress = trainer_progress(t);
    struct actor actor = {.environment = &t->environment,
                          .compressor = &t->pair.compressor,
                          .target = &t->target_compressor,
                          .generator = t->generator,
                          .replay = &t->replay,
                          .rng = &t->rng[STREAM_ACTION],
                          .repeats = t->algorithm->needs & NEEDS_FREQUENCY,
                          .progress = progress};
    t5_refresh(&t->target_compressor); /* copied, read or averaged since they were last used */
    t5_refresh(&t->target_decompressor);
    reward_weights(&t->settings, progress, t->environment.reward_weights);
    rollout_clear(r);
    for (int i = 0; i < r->text_limit; i++) {
        enum text_part part = i < t->settings.rl.unseen_act * r->text_limit ? TEXT_UNSEEN : TEXT_SEEN;
        environment_random_text(&t->environment, &t->rng[STREAM_TEXTS], part, rollout_add_text(r));
    }
    rl_stage_propose(t, &actor, &t->target_decompressor);
    forget_broken(t);
    rollout_store(r, &t->replay, t->steps[PHASE_RL]);
    t->newest = rollout_total(r);
    report_refusals(t);
    report_rollout(t);
    report_replay(t);
}
