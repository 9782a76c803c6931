/* What tokenizer.c and bpe.c share: limits of learned merges, and the two encoders that must agree. */
#ifndef LACONIC_TEXT_MERGES_H
#define LACONIC_TEXT_MERGES_H

#include <stdbool.h>
#include "text/tokenizer.h"

enum {
    PIECE_MAXIMUM = 4096,      /* bytes of one token: no chunk is longer */
    EXTRA_MAXIMUM = 1 << 20,   /* extra tokens of one vocabulary */
    PIECES_MAXIMUM = 256 << 20 /* bytes of all tokens together */
};

/* Encodes with a heap of adjacent pairs, in O(n log n); heap [2 * size]. */
size_t encode_with_heap(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t size, int32_t *ids,
                        uint64_t *heap);

/* The plain twin: one pass over the ids per merge that occurs. No memory but `ids`. */
size_t encode_in_passes(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t size, int32_t *ids);

#endif
