/* The behaviour policies, in the order in which they act: those that need nobody first, mutations last. */
#include "train/behaviour.h"
#include <stdlib.h>
#include <string.h>

/* One episode per text from a compressor. */
static void generate(struct actor *actor, const struct t5_model *model, struct rollout *r, int policy,
                     const struct t5_sampling *sampling) {
    enum { TEXTS = BEHAVIOUR_ROWS };
    int32_t start[TEXTS + 1];
    for (int first = 0; first < r->texts; first += TEXTS) {
        int count = r->texts - first < TEXTS ? r->texts - first : TEXTS, tokens = 0, limits[TEXTS];
        for (int i = 0; i < count; i++)
            tokens += r->text[first + i].size + 1;
        int32_t *ids = malloc((size_t)tokens * sizeof *ids);
        if (!ids)
            return;                         /* fewer proposals; the others go on */
        struct t5_sampling own = *sampling; /* random numbers of its own for every slice */
        own.seed += (uint64_t)first << 40;
        struct t5_rows source = environment_sources(r->text + first, count, ids, start, limits);
        const struct t5_generated *g = t5_generate(actor->generator, model, &source, &own, limits);
        for (int i = 0; i < count; i++) {
            int from = g->rows.start[i], size = g->rows.start[i + 1] - from;
            float log_probability[CHUNK_MAXIMUM + 1];
            memcpy(log_probability, g->log_probability + from, (size_t)size * sizeof *log_probability);
            log_probability[size] = g->end_log_probability[i];
            if (g->ended[i])
                rollout_propose(r, first + i, policy, g->rows.ids + from, size, log_probability);
        }
        free(ids);
    }
}

static void propose_greedy(struct actor *actor, struct rollout *r, int policy) {
    if (actor->environment->settings->behaviour.greedy)
        generate(actor, actor->target, r, policy, &(struct t5_sampling){.temperature = 0});
}

static void propose_samples(struct actor *actor, struct rollout *r, int policy) {
    const struct train_settings *s = actor->environment->settings;
    for (int64_t i = 0; i < s->behaviour.samples; i++)
        generate(actor, actor->compressor, r, policy,
                 &(struct t5_sampling){.temperature = (float)s->behaviour.temperature,
                                       .top_k = (int)s->behaviour.top_k,
                                       .top_p = (float)s->behaviour.top_p,
                                       .seed = rng_next(actor->rng)});
}

static void propose_demonstrations(struct actor *actor, struct rollout *r, int policy) {
    int32_t ids[CHUNK_MAXIMUM];
    if (actor->environment->settings->behaviour.demonstrations)
        for (int t = 0; t < r->texts; t++) {
            int size = environment_demonstration(actor->environment, &r->text[t], ids);
            rollout_propose(r, t, policy, ids, size, NULL);
        }
}

/* The best exact episode with one token less, at up to behaviour.deletions places. */
static void propose_deletions(struct actor *actor, struct rollout *r, int policy) {
    int64_t tries = actor->environment->settings->behaviour.deletions;
    for (int t = 0; t < r->texts; t++) {
        int best = r->base[t] = rollout_best_exact(r, t);
        if (best < 0)
            continue;
        int size = rollout_episode(r, t, best)->size, order[CHUNK_MAXIMUM];
        const int32_t *code = rollout_code(r, t, best);
        for (int i = 0; i < size; i++)
            order[i] = i;
        for (int i = 0; i < size && i < tries; i++) { /* the first places of a random order */
            int other = i + (int)rng_below(actor->rng, (uint64_t)(size - i)), place = order[other];
            int32_t shorter[CHUNK_MAXIMUM];
            order[other] = order[i];
            memcpy(shorter, code, (size_t)place * sizeof *code);
            memcpy(shorter + place, code + place + 1, (size_t)(size - place - 1) * sizeof *code);
            rollout_propose(r, t, policy, shorter, size - 1, NULL);
        }
    }
}

/* Where `shorter` lacks a token of `code`: the first difference. */
static int deleted_place(const int32_t *code, int size, const int32_t *shorter) {
    for (int i = 0; i < size - 1; i++)
        if (code[i] != shorter[i])
            return i;
    return size - 1;
}

struct deletion {
    int place;
    float nats;
};

static int by_loss(const void *a, const void *b) {
    const struct deletion *x = a, *y = b;
    if (x->nats != y->nats)
        return x->nats < y->nats ? -1 : 1;
    return x->place - y->place;
}

/* The deletions of text t that stayed exact on their own, by rising loss. Returns how many. */
static int exact_deletions(const struct rollout *r, int t, struct deletion *deletions) {
    int found = 0, base = r->base[t], size = rollout_episode(r, t, base)->size;
    for (int e = 0; e < r->scored[t]; e++) {
        const struct episode *episode = rollout_episode(r, t, e);
        if (episode->policy == POLICY_DELETION && episode->exact)
            deletions[found++] = (struct deletion){
                deleted_place(rollout_code(r, t, base), size, rollout_code(r, t, e)), episode->nats};
    }
    qsort(deletions, (size_t)found, sizeof *deletions, by_loss);
    return found;
}

/* Several of them made together: the 2, 3, ... of lowest loss. */
static void propose_combinations(struct actor *actor, struct rollout *r, int policy) {
    int64_t tries = actor->environment->settings->behaviour.combinations;
    for (int t = 0; t < r->texts; t++) {
        if (r->base[t] < 0)
            continue;
        struct deletion deletions[CHUNK_MAXIMUM];
        bool gone[CHUNK_MAXIMUM] = {false};
        int found = exact_deletions(r, t, deletions), size = rollout_episode(r, t, r->base[t])->size;
        const int32_t *code = rollout_code(r, t, r->base[t]);
        for (int together = 1; together <= found && together <= tries + 1; together++) {
            int32_t shorter[CHUNK_MAXIMUM];
            int left = 0;
            gone[deletions[together - 1].place] = true;
            for (int i = 0; i < size; i++)
                if (!gone[i])
                    shorter[left++] = code[i];
            if (together > 1)
                rollout_propose(r, t, policy, shorter, left, NULL);
        }
    }
}

const struct behaviour behaviours[] = {
    [POLICY_GREEDY] = {"greedy", propose_greedy},
    [POLICY_SAMPLE] = {"sample", propose_samples},
    [POLICY_DEMONSTRATION] = {"demonstration", propose_demonstrations},
    [POLICY_DELETION] = {"deletion", propose_deletions},
    [POLICY_COMBINATION] = {"combination", propose_combinations},
};

int behaviour_count(void) {
    return (int)(sizeof behaviours / sizeof *behaviours);
}

int behaviour_room(const struct train_settings *s) {
    return (int)(s->behaviour.greedy + s->behaviour.samples + s->behaviour.demonstrations +
                 s->behaviour.deletions + s->behaviour.combinations);
}
