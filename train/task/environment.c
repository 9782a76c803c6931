/* Texts, and what the task says of them. */
#include "train/task/environment.h"
#include <string.h>

void environment_text(const struct environment *e, enum dataset_split split, uint64_t index,
                      struct text *text) {
    struct dataset_chunk chunk = dataset_get(e->data, split, index);
    text->index = index;
    text->bytes = (int)chunk.size;
    text->size = (int)model_pair_encode_text(e->pair, chunk.bytes, chunk.size, text->ids);
}

bool environment_is_unseen(const struct environment *e, uint64_t index) {
    uint64_t hash = (index + 1) * 0x9e3779b97f4a7c15u; /* spread evenly, whatever the order of the texts */
    hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93u;
    return (double)(hash >> 11) * 0x1p-53 < e->settings->rl.unseen;
}

void environment_random_text(const struct environment *e, struct rng *rng, enum text_part part,
                             struct text *text) {
    enum { TRIES = 1000 }; /* a data set of a few texts may have none of a part */
    uint64_t count = dataset_count(e->data, SPLIT_TRAIN), index = rng_below(rng, count);
    for (int i = 0; i < TRIES && part != TEXT_ANY && e->settings->rl.unseen > 0 &&
                    environment_is_unseen(e, index) != (part == TEXT_UNSEEN);
         i++)
        index = rng_below(rng, count);
    environment_text(e, SPLIT_TRAIN, index, text);
}

static size_t bytes_of(const struct environment *e, const struct text *text, uint8_t *bytes) {
    return tokenizer_decode(&e->pair->tokenizer, text->ids, (size_t)text->size, bytes, CHUNK_MAXIMUM);
}

int environment_demonstration(const struct environment *e, const struct text *text, int32_t *ids) {
    uint8_t bytes[CHUNK_MAXIMUM];
    if (e->settings->demonstration.shortest)
        return environment_shortest(e, text, ids);
    return (int)tokenizer_encode(&e->pair->tokenizer, bytes, bytes_of(e, text, bytes), ids);
}

int environment_shortest(const struct environment *e, const struct text *text, int32_t *ids) {
    uint8_t bytes[CHUNK_MAXIMUM];
    return (int)tokenizer_encode_shortest(&e->pair->tokenizer, bytes, bytes_of(e, text, bytes), ids);
}

struct t5_rows environment_sources(const struct text *texts, const int *which, int count, int32_t *ids,
                                   int32_t *start, int *limits) {
    start[0] = 0;
    for (int i = 0; i < count; i++) {
        const struct text *text = &texts[which ? which[i] : i];
        int32_t *row = ids + start[i];
        memcpy(row, text->ids, (size_t)text->size * sizeof *row);
        row[text->size] = TOKEN_EOS;
        start[i + 1] = start[i] + text->size + 1;
        limits[i] = text->size;
    }
    return (struct t5_rows){count, ids, start};
}

double environment_code_bits(const struct environment *e, const int32_t *code, int size) {
    const int32_t end = TOKEN_EOS;
    struct prior_context context = {TOKEN_EOS, TOKEN_EOS};
    if (!e->prior)
        return 0;
    double bits = prior_price(e->prior, &context, code, (size_t)size);
    return bits + prior_price(e->prior, &context, &end, 1);
}
