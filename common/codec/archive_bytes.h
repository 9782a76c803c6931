/* Numbers and checks of an archive's bytes (private to archive*.c, note.c and codec_range.c). */
#ifndef LACONIC_CODEC_ARCHIVE_BYTES_H
#define LACONIC_CODEC_ARCHIVE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <xxhash.h>
#include "codec/archive.h"

enum {
    MAGIC_SIZE = 4,
    CHECK_SIZE = 4,
    HASH_SIZE = 8,
    HEADER_SIZE = 39,
    HEADER_CHECKED = 35,
    /* flags of the header */
    FLAG_NO_CHECK = 1,
    FLAG_SEEK_TABLE = 2,
    /* in a block's method byte: the models start anew before this block */
    METHOD_RESTART = 0x80
};

static const uint8_t archive_magic[MAGIC_SIZE] = {'L', 'C', 'N', 0x1A};

static inline void put_little_endian(uint8_t *bytes, int size, uint64_t value) {
    for (int i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

static inline uint64_t get_little_endian(const uint8_t *bytes, int size) {
    uint64_t value = 0;
    for (int i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

/* The low half of XXH64; `seed` chains pieces. */
static inline uint32_t check_of(const void *bytes, size_t size, uint64_t seed) {
    return (uint32_t)XXH64(bytes, size, seed);
}

/* Adds one group of a varint; returns false when the number is finished or wrong, which *good tells. */
static inline bool add_varint_group(uint64_t *value, int group, uint8_t byte, bool *good) {
    bool last_possible = group == ARCHIVE_VARINT_MAXIMUM - 1;
    *value |= (uint64_t)(byte & 0x7F) << 7 * group;
    *good = !(last_possible && byte > 1) && !(group > 0 && byte == 0);
    return *good && byte >= 0x80;
}

#endif
