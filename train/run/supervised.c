/* The supervised warm start: both models learn from demonstrations. */
#include "train/task/demonstration.h"
#include "train/run/trainer.h"

struct step_result supervised_step(struct trainer *t) {
    const struct train_settings *s = &t->settings;
    struct step_result result;
    struct text text;
    batch_clear(&t->batch);
    for (int64_t i = 0; i < s->batch.rows; i++) {
        environment_random_text(&t->environment, &t->rng[STREAM_TEXTS], TEXT_ANY, &text);
        demonstrate_compression(&t->environment, &text, &t->rng[STREAM_NOISE], &t->batch);
    }
    t->tokens += t->batch.source_start[t->batch.rows] + batch_target_tokens(&t->batch);
    struct adamw adamw = trainer_adamw(t, s->supervised.compressor_rate);
    result.compressor = learner_step(&t->compressor, &t->batch, &adamw, s->optimizer.clip);

    batch_clear(&t->batch);
    for (int64_t i = 0; i < s->batch.rows; i++) {
        environment_random_text(&t->environment, &t->rng[STREAM_TEXTS], TEXT_SEEN, &text);
        demonstrate_decompression(&t->environment, &text, &t->rng[STREAM_NOISE], &t->batch);
    }
    t->tokens += t->batch.source_start[t->batch.rows] + batch_target_tokens(&t->batch);
    adamw = trainer_adamw(t, s->supervised.decompressor_rate);
    result.decompressor = learner_step(&t->decompressor, &t->batch, &adamw, s->optimizer.clip);
    t->steps[PHASE_SUPERVISED]++;
    return result;
}
