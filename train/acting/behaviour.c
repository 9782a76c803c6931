/* The table of behaviour policies, and those that need no code to start from; the others are in mutation.c.
 */
#include "train/acting/behaviour.h"
#include <assert.h>
#include <string.h>

const struct behaviour behaviours[POLICY_COUNT] = {
#define BEHAVIOUR_ROW(name, option, count, most, help)                                                       \
    {#name, POLICY_##name >= POLICY_deletion, offsetof(struct train_settings, behaviour.option),             \
     propose_##name},
    BEHAVIOUR_LIST(BEHAVIOUR_ROW)
#undef BEHAVIOUR_ROW
};

const struct behaviour_share *behaviour_share(const struct train_settings *s, int policy) {
    return (const struct behaviour_share *)((const char *)s + behaviours[policy].share);
}

int behaviour_most_episodes(const struct train_settings *s) {
    int64_t most = 0;
    static_assert((int)POLICY_COUNT <= (int)POLICIES_MAXIMUM, "raise POLICIES_MAXIMUM");
    for (int policy = 0; policy < POLICY_COUNT; policy++)
        most += behaviour_share(s, policy)->count * (behaviours[policy].mutates ? s->behaviour.rounds : 1);
    return (int)most;
}

void behaviour_act(struct actor *actor, struct rollout *r, int policy) {
    const struct behaviour_share *own = behaviour_share(actor->environment->settings, policy);
    double share = own->begin + (own->end - own->begin) * actor->progress;
    bool any = false;
    if (own->count == 0)
        return;
    for (int t = 0; t < r->texts; t++) {
        r->acted_on[t] = share >= 1 || (double)rng_uniform(actor->rng) < share;
        any = any || r->acted_on[t];
    }
    if (any)
        behaviours[policy].propose(actor, r, &(struct request){policy, (int)own->count, r->acted_on});
}

/* One episode from a compressor for each of up to BEHAVIOUR_ROWS texts. */
static void generate_slice(struct actor *actor, const struct t5_model *model, struct rollout *r, int policy,
                           const struct t5_sampling *sampling, const int *which, int count) {
    int32_t start[BEHAVIOUR_ROWS + 1];
    int limits[BEHAVIOUR_ROWS];
    struct t5_rows source = environment_sources(r->text, which, count, r->sources, start, limits);
    const struct t5_generated *g = t5_generate(actor->generator, model, &source, sampling, limits);
    for (int i = 0; i < count; i++) {
        int from = g->rows.start[i], size = g->rows.start[i + 1] - from;
        float log_probability[CHUNK_MAXIMUM + 1];
        memcpy(log_probability, g->log_probability + from, (size_t)size * sizeof *log_probability);
        log_probability[size] = g->end_log_probability[i];
        if (!g->ended[i])
            r->refused.unended++;
        else
            rollout_propose(r, which[i],
                            &(struct proposal){.policy = policy,
                                               .tokens = size,
                                               .code = g->rows.ids + from,
                                               .log_probability = log_probability,
                                               .again = actor->repeats && policy == POLICY_sample});
    }
}

static void generate(struct actor *actor, const struct t5_model *model, struct rollout *r,
                     const struct request *request, const struct t5_sampling *sampling) {
    int which[BEHAVIOUR_ROWS], count = 0;
    struct t5_sampling own = *sampling; /* random numbers of its own for every slice */
    for (int t = 0; t < r->texts; t++) {
        if (request->texts[t])
            which[count++] = t;
        if (count == BEHAVIOUR_ROWS || (t + 1 == r->texts && count > 0)) {
            generate_slice(actor, model, r, request->policy, &own, which, count);
            own.seed += (uint64_t)1 << 48;
            count = 0;
        }
    }
}

void propose_greedy(struct actor *actor, struct rollout *r, const struct request *request) {
    generate(actor, actor->target, r, request, &(struct t5_sampling){.temperature = 0});
}

void propose_sample(struct actor *actor, struct rollout *r, const struct request *request) {
    const struct train_settings *s = actor->environment->settings;
    for (int i = 0; i < request->count; i++)
        generate(actor, actor->compressor, r, request,
                 &(struct t5_sampling){.temperature = (float)s->behaviour.temperature,
                                       .top_k = (int)s->behaviour.top_k,
                                       .top_p = (float)s->behaviour.top_p,
                                       .epsilon = (float)s->behaviour.epsilon,
                                       .seed = rng_next(actor->rng)});
}

static void propose_code(struct rollout *r, int t, int policy, const int32_t *code, int size) {
    rollout_propose(r, t, &(struct proposal){.policy = policy, .tokens = size, .code = code});
}

void propose_copy(struct actor *actor, struct rollout *r, const struct request *request) {
    (void)actor;
    for (int t = 0; t < r->texts; t++)
        if (request->texts[t])
            propose_code(r, t, request->policy, r->text[t].ids, r->text[t].tokens);
}

void propose_demonstration(struct actor *actor, struct rollout *r, const struct request *request) {
    int32_t ids[CHUNK_MAXIMUM];
    for (int t = 0; t < r->texts; t++)
        if (request->texts[t])
            propose_code(r, t, request->policy, ids,
                         environment_demonstration(actor->environment, &r->text[t], ids));
}

void propose_shortest(struct actor *actor, struct rollout *r, const struct request *request) {
    int32_t ids[CHUNK_MAXIMUM];
    for (int t = 0; t < r->texts; t++)
        if (request->texts[t])
            propose_code(r, t, request->policy, ids,
                         environment_shortest(actor->environment, &r->text[t], ids));
}

void propose_recall(struct actor *actor, struct rollout *r, const struct request *request) {
    int32_t ids[CHUNK_MAXIMUM];
    int size;
    for (int t = 0; t < r->texts; t++)
        if (request->texts[t] && replay_best(actor->replay, r->text[t].index, ids, &size))
            propose_code(r, t, request->policy, ids, size);
}
