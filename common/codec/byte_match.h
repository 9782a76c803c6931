/* The longest match: what followed the last time the same bytes stood here, in any stream.
 *
 * Streams are coded in lock step, so their bytes lie interleaved in one log; each entry leads to the next of
 * its stream. Two tables find the latest entry by a hash of the last 6 and of the last 16 bytes. A match is
 * followed through up to three wrong bytes, so that text with small changes stays found.
 */
#ifndef LACONIC_CODEC_BYTE_MATCH_H
#define LACONIC_CODEC_BYTE_MATCH_H

#include <stdint.h>

enum {
    MATCH_LENGTHS = 2,
    MATCH_CLASSES = 32, /* of lengths */
    MATCH_WRONG = 4     /* so many wrong bytes end a match */
};

/* The log and its tables, all streams': the arrays belong to the caller. */
struct match_log {
    int bits;                       /* 1 << bits entries, of which number 0 stays empty */
    uint32_t last;                  /* entry written last */
    uint32_t *entries;              /* byte << 24 | next entry of the same stream, 0: none yet */
    uint32_t *heads[MATCH_LENGTHS]; /* [1 << (bits - 1)]: check << 24 | entry */
};

/* One stream's part; all zero at its start. */
struct match_state {
    uint64_t hashes[MATCH_LENGTHS]; /* of the last 16 and of the last 6 bytes */
    uint32_t previous;              /* entry of the last byte, 0: none */
    uint32_t predicted;             /* entry of the byte expected next, 0: no match */
    uint32_t length;                /* bytes that agreed, cut where one was wrong */
    uint32_t wrong;                 /* bytes that were wrong, 0 .. MATCH_WRONG - 1 */
};

/* The byte expected next; -1 when there is no match. */
int match_expected(const struct match_log *log, const struct match_state *state);
/* 0 .. MATCH_CLASSES - 1 */
int match_class(uint32_t length);

/* Asks the memory ahead of time for what match_append will look at. */
void match_prefetch(const struct match_log *log, const struct match_state *state, int byte);

/* Follows the match with the byte that came, or looks for one. Without writing: for prices. */
void match_follow(const struct match_log *log, struct match_state *state, int byte);
/* The same after the byte has been put into the log. */
void match_append(struct match_log *log, struct match_state *state, int byte);

#endif
