/* The supervised warm start, step by step. */
#include "train/learning/supervised.h"
#include "train/run/stages.h"

struct step_result supervised_step(struct trainer *t) {
    const struct train_settings *s = &t->settings;
    struct supervision supervision = {&t->environment, &t->rng[STREAM_TEXTS], &t->rng[STREAM_NOISE],
                                      &t->batch};
    struct step_result result;
    struct adamw adamw = trainer_adamw(t, s->supervised.compressor_rate);
    result.compressor = supervise_compressor(&supervision, &t->compressor, &adamw);
    t->tokens += batch_tokens(&t->batch);
    adamw = trainer_adamw(t, s->supervised.decompressor_rate);
    result.decompressor = supervise_decompressor(&supervision, &t->decompressor, &adamw);
    t->tokens += batch_tokens(&t->batch);
    t->steps[PHASE_SUPERVISED]++;
    return result;
}
