/* The decompressor's learning in the rl stage: the codes that are written now, and demonstrations against
 * forgetting. */
#include "train/task/demonstration.h"
#include "train/run/rl_stage.h"

/* Of the group's episodes as often what the compressor wrote by itself as the best one of rl.goal (any, when
 * none is exact). */
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
    int64_t at = pick_episode(t, rl_stage_draw(t, false, TEXT_SEEN, text));
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
