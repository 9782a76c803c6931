/* What the context-mixing model (byte_model.h) has seen of bits, by context.
 *
 * A slot counts the bits seen at one node of a byte's tree of bits in one context. The nodes of half a byte,
 * 15 of them, lie together in a bucket of one cache line; buckets are found by a hash of context and half
 * byte, in a table whose size never changes. A context that finds no place of its own takes the less used of
 * two. An estimate is the probability of a 1 among everything that was mapped to it, finer than a slot's.
 */
#ifndef LACONIC_CODEC_BYTE_SLOTS_H
#define LACONIC_CODEC_BYTE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BUCKET_SLOTS = 15, /* nodes of a tree of four bits */
    SLOT_SEEN_LIMIT = 250,
    SLOT_EVEN = 1 << 15,      /* the probability 1/2 of a slot */
    SLOT_HISTORY_LONG = 128,  /* from here on a history has its seven bits */
    ESTIMATE_SEEN_LIMIT = 255 /* slower than this no estimate learns, so that it follows the text */
};

struct slot {
    uint16_t one;    /* probability of a 1 in 1/65536 */
    uint8_t seen;    /* bits seen, up to SLOT_SEEN_LIMIT */
    uint8_t history; /* the last bits, at most seven, behind a leading 1 */
};

struct bucket {
    struct slot slots[BUCKET_SLOTS]; /* node n of the half byte, 1 .. 15, at n - 1 */
    uint16_t check;                  /* of the context and half byte; 0: empty */
    uint16_t unused;
};

/* The upper 22 bits: probability of a 1; the lower 10: how often it learned. */
typedef uint32_t estimate;

/* 65536 / (2 n + 3): a probability that has seen n bits moves 2 / (2 n + 3) of its error, in 1/32768. */
struct slot_rates {
    uint16_t rate[256];
};
void slot_rates_fill(struct slot_rates *rates);

/* The bucket of a context and half byte (0 before the first half; 16 to 31, the node, before the second) in
 * a table of 1 << bits buckets. Not found: a new one in place of the less used of two when `take`, else
 * NULL. */
struct bucket *slots_find(struct bucket *table, int bits, uint32_t context, uint32_t half, bool take);
/* Asks the memory for it ahead of time. */
void slots_prefetch(const struct bucket *table, int bits, uint32_t context, uint32_t half);

extern const struct bucket slots_unseen; /* a bucket nothing was seen in */

static inline void slot_learn(struct slot *slot, const struct slot_rates *rates, int bit) {
    slot->one = (uint16_t)(slot->one + ((bit ? 65535 : 0) - slot->one) * rates->rate[slot->seen] / 32768);
    slot->seen = (uint8_t)(slot->seen + (slot->seen < SLOT_SEEN_LIMIT));
    slot->history = (uint8_t)((slot->history * 2 + bit) | (slot->history & SLOT_HISTORY_LONG));
}

static inline estimate estimate_make(uint32_t one, uint32_t seen) { /* one in 1/65536 */
    return one << 16 | seen;
}

static inline int estimate_one(estimate e) { /* in 1/65536 */
    return (int)(e >> 16);
}

static inline void estimate_learn(estimate *e, const struct slot_rates *rates, int bit) {
    int32_t one = (int32_t)(*e >> 10), seen = (int32_t)(*e & 1023);
    one += (int32_t)((int64_t)((bit ? (1 << 22) - 1 : 0) - one) * rates->rate[seen] / 32768);
    *e = (uint32_t)one << 10 | (uint32_t)(seen + (seen < ESTIMATE_SEEN_LIMIT));
}

#endif
