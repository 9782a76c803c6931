/* Texts, demonstrations and rewards. */
#include "train/task/environment.h"
#include <string.h>
#include "text/edit_distance.h"
#include "train/acting/rollout.h"

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

enum { ROWS = 256, REBUILT = 64 }; /* rows scored at once; codes rebuilt at once */

/* Which episode each row of the scoring batch is. */
struct row {
    int text, episode;
};

/* Edit distances of greedy D(z) from x for those rows that are not exact; 0 for the others. */
static void measure_edits(const struct environment *env, const struct rollout *r,
                          const struct t5_model *decompressor, const struct batch *batch,
                          const struct row *rows, int *edits) {
    int scratch[CHUNK_MAXIMUM + 1], which[REBUILT], count = 0;
    int32_t ids[REBUILT * (CHUNK_MAXIMUM + 1)], start[REBUILT + 1] = {0};
    for (int i = 0; i < batch->rows; i++) {
        edits[i] = 0;
        if (!batch_row_exact(batch, i)) {
            int from = batch->source_start[i], size = batch->source_start[i + 1] - from;
            memcpy(ids + start[count], batch->source + from, (size_t)size * sizeof *ids);
            start[count + 1] = start[count] + size;
            which[count++] = i;
        }
        if (count == 0 || (count < REBUILT && i + 1 < batch->rows))
            continue;
        const struct t5_generated *g =
            t5_generate(env->rebuilder, decompressor, &(struct t5_rows){count, ids, start},
                        &(struct t5_sampling){0}, NULL);
        for (int k = 0; k < count; k++) {
            const struct text *text = &r->text[rows[which[k]].text];
            edits[which[k]] =
                edit_distance(g->rows.ids + g->rows.start[k], g->rows.start[k + 1] - g->rows.start[k],
                              text->ids, text->size, scratch);
        }
        count = 0;
    }
}

static void score_rows(const struct environment *env, struct rollout *r, struct learner *learner,
                       const struct t5_model *decompressor, struct batch *batch, const struct row *rows) {
    int edits[ROWS] = {0};
    if (batch->rows == 0)
        return;
    learner_score(learner, decompressor, batch);
    if (reward_uses(env->settings, REWARD_edits))
        measure_edits(env, r, decompressor, batch, rows, edits);
    for (int i = 0; i < batch->rows; i++) {
        struct episode *episode = rollout_episode(r, rows[i].text, rows[i].episode);
        const int32_t *code = rollout_code(r, rows[i].text, rows[i].episode);
        const struct text *text = &r->text[rows[i].text];
        struct outcome outcome = {.text_bytes = text->bytes,
                                  .text_tokens = text->size,
                                  .code = code,
                                  .code_tokens = episode->size,
                                  .nll = batch_row_nll(batch, i),
                                  .exact = batch_row_exact(batch, i),
                                  .code_bits = environment_code_bits(env, code, episode->size),
                                  .edits = edits[i]};
        episode->nll = (float)outcome.nll;
        episode->exact = outcome.exact;
        reward_values(&outcome, episode->terms);
        episode->reward = (float)reward_sum(env->reward_weights, episode->terms);
    }
    batch_clear(batch);
}

void environment_score(const struct environment *env, struct rollout *r, struct learner *learner,
                       const struct t5_model *decompressor, struct batch *batch) {
    struct row rows[ROWS];
    int limit = batch->row_limit < ROWS ? batch->row_limit : ROWS;
    batch_clear(batch);
    for (int t = 0; t < r->texts; t++)
        for (; r->scored[t] < r->count[t]; r->scored[t]++) {
            int e = r->scored[t];
            rows[batch->rows] = (struct row){t, e};
            batch_add(batch, rollout_code(r, t, e), rollout_episode(r, t, e)->size, r->text[t].ids,
                      r->text[t].size, 1.0f);
            if (batch->rows == limit)
                score_rows(env, r, learner, decompressor, batch, rows);
        }
    score_rows(env, r, learner, decompressor, batch, rows);
}
