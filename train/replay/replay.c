/* The replay buffer: its memory, and the episodes' way in and out. */
#include "train/replay/replay.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

static bool add_product(uint64_t *sum, uint64_t count, uint64_t each) {
    uint64_t product;
    return !__builtin_mul_overflow(count, each, &product) && !__builtin_add_overflow(*sum, product, sum) &&
           *sum <= PTRDIFF_MAX;
}

/* Of all arrays together; false when no memory has that many addresses. */
static bool count_bytes(const struct replay_size *size, uint64_t *bytes) {
    uint64_t episodes = (uint64_t)size->episodes, tokens = (uint64_t)size->tokens,
             best = (uint64_t)size->best, width = tokens_width(size->vocabulary);
    *bytes = 0;
    return add_product(bytes, episodes, sizeof(struct episode) + sizeof(struct replay_place)) &&
           add_product(bytes, tokens, width) && add_product(bytes, tokens, sizeof(float)) &&
           add_product(bytes, episodes, sizeof(float)) &&
           add_product(bytes, best, sizeof(struct best_code) + sizeof(int64_t)) &&
           add_product(bytes, best, (uint64_t)size->code_limit * width);
}

enum status replay_open(struct replay *r, const struct replay_size *size) {
    assert(size->episodes > 0 && size->tokens > 0 && size->vocabulary > 0 && size->code_limit > 0 &&
           size->best >= 0);
    *r = (struct replay){.size = *size};
    if (!count_bytes(size, &r->reserved)) {
        *r = (struct replay){0};
        return fail(STATUS_LIMIT,
                    "a replay buffer of %lld episodes, %lld tokens and %lld best codes is larger than any "
                    "memory: lower replay.capacity",
                    (long long)size->episodes, (long long)size->tokens, (long long)size->best);
    }
    uint64_t values = (uint64_t)size->tokens + (uint64_t)size->episodes; /* an end token each */
    size_t width = tokens_width(size->vocabulary);
    r->episodes = calloc((size_t)size->episodes, sizeof *r->episodes);
    r->places = calloc((size_t)size->episodes, sizeof *r->places);
    if (r->episodes && r->places && ring_open(&r->codes, (uint64_t)size->tokens, width) &&
        ring_open(&r->log_probability, values, sizeof(float)) &&
        best_codes_open(&r->best, size->best, size->code_limit, width))
        return STATUS_OK;
    enum status status = fail(
        STATUS_MEMORY,
        "no memory for a replay buffer of %lld episodes, %lld tokens and %lld best codes (%.1f GB): "
        "lower replay.capacity",
        (long long)size->episodes, (long long)size->tokens, (long long)size->best, (double)r->reserved / 1e9);
    replay_close(r);
    return status;
}

void replay_close(struct replay *r) {
    free(r->episodes);
    free(r->places);
    ring_close(&r->codes);
    ring_close(&r->log_probability);
    best_codes_close(&r->best);
    *r = (struct replay){0};
}

void replay_empty(struct replay *r) {
    r->first = r->count = r->accepted = r->tried = 0;
    r->groups = 0;
    r->highest_is_known = false;
    ring_empty(&r->codes);
    ring_empty(&r->log_probability);
    best_codes_empty(&r->best);
}

/* ---- in and out ---- */

static size_t slot_of(const struct replay *r, int64_t i) {
    return (size_t)((r->first + i) % r->size.episodes);
}

const struct episode *replay_at(const struct replay *r, int64_t i) {
    return &r->episodes[slot_of(r, i)];
}

static void drop_oldest(struct replay *r) {
    const struct episode *e = replay_at(r, 0);
    const struct replay_place *place = &r->places[slot_of(r, 0)];
    ring_drop(&r->codes, place->code + (uint64_t)e->size);
    ring_drop(&r->log_probability,
              place->log_probability + (e->has_log_probability ? (uint64_t)e->size + 1 : 0));
    if (!(e->reward < r->highest))
        r->highest_is_known = false;
    r->first = (r->first + 1) % r->size.episodes;
    r->count--;
}

static void drop_oldest_group(struct replay *r) {
    uint64_t group = replay_at(r, 0)->group;
    while (r->count > 0 && replay_at(r, 0)->group == group)
        drop_oldest(r);
}

