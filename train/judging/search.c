/* Searching for codes of held-out texts. */
#include "train/judging/search.h"
#include "base/signals.h"

struct tally {
    double tokens;
    int64_t exact;
};

static void add_rollout(const struct acting *a, struct search_result *result, struct tally *tally) {
    const struct rollout *r = a->rollout;
    int32_t ids[CHUNK_MAXIMUM];
    for (int i = 0; i < r->texts; i++) {
        int best = rollout_best(r, i, RANKING_SHORTEST);
        tally->exact += best >= 0;
        tally->tokens += best >= 0 ? rollout_episode(r, i, best)->size
                                   : environment_demonstration(a->actor.environment, &r->text[i], ids);
        result->chunks++;
        result->bytes += r->text[i].bytes;
        result->tried += r->count[i];
    }
}

enum status search_split(const struct acting *acting, enum dataset_split split, int64_t chunks,
                         struct search_result *result) {
    const struct environment *environment = acting->actor.environment;
    uint64_t all = dataset_count(environment->data, split);
    uint64_t wanted = (uint64_t)chunks < all ? (uint64_t)chunks : all;
    struct rollout *r = acting->rollout;
    struct rng rng;
    struct acting own = *acting;
    struct tally tally = {0};
    own.actor.rng = &rng;
    *result = (struct search_result){0};
    rng_seed(&rng, (uint64_t)environment->settings->seed, "search");
    for (uint64_t done = 0; done < wanted; done += (uint64_t)r->texts) {
        if (signals_stop_requested())
            return fail(STATUS_INTERRUPTED, "interrupted during a search");
        rollout_clear(r);
        while (r->texts < r->text_limit && done + (uint64_t)r->texts < wanted) {
            uint64_t at = done + (uint64_t)r->texts;
            environment_text(environment, split, at * all / wanted, rollout_add_text(r));
        }
        act_on_texts(&own);
        add_rollout(&own, result, &tally);
    }
    result->exact = (double)tally.exact / (double)result->chunks;
    result->tokens_per_byte = tally.tokens / (double)result->bytes;
    return STATUS_OK;
}
