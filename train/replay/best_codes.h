/* The shortest exact code of a text, kept after its episode left the replay: a table of fixed size.
 *
 * The hash of a text names its slot, and a slot holds one text. Of two texts with one slot the newer stays,
 * so that a table smaller than the training split forgets the texts that were met longest ago, more or less.
 */
#ifndef LACONIC_TRAIN_REPLAY_BEST_CODES_H
#define LACONIC_TRAIN_REPLAY_BEST_CODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct best_code {
    uint64_t text;
    int32_t tokens; /* of z */
    float nll;      /* of x given z, when it was scored */
};

struct best_codes {
    int64_t capacity, count;   /* entries; those filled stand first, without gaps */
    int code_limit;            /* tokens of an entry */
    size_t width;              /* bytes of a packed token */
    struct best_code *entries; /* [capacity] */
    uint8_t *codes;            /* [capacity, code_limit, width] */
    int64_t *slots;            /* [capacity] by hash: entry + 1, or 0 */
};

/* capacity 0 makes a table that keeps nothing. false: no memory. */
bool best_codes_open(struct best_codes *best, int64_t capacity, int code_limit, size_t width);
void best_codes_close(struct best_codes *best);
void best_codes_empty(struct best_codes *best);

/* An exact code: kept when the text's slot is free or holds another text, when it is shorter than the one
 * that stands there, and when it is as short at a lower negative log-likelihood. */
void best_codes_offer(struct best_codes *best, const struct best_code *code, const int32_t *ids);
/* Frees the slot of a text, if it holds this text; the last entry moves into the gap. */
void best_codes_forget(struct best_codes *best, uint64_t text);

int64_t best_codes_find(const struct best_codes *best, uint64_t text); /* entry, or -1 */
/* The packed tokens of an entry. */
uint8_t *best_codes_tokens(const struct best_codes *best, int64_t entry);

#endif
