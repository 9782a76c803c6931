/* Text to token ids and back, reversible for every byte string.
 *
 * Ids follow ByT5 (Xue et al. 2021): pad 0, eos 1, unk 2, byte b is b + 3. Ids from 259 on are extra tokens:
 * those below 259 + merge_count stand for learned byte-pair merges (Sennrich et al. 2016, on raw bytes), the
 * rest have no bytes and serve as free symbols of the intermediate representation.
 *
 * An open tokenizer does not change: several threads may use it at once. Sizes are bytes, counts are ids.
 */
#ifndef LACONIC_TEXT_TOKENIZER_H
#define LACONIC_TEXT_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>
#include "base/status.h"

enum { TOKEN_PAD = 0, TOKEN_EOS = 1, TOKEN_UNK = 2, TOKEN_BYTE = 3, TOKEN_EXTRA = 259 };

struct tokenizer_merge {
    int32_t left, right; /* token 259 + i stands for left followed by right, both < 259 + i */
};

/* Opaque outside text/ but for the counts; all memory owned, freed by tokenizer_free(). */
struct tokenizer {
    int extra;       /* tokens from 259 on: vocabulary is 259 + extra */
    int merge_count; /* <= extra; 0: plain bytes */
    struct tokenizer_merge *merges;
    uint32_t *piece_start; /* [vocabulary + 1] into piece_bytes */
    uint8_t *piece_bytes;
    uint64_t *pair_key; /* open-addressing table (left, right) -> merge */
    int32_t *pair_merge;
    uint32_t pair_mask;
    struct piece_tree *tree; /* of all pieces (shortest.h) */
};

enum status tokenizer_open_bytes(struct tokenizer *tokenizer, int extra);
/* Takes a copy of the merges. Refuses (STATUS_FORMAT) ids that are out of order or out of range. */
enum status tokenizer_open_merges(struct tokenizer *tokenizer, const struct tokenizer_merge *merges,
                                  int count, int extra);
void tokenizer_free(struct tokenizer *tokenizer);
int tokenizer_vocabulary(const struct tokenizer *tokenizer);

/* ids [size]. Returns how many were written; no end token is added. */
size_t tokenizer_encode(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t size, int32_t *ids);

/* The same bytes in the fewest tokens that any choice of the vocabulary's pieces allows, whatever the order
 * of the merges. Of equally short encodings the one whose first token is the longest, among those the one
 * whose second is the longest, and so on; of ids with the same bytes the smallest. So the result is unique.
 * Takes a few steps per byte for every piece that begins there, and no memory but some of the stack. */
size_t tokenizer_encode_shortest(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t size,
                                 int32_t *ids);

/* Writes at most `capacity` bytes and returns how many the ids stand for (may be more than that: then the
 * output is incomplete). Ids without bytes (pad, eos, unk, free symbols, out of range) stand for nothing. */
size_t tokenizer_decode(const struct tokenizer *tokenizer, const int32_t *ids, size_t count, uint8_t *bytes,
                        size_t capacity);

/* The bytes of one id, owned by the tokenizer; *size 0 where it has none. */
const uint8_t *tokenizer_piece(const struct tokenizer *tokenizer, int32_t id, size_t *size);

/* Learns up to `merges` merges, the most frequent adjacent pair first (ties: the smaller ids), never across
 * the chunk ends: chunk i is bytes[ends[i-1] .. ends[i]). Stops early when no pair occurs twice. Then the
 * tokenizer has `extra` >= merges extra tokens. */
enum status bpe_learn(struct tokenizer *tokenizer, const uint8_t *bytes, const uint64_t *ends,
                      size_t chunk_count, int merges, int extra);

#endif
