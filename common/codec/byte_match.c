/* The log of bytes and the match in it. */
#include "codec/byte_match.h"

enum { ENTRY_BITS = 24, LENGTH_LIMIT = 65535 };

static const uint32_t ENTRY_MASK = (UINT32_C(1) << ENTRY_BITS) - 1;

/* Multiplying by an odd number << shift lets a byte leave the hash when 64 / shift more have come. */
static const struct {
    uint64_t multiplier;
    uint32_t length;
} hashing[MATCH_LENGTHS] = {{UINT64_C(0x2C1B3C6D) << 4, 16}, {UINT64_C(0x297A2D39) << 11, 6}};

int match_class(uint32_t length) {
    if (length < 16)
        return (int)length;
    if (length < 32)
        return (int)(16 + (length - 16) / 4);
    if (length < 64)
        return (int)(20 + (length - 32) / 8);
    return length < 512 ? (int)(24 + (length - 64) / 64) : 31;
}

int match_expected(const struct match_log *log, const struct match_state *state) {
    return state->predicted ? (int)(log->entries[state->predicted] >> ENTRY_BITS) : -1;
}

static uint64_t spread(uint64_t hash) {
    return hash * UINT64_C(0x9E3779B97F4A7C15);
}

static uint32_t *head_of(const struct match_log *log, uint64_t hash, int which) {
    return &log->heads[which][spread(hash) >> (65 - log->bits)];
}

static uint32_t check_of(uint64_t hash) {
    return (uint32_t)(spread(hash) >> 24) << ENTRY_BITS;
}

static void follow(const struct match_log *log, struct match_state *state, int byte) {
    if (match_expected(log, state) == byte) {
        if (state->length < LENGTH_LIMIT)
            state->length++;
        if (state->length % 16 == 0 && state->wrong > 0)
            state->wrong--;
    } else {
        state->length /= 4;
        state->wrong++;
    }
    state->predicted = state->wrong < MATCH_WRONG ? log->entries[state->predicted] & ENTRY_MASK : 0;
}

/* The longer context first; only a match longer than the present one takes its place. */
static void look_up(const struct match_log *log, struct match_state *state) {
    for (int which = 0; which < MATCH_LENGTHS && state->length < hashing[which].length; which++) {
        uint32_t head = *head_of(log, state->hashes[which], which), entry = head & ENTRY_MASK;
        uint32_t next = log->entries[entry] & ENTRY_MASK;
        if (next && (head ^ check_of(state->hashes[which])) >> ENTRY_BITS == 0) {
            state->predicted = next;
            state->length = hashing[which].length;
            state->wrong = 0;
            return;
        }
    }
}

static uint64_t hash_on(uint64_t hash, int which, int byte) {
    return hash * hashing[which].multiplier + (uint64_t)byte + 1;
}

void match_prefetch(const struct match_log *log, const struct match_state *state, int byte) {
    for (int which = 0; which < MATCH_LENGTHS; which++)
        __builtin_prefetch(head_of(log, hash_on(state->hashes[which], which, byte), which), 1);
}

void match_follow(const struct match_log *log, struct match_state *state, int byte) {
    for (int which = 0; which < MATCH_LENGTHS; which++)
        state->hashes[which] = hash_on(state->hashes[which], which, byte);
    if (state->predicted)
        follow(log, state, byte);
    if (!state->predicted)
        state->length = state->wrong = 0;
    look_up(log, state);
}

/* Number 0 means none, so the ring leaves it out. */
static uint32_t next_entry(struct match_log *log) {
    log->last = log->last + 1 < UINT32_C(1) << log->bits ? log->last + 1 : 1;
    return log->last;
}

void match_append(struct match_log *log, struct match_state *state, int byte) {
    uint32_t entry = next_entry(log);
    log->entries[entry] = (uint32_t)byte << ENTRY_BITS;
    if (state->previous)
        log->entries[state->previous] = (log->entries[state->previous] & ~ENTRY_MASK) | entry;
    state->previous = entry;
    match_follow(log, state, byte);
    for (int which = 0; which < MATCH_LENGTHS; which++)
        *head_of(log, state->hashes[which], which) = check_of(state->hashes[which]) | entry;
}
