/* A ring of numbers of one width, fixed in size, and token ids packed into as few bytes as they need.
 *
 * An element is named by its place, counted since the ring was emptied: places never wrap, only the memory
 * behind them does. */
#ifndef LACONIC_TRAIN_REPLAY_RING_H
#define LACONIC_TRAIN_REPLAY_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
    uint8_t *data;       /* [capacity, width] */
    size_t width;        /* bytes of an element */
    uint64_t capacity;   /* elements */
    uint64_t begin, end; /* held: begin <= place < end <= begin + capacity */
};

/* Places that follow each other lie in at most two pieces of memory; the second is often empty. */
struct ring_pieces {
    uint8_t *data[2];
    uint64_t count[2]; /* elements */
};

bool ring_open(struct ring *ring, uint64_t capacity, size_t width); /* false: no memory */
void ring_close(struct ring *ring);
void ring_empty(struct ring *ring);
uint64_t ring_free(const struct ring *ring);  /* elements that still fit */
uint64_t ring_count(const struct ring *ring); /* elements held */

/* Makes `count` <= ring_free() further places; the first of them is the old ring->end. The caller fills them.
 */
struct ring_pieces ring_extend(struct ring *ring, uint64_t count);
struct ring_pieces ring_at(const struct ring *ring, uint64_t place, uint64_t count);
/* Lets go of everything before `place`. */
void ring_drop(struct ring *ring, uint64_t place);

/* Bytes of a packed id: 2 or 4. */
size_t tokens_width(int vocabulary);
void tokens_pack(uint8_t *to, size_t width, const int32_t *ids, size_t count);
void tokens_unpack(int32_t *ids, const uint8_t *from, size_t width, size_t count);
/* Whether all packed ids are below the vocabulary. */
bool tokens_are_known(const uint8_t *packed, size_t width, uint64_t count, int vocabulary);

#endif
