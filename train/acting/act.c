/* One iteration's acting. */
#include "train/acting/act.h"

static void act_once(struct acting *a, int policy) {
    behaviour_act(&a->actor, a->rollout, policy);
    score_rollout(a->rollout, a->actor.environment, a->scorer, a->decompressor, a->batch);
}

void act_on_texts(struct acting *a) {
    const struct train_settings *s = a->actor.environment->settings;
    for (int policy = 0; policy < POLICY_COUNT && !behaviours[policy].mutates; policy++)
        if (policy != POLICY_recall || a->actor.replay)
            act_once(a, policy);
    for (int64_t round = 0; round < s->behaviour.rounds; round++) {
        rollout_begin_round(a->rollout, ranking_of_search(s));
        for (int policy = 0; policy < POLICY_COUNT; policy++)
            if (behaviours[policy].mutates)
                act_once(a, policy);
    }
}

void act_on_random_texts(struct acting *a, struct rng *rng) {
    const struct environment *environment = a->actor.environment;
    struct rollout *r = a->rollout;
    double unseen = environment->settings->rl.unseen_act * r->text_limit;
    rollout_clear(r);
    for (int i = 0; i < r->text_limit; i++)
        environment_random_text(environment, rng, i < unseen ? TEXT_UNSEEN : TEXT_SEEN, rollout_add_text(r));
    act_on_texts(a);
}

/* Tried again by recall, or by whoever proposed it first. */
static void forget_broken(const struct rollout *r, struct replay *replay) {
    int32_t ids[CHUNK_MAXIMUM];
    int size;
    for (int i = 0; i < r->texts; i++) {
        int e = replay_best(replay, r->text[i].index, ids, &size) ? rollout_find(r, i, ids, size) : -1;
        if (e >= 0 && !rollout_episode(r, i, e)->exact)
            replay_forget_best(replay, r->text[i].index);
    }
}

void act_store(const struct acting *a, struct replay *replay, int64_t iteration) {
    forget_broken(a->rollout, replay);
    rollout_store(a->rollout, replay, iteration);
}
