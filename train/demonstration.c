/* Demonstrations and their noise. */
#include "train/demonstration.h"
#include <string.h>

void demonstrate_compression(const struct environment *e, const struct text *text, struct batch *batch) {
    int32_t code[CHUNK_MAXIMUM];
    int size = environment_demonstration(e, text, code);
    batch_add(batch, text->ids, text->size, code, size, 1.0f);
}

int demonstration_noise(const struct train_settings *s, struct rng *rng, int32_t *code, int size) {
    if ((double)rng_uniform(rng) >= s->demonstration.drop_rows)
        return size;
    double drop = s->demonstration.drop * (double)rng_uniform(rng);
    int left = 0;
    for (int i = 0; i < size; i++)
        if ((double)rng_uniform(rng) >= drop)
            code[left++] = code[i];
    return left;
}

void demonstrate_decompression(const struct environment *e, const struct text *text, struct rng *rng,
                               struct batch *batch) {
    int32_t code[CHUNK_MAXIMUM];
    int size;
    if ((double)rng_uniform(rng) < e->settings->demonstration.copies) {
        size = text->size;
        memcpy(code, text->ids, (size_t)size * sizeof *code);
    } else {
        size = environment_demonstration(e, text, code);
    }
    size = demonstration_noise(e->settings, rng, code, size);
    batch_add(batch, code, size, text->ids, text->size, 1.0f);
}
