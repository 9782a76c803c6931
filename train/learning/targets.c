/* Target networks. */
#include "train/learning/targets.h"
#include <string.h>
#include "kernels/vector.h"

static void copy_weights(struct t5_model *to, const struct t5_model *from) {
    memcpy(to->weights, from->weights, from->weight_count * sizeof(float));
}

void targets_copy(const struct targets *t) {
    copy_weights(t->compressor, t->live_compressor);
    copy_weights(t->decompressor, t->live_decompressor);
    memcpy(t->value->target, t->value->weights, (size_t)t->value->size * sizeof(float));
}

static void blend_weights(struct t5_model *to, float rate, const struct t5_model *from) {
    vector_blend(to->weights, rate, from->weights, from->weight_count);
}

void targets_follow(const struct targets *t, const struct train_settings *settings, int64_t update) {
    float rate = (float)settings->target.tau;
    if (settings->target.mode == TARGET_PERIODIC) {
        if (update % settings->target.every == 0)
            targets_copy(t);
        return;
    }
    blend_weights(t->compressor, rate, t->live_compressor);
    blend_weights(t->decompressor, rate, t->live_decompressor);
    vector_blend(t->value->target, rate, t->value->weights, (size_t)t->value->size);
}
