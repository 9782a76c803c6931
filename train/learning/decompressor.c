/* The decompressor's step. */
#include "train/learning/decompressor.h"
#include "train/learning/group.h"
#include "train/task/demonstration.h"

/* Of the group's episodes as often what the compressor wrote by itself as the best one (any, when none may be
 * ranked). */
static int64_t pick_episode(const struct episode_source *s, struct replay_group group) {
    if (rng_below(s->rng, 2) == 0)
        return group.first; /* the greedy one, or the first that there is */
    int64_t best = group_best(s, group);
    return best >= 0 ? best : group.first + (int64_t)rng_below(s->rng, (uint64_t)group.size);
}

static void add_replayed(struct decompressor_learning *d) {
    const struct train_settings *s = d->source.environment->settings;
    struct text text;
    int32_t code[CHUNK_MAXIMUM];
    int64_t at = pick_episode(&d->source, source_draw(&d->source, false, TEXT_SEEN, &text));
    int size = replay_at(d->source.replay, at)->size;
    replay_code(d->source.replay, at, code);
    if (s->decompressor.drop > 0)
        size = token_drop(d->noise, s->decompressor.drop_rows, s->decompressor.drop, code, size);
    batch_add(d->batch, code, size, text.ids, text.size, 1.0f);
}

static void add_demonstration(struct decompressor_learning *d) {
    struct text text;
    environment_random_text(d->source.environment, d->texts, TEXT_SEEN, &text);
    demonstrate_decompression(d->source.environment, &text, d->noise, d->batch);
}

struct learner_result learn_decompression(struct decompressor_learning *d, const struct adamw *adamw) {
    const struct train_settings *s = d->source.environment->settings;
    batch_clear(d->batch);
    while (d->batch->rows < s->batch.rows) {
        if ((double)rng_uniform(d->source.rng) < s->rl.demonstrations)
            add_demonstration(d);
        else
            add_replayed(d);
    }
    return learner_step(d->learner, d->batch, adamw, s->optimizer.clip);
}
