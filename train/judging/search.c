/* What test-time search makes of texts that are not learned from: the behaviour policies with the live
 * models, as an encoder with time could run them. */
#include "base/signals.h"
#include "train/run/rl_stage.h"

static void tally(const struct trainer *t, struct search_result *result, double *tokens, int64_t *exact) {
    const struct rollout *r = &t->rollout;
    int32_t ids[CHUNK_MAXIMUM];
    for (int i = 0; i < r->texts; i++) {
        int best = rollout_best_exact(r, i);
        *exact += best >= 0;
        *tokens += best >= 0 ? rollout_episode(r, i, best)->size
                             : environment_demonstration(&t->environment, &r->text[i], ids);
        result->chunks++;
        result->bytes += r->text[i].bytes;
        result->tried += r->count[i];
    }
}

enum status search_split(struct trainer *t, enum dataset_split split, int64_t chunks,
                         struct search_result *result) {
    struct rollout *r = &t->rollout;
    struct rng rng;
    struct actor actor = {.environment = &t->environment,
                          .compressor = &t->pair.compressor,
                          .target = &t->pair.compressor,
                          .generator = t->generator,
                          .rng = &rng,
                          .progress = 1};
    uint64_t all = dataset_count(t->data, split), wanted = (uint64_t)chunks < all ? (uint64_t)chunks : all;
    double tokens = 0;
    int64_t exact = 0;
    *result = (struct search_result){0};
    reward_weights(&t->settings, 1, t->environment.reward_weights);
    rng_seed(&rng, (uint64_t)t->settings.seed, "search");
    for (uint64_t done = 0; done < wanted; done += (uint64_t)r->texts) {
        if (signals_stop_requested())
            return fail(STATUS_INTERRUPTED, "interrupted during a search");
        rollout_clear(r);
        while (r->texts < r->text_limit && done + (uint64_t)r->texts < wanted) {
            uint64_t at = done + (uint64_t)r->texts;
            environment_text(&t->environment, split, at * all / wanted, rollout_add_text(r));
        }
        rl_stage_propose(t, &actor, &t->pair.decompressor);
        tally(t, result, &tokens, &exact);
    }
    result->exact = (double)exact / (double)result->chunks;
    result->tokens_per_byte = tokens / (double)result->bytes;
    return STATUS_OK;
}
