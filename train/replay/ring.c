/* Rings of numbers, and packed token ids. */
#include "train/replay/ring.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool ring_open(struct ring *ring, uint64_t capacity, size_t width) {
    assert(capacity > 0);
    *ring = (struct ring){.data = calloc(capacity, width), .width = width, .capacity = capacity};
    return ring->data != NULL;
}

void ring_close(struct ring *ring) {
    free(ring->data);
    *ring = (struct ring){0};
}

void ring_empty(struct ring *ring) {
    ring->begin = ring->end = 0;
}

uint64_t ring_count(const struct ring *ring) {
    return ring->end - ring->begin;
}

uint64_t ring_free(const struct ring *ring) {
    return ring->capacity - ring_count(ring);
}

struct ring_pieces ring_at(const struct ring *ring, uint64_t place, uint64_t count) {
    assert(place >= ring->begin && place <= ring->end && count <= ring->end - place);
    uint64_t from = place % ring->capacity, straight = ring->capacity - from;
    uint64_t head = count < straight ? count : straight;
    return (struct ring_pieces){{ring->data + from * ring->width, ring->data}, {head, count - head}};
}

struct ring_pieces ring_extend(struct ring *ring, uint64_t count) {
    assert(count <= ring_free(ring));
    uint64_t place = ring->end;
    ring->end += count;
    return ring_at(ring, place, count);
}

void ring_drop(struct ring *ring, uint64_t place) {
    assert(place >= ring->begin && place <= ring->end);
    ring->begin = place;
}

size_t tokens_width(int vocabulary) {
    return vocabulary <= UINT16_MAX + 1 ? sizeof(uint16_t) : sizeof(uint32_t);
}

void tokens_pack(uint8_t *to, size_t width, const int32_t *ids, size_t count) {
    if (width == sizeof *ids) {
        memcpy(to, ids, count * sizeof *ids);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint16_t id = (uint16_t)ids[i];
        memcpy(to + i * sizeof id, &id, sizeof id);
    }
}

void tokens_unpack(int32_t *ids, const uint8_t *from, size_t width, size_t count) {
    if (width == sizeof *ids) {
        memcpy(ids, from, count * sizeof *ids);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint16_t id;
        memcpy(&id, from + i * sizeof id, sizeof id);
        ids[i] = id;
    }
}

bool tokens_are_known(const uint8_t *packed, size_t width, uint64_t count, int vocabulary) {
    for (uint64_t i = 0; i < count; i++) {
        int32_t id;
        tokens_unpack(&id, packed + i * width, width, 1);
        if (id < 0 || id >= vocabulary)
            return false;
    }
    return true;
}
