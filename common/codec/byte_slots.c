/* Where a context's slots are. */
#include "codec/byte_slots.h"

#define UNSEEN                                                                                               \
    { .one = SLOT_EVEN, .history = 1 }
const struct bucket slots_unseen = {.slots = {UNSEEN, UNSEEN, UNSEEN, UNSEEN, UNSEEN, UNSEEN, UNSEEN, UNSEEN,
                                              UNSEEN, UNSEEN, UNSEEN, UNSEEN, UNSEEN, UNSEEN, UNSEEN}};

_Static_assert(sizeof(struct bucket) == 64, "a bucket is a cache line");

void slot_rates_fill(struct slot_rates *rates) {
    for (int n = 0; n < 256; n++)
        rates->rate[n] = (uint16_t)(65536 / (2 * n + 3));
}

/* The top bits are the place, others the check. */
static uint64_t hash_of(uint32_t context, uint32_t half) {
    return ((uint64_t)context << 5 | half) * UINT64_C(0x9E3779B97F4A7C15);
}

void slots_prefetch(const struct bucket *table, int bits, uint32_t context, uint32_t half) {
    __builtin_prefetch(&table[hash_of(context, half) >> (64 - bits)]);
}

struct bucket *slots_find(struct bucket *table, int bits, uint32_t context, uint32_t half, bool take) {
    uint64_t hash = hash_of(context, half);
    uint16_t check = (uint16_t)(hash >> 24 | 1);
    struct bucket *here = &table[hash >> (64 - bits)];
    if (here->check == check)
        return here;
    struct bucket *other = &table[hash >> (64 - bits) ^ 1];
    if (other->check == check)
        return other;
    if (!take)
        return NULL;
    if (other->slots[0].seen < here->slots[0].seen)
        here = other;
    *here = slots_unseen;
    here->check = check;
    return here;
}
