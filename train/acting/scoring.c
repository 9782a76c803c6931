/* Scores of codes. */
#include "train/acting/scoring.h"
#include <string.h>
#include "base/progress.h"
#include "t5/flops.h"
#include "text/edit_distance.h"

void scorer_score(struct scorer *s, const struct t5_model *model, struct batch *batch) {
    struct t5_batch view = batch_view(batch);
    struct t5_targets targets = batch_targets(batch, NULL, model->config.vocab_size);
    struct t5_loss loss = t5_cross_entropy(&targets);
    double begun = progress_clock();
    t5_forward(s->pass, model, &view, NULL);
    t5_head(s->pass, model, &loss);
    s->seconds += progress_clock() - begun;
    s->flops += t5_flops(&model->config, &view, false);
}

enum { ROWS = 256 }; /* scored at once */

/* One scoring: the rollout, and which episode each row of the batch is. */
struct scoring {
    struct rollout *rollout;
    const struct environment *environment;
    struct scorer *scorer;
    const struct t5_model *decompressor;
    struct batch *batch;
    struct {
        int text, episode;
    } rows[ROWS];
};

/* Edit distances of greedy D(z) from x for those rows that are not exact; 0 for the others. */
static void measure_edits(const struct scoring *s, int *edits) {
    const struct batch *batch = s->batch;
    int scratch[CHUNK_MAXIMUM + 1], which[ROLLOUT_REBUILT], count = 0;
    int32_t *ids = s->rollout->failed, start[ROLLOUT_REBUILT + 1] = {0};
    for (int i = 0; i < batch->rows; i++) {
        edits[i] = 0;
        if (!batch_row_exact(batch, i)) {
            int from = batch->source_start[i], size = batch->source_start[i + 1] - from;
            memcpy(ids + start[count], batch->source + from, (size_t)size * sizeof *ids);
            start[count + 1] = start[count] + size;
            which[count++] = i;
        }
        if (count == 0 || (count < ROLLOUT_REBUILT && i + 1 < batch->rows))
            continue;
        const struct t5_generated *g =
            t5_generate(s->environment->rebuilder, s->decompressor, &(struct t5_rows){count, ids, start},
                        &(struct t5_sampling){0}, NULL);
        for (int k = 0; k < count; k++) {
            const struct text *text = &s->rollout->text[s->rows[which[k]].text];
            edits[which[k]] =
                edit_distance(g->rows.ids + g->rows.start[k], g->rows.start[k + 1] - g->rows.start[k],
                              text->ids, text->size, scratch);
        }
        count = 0;
    }
}

static void score_rows(struct scoring *s) {
    const struct environment *env = s->environment;
    struct rollout *r = s->rollout;
    int edits[ROWS] = {0};
    if (s->batch->rows == 0)
        return;
    scorer_score(s->scorer, s->decompressor, s->batch);
    if (reward_uses(env->settings, REWARD_edits))
        measure_edits(s, edits);
    for (int i = 0; i < s->batch->rows; i++) {
        struct episode *episode = rollout_episode(r, s->rows[i].text, s->rows[i].episode);
        const int32_t *code = rollout_code(r, s->rows[i].text, s->rows[i].episode);
        const struct text *text = &r->text[s->rows[i].text];
        struct outcome outcome = {.text_bytes = text->bytes,
                                  .text_tokens = text->size,
                                  .code = code,
                                  .code_tokens = episode->size,
                                  .nll = batch_row_nll(s->batch, i),
                                  .exact = batch_row_exact(s->batch, i),
                                  .code_bits = environment_code_bits(env, code, episode->size),
                                  .edits = edits[i]};
        episode->nll = (float)outcome.nll;
        episode->exact = outcome.exact;
        reward_values(&outcome, episode->terms);
        episode->reward = (float)reward_sum(env->reward_weights, episode->terms);
    }
    batch_clear(s->batch);
}

void score_rollout(struct rollout *r, const struct environment *environment, struct scorer *scorer,
                   const struct t5_model *decompressor, struct batch *batch) {
    struct scoring s = {r, environment, scorer, decompressor, batch, {{0, 0}}};
    int limit = batch->row_limit < ROWS ? batch->row_limit : ROWS;
    batch_clear(batch);
    for (int t = 0; t < r->texts; t++)
        for (; r->scored[t] < r->count[t]; r->scored[t]++) {
            int e = r->scored[t];
            s.rows[batch->rows].text = t;
            s.rows[batch->rows].episode = e;
            batch_add(batch, rollout_code(r, t, e), rollout_episode(r, t, e)->size, r->text[t].ids,
                      r->text[t].size, 1.0f);
            if (batch->rows == limit)
                score_rows(&s);
        }
    score_rows(&s);
}
