/* Behaviour policies that change the best code so far (rl.goal): one edit each, and several that succeeded
 * made together. */
#include <stdlib.h>
#include <string.h>
#include "train/acting/behaviour.h"

/* Tokens of the base that an edit takes up. */
static int edit_width(const struct edit *edit) {
    return edit->kind == EDIT_MERGE || edit->kind == EDIT_SWAP ? 2 : 1;
}

/* Writes `code` with an edit at some of its places; at[place] NULL: none. The new size. */
static int apply_edits(const int32_t *code, int size, const struct edit *const *at, int32_t *out) {
    int left = 0;
    for (int i = 0; i < size; i++) {
        const struct edit *edit = at[i];
        if (!edit) {
            out[left++] = code[i];
            continue;
        }
        if (edit->kind == EDIT_MERGE || edit->kind == EDIT_REPLACE)
            out[left++] = edit->id;
        if (edit->kind == EDIT_SWAP) {
            out[left++] = code[i + 1];
            out[left++] = code[i];
        }
        i += edit_width(edit) - 1;
    }
    return left;
}

/* The base of text t with one edit. */
static void propose_edit(struct rollout *r, int t, int policy, struct edit edit) {
    struct edit_scratch *s = r->edit_scratch;
    int size = rollout_episode(r, t, r->base[t])->size;
    memset(s->at, 0, (size_t)size * sizeof *s->at);
    s->at[edit.place] = &edit;
    int left = apply_edits(rollout_code(r, t, r->base[t]), size, s->at, s->changed);
    rollout_propose(r, t, &(struct proposal){policy, left, s->changed, NULL, edit, false});
}

/* Calls `edit_at` for the places of the base in random order until `count` edits were made. */
typedef bool edit_at(struct actor *actor, const int32_t *code, int size, struct edit *edit);

static void propose_edits(struct actor *actor, struct rollout *r, const struct request *request,
                          edit_at *make) {
    for (int t = 0; t < r->texts; t++) {
        if (!request->texts[t] || r->base[t] < 0)
            continue;
        int size = rollout_episode(r, t, r->base[t])->size, *order = r->edit_scratch->order, made = 0;
        for (int i = 0; i < size; i++)
            order[i] = i;
        for (int i = 0; i < size && made < request->count; i++) {
            int other = i + (int)rng_below(actor->rng, (uint64_t)(size - i));
            struct edit edit = {.place = order[other]};
            order[other] = order[i];
            if (make(actor, rollout_code(r, t, r->base[t]), size, &edit)) {
                propose_edit(r, t, request->policy, edit);
                made++;
            }
        }
    }
}

static bool delete_at(struct actor *actor, const int32_t *code, int size, struct edit *edit) {
    (void)actor, (void)code, (void)size;
    edit->kind = EDIT_DELETE;
    return true;
}

static bool merge_at(struct actor *actor, const int32_t *code, int size, struct edit *edit) {
    if (edit->place + 1 >= size)
        return false;
    edit->kind = EDIT_MERGE;
    edit->id = pair_symbol(actor->environment->symbols, code[edit->place], code[edit->place + 1]);
    return edit->id >= 0;
}

static bool replace_at(struct actor *actor, const int32_t *code, int size, struct edit *edit) {
    int vocabulary = tokenizer_vocabulary(&actor->environment->pair->tokenizer);
    (void)code, (void)size;
    edit->kind = EDIT_REPLACE;
    edit->id = TOKEN_BYTE + (int32_t)rng_below(actor->rng, (uint64_t)(vocabulary - TOKEN_BYTE));
    return true;
}

static bool swap_at(struct actor *actor, const int32_t *code, int size, struct edit *edit) {
    (void)actor;
    edit->kind = EDIT_SWAP;
    return edit->place + 1 < size && code[edit->place] != code[edit->place + 1];
}

void propose_deletion(struct actor *actor, struct rollout *r, const struct request *request) {
    propose_edits(actor, r, request, delete_at);
}

void propose_merge(struct actor *actor, struct rollout *r, const struct request *request) {
    propose_edits(actor, r, request, merge_at);
}

void propose_replacement(struct actor *actor, struct rollout *r, const struct request *request) {
    propose_edits(actor, r, request, replace_at);
}

void propose_swap(struct actor *actor, struct rollout *r, const struct request *request) {
    propose_edits(actor, r, request, swap_at);
}

static int by_loss(const void *a, const void *b) {
    const struct scored_edit *x = a, *y = b;
    if (x->nll != y->nll)
        return x->nll < y->nll ? -1 : 1;
    return x->edit->place - y->edit->place;
}

/* Whether an edit may be combined with others: it made the code better. */
static bool succeeded(const struct rollout *r, int t, const struct episode *episode, enum ranking ranking) {
    struct merit candidate = episode_merit(episode);
    struct merit base = episode_merit(rollout_episode(r, t, r->base[t]));
    return ranking_prefers(ranking, &candidate, &base);
}

/* The single edits of this round that shortened text t's base and succeeded, by rising loss. */
static int list_successes(const struct rollout *r, int t, enum ranking ranking) {
    struct scored_edit *successes = r->edit_scratch->successes;
    int found = 0, most = (int)(sizeof r->edit_scratch->successes / sizeof *successes);
    for (int e = r->round[t]; e < r->scored[t] && found < most; e++) {
        const struct episode *episode = rollout_episode(r, t, e);
        const struct edit *edit = rollout_edit(r, t, e);
        if (succeeded(r, t, episode, ranking) && (edit->kind == EDIT_DELETE || edit->kind == EDIT_MERGE))
            successes[found++] = (struct scored_edit){edit, episode->nll};
    }
    qsort(successes, (size_t)found, sizeof *successes, by_loss);
    return found;
}

/* Whether the tokens of an edit are still untouched; if so they are taken. */
static bool take_places(bool *taken, const struct edit *edit) {
    for (int i = 0; i < edit_width(edit); i++)
        if (taken[edit->place + i])
            return false;
    for (int i = 0; i < edit_width(edit); i++)
        taken[edit->place + i] = true;
    return true;
}

/* The 2, 3, ... edits of lowest loss made together, spread evenly over `count` proposals up to all of them.
 */
static void combine(struct rollout *r, int t, const struct request *request, enum ranking ranking) {
    struct edit_scratch *s = r->edit_scratch;
    int found = list_successes(r, t, ranking), fitting = 0;
    int size = rollout_episode(r, t, r->base[t])->size;
    memset(s->at, 0, (size_t)size * sizeof *s->at);
    memset(s->taken, 0, (size_t)size * sizeof *s->taken);
    for (int i = 0; i < found; i++)
        if (take_places(s->taken, s->successes[i].edit))
            s->chosen[fitting++] = s->successes[i].edit;
    int proposals = fitting - 1 < request->count ? fitting - 1 : request->count, made = 0;
    for (int p = 1; p <= proposals; p++) {
        int together = 1 + (fitting - 1) * p / proposals;
        for (; made < together; made++)
            s->at[s->chosen[made]->place] = s->chosen[made];
        int left = apply_edits(rollout_code(r, t, r->base[t]), size, s->at, s->changed);
        rollout_propose(r, t,
                        &(struct proposal){.policy = request->policy, .size = left, .code = s->changed});
    }
}

void propose_combination(struct actor *actor, struct rollout *r, const struct request *request) {
    enum ranking ranking = ranking_of_search(actor->environment->settings);
    for (int t = 0; t < r->texts; t++)
        if (request->texts[t] && r->base[t] >= 0)
            combine(r, t, request, ranking);
}
