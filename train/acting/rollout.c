/* Episodes proposed in one iteration. */
#include "train/acting/rollout.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum status rollout_open(struct rollout *r, int text_limit, int episode_limit, int code_limit) {
    size_t texts = (size_t)text_limit, all = texts * (size_t)episode_limit;
    *r = (struct rollout){.text_limit = text_limit, .episode_limit = episode_limit, .code_limit = code_limit};
    r->text = calloc(texts, sizeof *r->text);
    r->count = calloc(texts, sizeof *r->count);
    r->scored = calloc(texts, sizeof *r->scored);
    r->base = calloc(texts, sizeof *r->base);
    r->round = calloc(texts, sizeof *r->round);
    r->episodes = calloc(all, sizeof *r->episodes);
    r->edits = calloc(all, sizeof *r->edits);
    r->codes = calloc(all * (size_t)code_limit, sizeof *r->codes);
    r->log_probability = calloc(all * ((size_t)code_limit + 1), sizeof *r->log_probability);
    r->sources = calloc(texts * (CHUNK_MAXIMUM + 1), sizeof *r->sources);
    r->acted_on = calloc(texts, sizeof *r->acted_on);
    r->edit_scratch = calloc(1, sizeof *r->edit_scratch);
    r->failed = calloc(ROLLOUT_REBUILT * (CHUNK_MAXIMUM + 1), sizeof *r->failed);
    if (r->text && r->count && r->scored && r->base && r->round && r->episodes && r->edits && r->codes &&
        r->log_probability && r->sources && r->acted_on && r->edit_scratch && r->failed)
        return STATUS_OK;
    rollout_close(r);
    return fail(STATUS_MEMORY,
                "no memory for %d texts with %d episodes each: lower rl.texts or the behaviour counts",
                text_limit, episode_limit);
}

void rollout_close(struct rollout *r) {
    free(r->text);
    free(r->count);
    free(r->scored);
    free(r->base);
    free(r->round);
    free(r->episodes);
    free(r->edits);
    free(r->codes);
    free(r->log_probability);
    free(r->sources);
    free(r->acted_on);
    free(r->edit_scratch);
    free(r->failed);
    *r = (struct rollout){0};
}

struct text *rollout_add_text(struct rollout *r) {
    assert(r->texts < r->text_limit);
    r->count[r->texts] = r->scored[r->texts] = 0;
    r->base[r->texts] = -1;
    r->round[r->texts] = 0;
    return &r->text[r->texts++];
}

void rollout_clear(struct rollout *r) {
    r->texts = 0;
    r->refused = (struct refusals){0};
}

static size_t place(const struct rollout *r, int t, int e) {
    assert(t < r->text_limit && e < r->episode_limit);
    return (size_t)t * (size_t)r->episode_limit + (size_t)e;
}

struct episode *rollout_episode(const struct rollout *r, int t, int e) {
    return &r->episodes[place(r, t, e)];
}

int32_t *rollout_code(const struct rollout *r, int t, int e) {
    return r->codes + place(r, t, e) * (size_t)r->code_limit;
}

int rollout_find(const struct rollout *r, int t, const int32_t *code, int size) {
    for (int e = 0; e < r->count[t]; e++)
        if (rollout_episode(r, t, e)->size == size &&
            memcmp(rollout_code(r, t, e), code, (size_t)size * sizeof *code) == 0)
            return e;
    return -1;
}

/* Counts why. */
static bool refuses(struct rollout *r, int t, const struct proposal *p) {
    int64_t *reason = r->count[t] == r->episode_limit                          ? &r->refused.full
                      : p->size > r->code_limit                                ? &r->refused.longer
                      : !p->again && rollout_find(r, t, p->code, p->size) >= 0 ? &r->refused.repeated
                                                                               : NULL;
    if (reason)
        ++*reason;
    return reason;
}

bool rollout_propose(struct rollout *r, int t, const struct proposal *p) {
    if (refuses(r, t, p))
        return false;
    int e = r->count[t]++;
    size_t at = place(r, t, e);
    r->episodes[at] = (struct episode){.text = r->text[t].index,
                                       .policy = p->policy,
                                       .size = p->size,
                                       .has_log_probability = p->log_probability != NULL};
    r->edits[at] = p->edit;
    memcpy(rollout_code(r, t, e), p->code, (size_t)p->size * sizeof *p->code);
    if (p->log_probability)
        memcpy(r->log_probability + at * ((size_t)r->code_limit + 1), p->log_probability,
               ((size_t)p->size + 1) * sizeof *p->log_probability);
    return true;
}

const struct edit *rollout_edit(const struct rollout *r, int t, int e) {
    return &r->edits[place(r, t, e)];
}

void rollout_begin_round(struct rollout *r, enum ranking ranking) {
    for (int t = 0; t < r->texts; t++) {
        r->base[t] = rollout_best(r, t, ranking);
        r->round[t] = r->count[t];
    }
}

struct merit episode_merit(const struct episode *e) {
    return (struct merit){e->exact != 0, e->size, e->nll, (double)e->reward};
}

int rollout_best(const struct rollout *r, int t, enum ranking ranking) {
    struct leader leader = {ranking, -1, {0}};
    for (int e = 0; e < r->scored[t]; e++) {
        struct merit merit = episode_merit(rollout_episode(r, t, e));
        leader_offer(&leader, &merit, e);
    }
    return (int)leader.at;
}

void rollout_store(const struct rollout *r, struct replay *replay, int64_t iteration) {
    for (int t = 0; t < r->texts; t++) {
        int64_t tokens = 0;
        for (int e = 0; e < r->count[t]; e++)
            tokens += rollout_episode(r, t, e)->size;
        if (r->count[t] == 0)
            continue;
        replay_begin_group(replay, r->count[t], tokens);
        for (int e = 0; e < r->count[t]; e++) {
            struct episode episode = *rollout_episode(r, t, e);
            const float *own = r->log_probability + place(r, t, e) * ((size_t)r->code_limit + 1);
            episode.iteration = iteration;
            replay_push(replay, &episode, rollout_code(r, t, e), episode.has_log_probability ? own : NULL);
        }
    }
}

int rollout_total(const struct rollout *r) {
    int total = 0;
    for (int t = 0; t < r->texts; t++)
        total += r->count[t];
    return total;
}
