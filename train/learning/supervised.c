/* Steps on demonstrations. */
#include "train/learning/supervised.h"
#include "train/task/demonstration.h"

/* Adds one row about a text. */
typedef void demonstrate(const struct environment *environment, const struct text *text, struct rng *rng,
                         struct batch *batch);

static struct learner_result supervise(struct supervision *s, enum text_part part, demonstrate *add,
                                       struct learner *learner, const struct adamw *adamw) {
    const struct train_settings *settings = s->environment->settings;
    struct text text;
    batch_clear(s->batch);
    for (int64_t i = 0; i < settings->batch.rows; i++) {
        environment_random_text(s->environment, s->texts, part, &text);
        add(s->environment, &text, s->noise, s->batch);
    }
    return learner_step(learner, s->batch, adamw, settings->optimizer.clip);
}

struct learner_result supervise_compressor(struct supervision *s, struct learner *learner,
                                           const struct adamw *adamw) {
    return supervise(s, TEXT_ANY, demonstrate_compression, learner, adamw);
}

struct learner_result supervise_decompressor(struct supervision *s, struct learner *learner,
                                             const struct adamw *adamw) {
    return supervise(s, TEXT_SEEN, demonstrate_decompression, learner, adamw);
}
