/* Texts, demonstrations and rewards. */
#include "train/environment.h"
#include <string.h>
#include "train/reward.h"
#include "train/rollout.h"

void environment_open(struct environment *e, const struct train_settings *settings,
                      const struct dataset *data, const struct model_pair *pair) {
    *e = (struct environment){settings, data, pair, dataset_chunking(data)->size + 1};
}

void environment_text(const struct environment *e, enum dataset_split split, uint64_t index,
                      struct text *text) {
    struct dataset_chunk chunk = dataset_get(e->data, split, index);
    text->index = index;
    text->bytes = (int)chunk.size;
    text->size = (int)model_pair_encode_text(e->pair, chunk.bytes, chunk.size, text->ids);
}

void environment_random_text(const struct environment *e, struct rng *rng, struct text *text) {
    environment_text(e, SPLIT_TRAIN, rng_below(rng, dataset_count(e->data, SPLIT_TRAIN)), text);
}

int environment_demonstration(const struct environment *e, const struct text *text, int32_t *ids) {
    uint8_t bytes[CHUNK_MAXIMUM];
    size_t size = tokenizer_decode(&e->pair->tokenizer, text->ids, (size_t)text->size, bytes, sizeof bytes);
    return (int)tokenizer_encode(&e->pair->tokenizer, bytes, size, ids);
}

struct t5_rows environment_sources(const struct text *texts, int count, int32_t *ids, int32_t *start,
                                   int *limits) {
    start[0] = 0;
    for (int i = 0; i < count; i++) {
        int32_t *row = ids + start[i];
        memcpy(row, texts[i].ids, (size_t)texts[i].size * sizeof *row);
        row[texts[i].size] = TOKEN_EOS;
        start[i + 1] = start[i] + texts[i].size + 1;
        limits[i] = texts[i].size;
    }
    return (struct t5_rows){count, ids, start};
}

/* Which episode each row of the scoring batch is. */
struct row {
    int text, episode;
};

static void score_rows(const struct environment *env, struct rollout *r, struct learner *learner,
                       const struct t5_model *decompressor, struct batch *batch, const struct row *rows) {
    if (batch->rows == 0)
        return;
    learner_score(learner, decompressor, batch);
    for (int i = 0; i < batch->rows; i++) {
        struct episode *episode = rollout_episode(r, rows[i].text, rows[i].episode);
        struct outcome outcome = {.text_bytes = r->text[rows[i].text].bytes,
                                  .code_tokens = episode->size,
                                  .nats = batch_row_nll(batch, i),
                                  .exact = batch_row_exact(batch, i)};
        episode->nats = (float)outcome.nats;
        episode->exact = outcome.exact;
        episode->reward = (float)reward_of(env->settings, &outcome, episode->terms);
    }
    batch_clear(batch);
}

void environment_score(const struct environment *env, struct rollout *r, struct learner *learner,
                       const struct t5_model *decompressor, struct batch *batch) {
    enum { ROWS = 256 };
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