void replay_begin_group(struct replay *r, int episodes, int64_t tokens) {
    assert(episodes <= r->size.episodes && tokens <= r->size.tokens);
    while (r->count + episodes > r->size.episodes || ring_free(&r->codes) < (uint64_t)tokens)
        drop_oldest_group(r);
    r->groups++;
}

static void push_code(struct replay *r, const int32_t *code, size_t size) {
    struct ring_pieces to = ring_extend(&r->codes, size);
    tokens_pack(to.data[0], r->codes.width, code, to.count[0]);
    tokens_pack(to.data[1], r->codes.width, code + to.count[0], to.count[1]);
}

static void push_log_probability(struct replay *r, const float *values, size_t size) {
    struct ring_pieces to = ring_extend(&r->log_probability, size);
    memcpy(to.data[0], values, to.count[0] * sizeof *values);
    memcpy(to.data[1], values + to.count[0], to.count[1] * sizeof *values);
}

/* A group is about one text. */
static bool is_about_its_group(const struct replay *r, const struct episode *episode) {
    const struct episode *before = r->count > 0 ? replay_at(r, r->count - 1) : NULL;
    return !before || before->group != r->groups || before->text == episode->text;
}

void replay_push(struct replay *r, const struct episode *episode, const int32_t *code,
                 const float *log_probability) {
    assert(r->count < r->size.episodes && episode->size >= 0 && episode->size <= r->size.code_limit);
    assert(episode->policy >= 0 && episode->policy < POLICIES_MAXIMUM);
    assert(episode->iteration >= 0 && is_about_its_group(r, episode));
    size_t slot = slot_of(r, r->count++), size = (size_t)episode->size;
    r->episodes[slot] = *episode;
    r->episodes[slot].group = r->groups;
    r->episodes[slot].has_log_probability = log_probability != NULL;
    r->places[slot] = (struct replay_place){r->codes.end, r->log_probability.end};
    push_code(r, code, size);
    if (log_probability)
        push_log_probability(r, log_probability, size + 1);
    r->highest = fmaxf(r->highest, episode->reward);
    if (episode->exact)
        best_codes_offer(&r->best, &(struct best_code){episode->text, episode->size, episode->nll}, code);
}

void replay_code(const struct replay *r, int64_t i, int32_t *ids) {
    size_t slot = slot_of(r, i);
    struct ring_pieces from = ring_at(&r->codes, r->places[slot].code, (uint64_t)r->episodes[slot].size);
    tokens_unpack(ids, from.data[0], r->codes.width, from.count[0]);
    tokens_unpack(ids + from.count[0], from.data[1], r->codes.width, from.count[1]);
}

bool replay_log_probability(const struct replay *r, int64_t i, float *to) {
    size_t slot = slot_of(r, i);
    if (!r->episodes[slot].has_log_probability)
        return false;
    struct ring_pieces from =
        ring_at(&r->log_probability, r->places[slot].log_probability, (uint64_t)r->episodes[slot].size + 1);
    memcpy(to, from.data[0], from.count[0] * sizeof *to);
    memcpy(to + from.count[0], from.data[1], from.count[1] * sizeof *to);
    return true;
}

/* ---- the best code of a text ---- */

static void best_at(const struct replay *r, int64_t entry, int32_t *ids, int *size) {
    *size = r->best.entries[entry].size;
    tokens_unpack(ids, best_codes_tokens(&r->best, entry), r->best.width, (size_t)*size);
}

bool replay_best(const struct replay *r, uint64_t text, int32_t *ids, int *size) {
    int64_t entry = best_codes_find(&r->best, text);
    if (entry >= 0)
        best_at(r, entry, ids, size);
    return entry >= 0;
}

void replay_forget_best(struct replay *r, uint64_t text) {
    best_codes_forget(&r->best, text);
}

bool replay_draw_best(const struct replay *r, struct rng *rng, uint64_t *text, int32_t *ids, int *size) {
    if (r->best.count == 0)
        return false;
    int64_t entry = (int64_t)rng_below(rng, (uint64_t)r->best.count);
    *text = r->best.entries[entry].text;
    best_at(r, entry, ids, size);
    return true;
}
