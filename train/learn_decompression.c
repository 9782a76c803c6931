/* The decompressor's learning in phase two: the codes that are written now, and demonstrations against
 * forgetting. */
#include "train/demonstration.h"
#include "train/phase_two.h"

struct replay_group reinforce_draw(struct trainer *t, bool newest_only, enum text_part part,
                                   struct text *text) {
    enum { TRIES = 100 }; /* a small buffer may have none of a part */
    const struct train_settings *s = &t->settings;
    struct replay_taste taste = {.newest = newest_only ? 1 : s->replay.newest,
                                 .newest_count = t->newest,
                                 .half_life = s->replay.half_life,
                                 .reward_scale = s->replay.reward_scale,
                                 .now = t->steps[PHASE_REINFORCE]};
    struct replay_group group = replay_draw(&t->replay, &t->rng[STREAM_REPLAY], &taste);
    for (int i = 0; i < TRIES && s->rl.unseen > 0 &&
                    environment_is_unseen(&t->environment, replay_at(&t->replay, group.first)->text) !=
                        (part == TEXT_UNSEEN);
         i++)
        group = replay_draw(&t->replay, &t->rng[STREAM_REPLAY], &taste);
    environment_text(&t->environment, SPLIT_TRAIN, replay_at(&t->replay, group.first)->text, text);
    return group;
}

/* Of the group's episodes as often what the compressor wrote by itself as the best exact one (any, when none
 * is exact). */
static int64_t pick_episode(struct trainer *t, struct replay_group group) {
    struct rng *rng = &t->rng[STREAM_REPLAY];
    bool any = settings_goal(&t->settings) == GOAL_REWARD;
    int64_t best = -1;
    double best_reward = 0;
    if (rng_below(rng, 2) == 0)
        return group.first; /* the greedy one, or the first that there is */
    for (int64_t i = group.first; i < group.first + group.size; i++) {
        const struct episode *e = replay_at(&t->replay, i);
        double reward = reward_sum(t->environment.reward_weights, e->terms);
        if ((any || e->exact) && (best < 0 || reward > best_reward)) {
            best = i;
            best_reward = reward;
        }
    }
    return best >= 0 ? best : group.first + (int64_t)rng_below(rng, (uint64_t)group.size);
}

static void add_replayed(struct trainer *t, struct text *text) {
    const struct train_settings *s = &t->settings;
    int64_t at = pick_episode(t, reinforce_draw(t, false, TEXT_SEEN, text));
    int32_t code[CHUNK_MAXIMUM];
    int size = replay_at(&t->replay, at)->size;
    replay_code(&t->replay, at, code);
    if (s->decompressor.drop > 0)
        size = token_drop(&t->rng[STREAM_NOISE], s->decompressor.drop_rows, s->decompressor.drop, code, size);
    batch_add(&t->batch, code, size, text->ids, text->size, 1.0f);
}

struct learner_result learn_decompression(struct trainer *t) {
    const struct train_settings *s = &t->settings;
    struct text text;
    batch_clear(&t->batch);
    while (t->batch.rows < s->batch.rows) {
        if ((double)rng_uniform(&t->rng[STREAM_REPLAY]) < s->rl.demonstrations) {
            environment_random_text(&t->environment, &t->rng[STREAM_TEXTS], TEXT_SEEN, &text);
            demonstrate_decompression(&t->environment, &text, &t->rng[STREAM_NOISE], &t->batch);
        } else {
            add_replayed(t, &text);
        }
    }
    t->tokens += t->batch.source_start[t->batch.rows] + batch_target_tokens(&t->batch);
    struct adamw adamw = trainer_adamw(t, s->rl.decompressor_rate);
    return learner_step(&t->decompressor, &t->batch, &adamw, s->optimizer.clip);
}
