/* Demonstrations and their noise. */
#include "train/task/demonstration.h"
#include <string.h>

/* No number is drawn without the option: runs that do not use it stay what they were. */
static bool is_empty(const struct environment *e, struct rng *rng) {
    double share = e->settings->demonstration.empty;
    return share > 0 && (double)rng_uniform(rng) < share;
}

void demonstrate_compression(const struct environment *e, const struct text *text, struct rng *rng,
                             struct batch *batch) {
    int32_t code[CHUNK_MAXIMUM];
    int size = is_empty(e, rng) ? 0 : environment_demonstration(e, text, code);
    batch_add(batch, text->ids, text->size, code, size, 1.0f);
}

int token_drop(struct rng *rng, double rows, double most, int32_t *code, int size) {
    if ((double)rng_uniform(rng) >= rows)
        return size;
    double drop = most * (double)rng_uniform(rng);
    int left = 0;
    for (int i = 0; i < size; i++)
        if ((double)rng_uniform(rng) >= drop)
            code[left++] = code[i];
    return left;
}

/* Some pairs become their symbol. */
static int merge_some(const struct environment *e, struct rng *rng, int32_t *code, int size) {
    double share = e->settings->demonstration.merge * (double)rng_uniform(rng);
    int left = 0;
    for (int i = 0; i < size; i++) {
        int32_t symbol = i + 1 < size ? pair_symbol(e->symbols, code[i], code[i + 1]) : -1;
        if (symbol >= 0 && (double)rng_uniform(rng) < share) {
            code[left++] = symbol;
            i++;
        } else {
            code[left++] = code[i];
        }
    }
    return left;
}

void demonstrate_decompression(const struct environment *e, const struct text *text, struct rng *rng,
                               struct batch *batch) {
    const struct train_settings *s = e->settings;
    int32_t code[CHUNK_MAXIMUM];
    int size = 0;
    if (is_empty(e, rng)) {
        batch_add(batch, code, 0, text->ids, text->size, 1.0f);
        return;
    }
    if ((double)rng_uniform(rng) < s->demonstration.copies) {
        size = text->size;
        memcpy(code, text->ids, (size_t)size * sizeof *code);
    } else {
        size = environment_demonstration(e, text, code);
        if (e->symbols->count > 0)
            size = merge_some(e, rng, code, size);
    }
    size = token_drop(rng, s->demonstration.drop_rows, s->demonstration.drop, code, size);
    batch_add(batch, code, size, text->ids, text->size, 1.0f);
}
