/* Symbols for pairs: a shorter code than byte-pair tokens, for the decompressor to make sense of.
 *
 * The vocabulary's free symbols (ids behind the merges) are shared out among the most frequent pairs of
 * byte-pair tokens, as evenly as they can be. With more pairs than symbols a symbol is ambiguous, and only
 * what stands around it tells which pair it was; therefore pairs that share a symbol begin with different
 * kinds of bytes (space, lower case, upper case, digit, other) where that is possible. The merges of more
 * than one level that BPE would go on to learn are not made.
 */
#ifndef LACONIC_TRAIN_TASK_PAIRS_H
#define LACONIC_TRAIN_TASK_PAIRS_H

#include "store/dataset.h"
#include "text/tokenizer.h"

struct pair_symbols {
    int count;       /* pairs; 0: none */
    uint64_t *pairs; /* [count] left * 2^32 + right, ascending */
    int32_t *symbol; /* [count] */
};

/* The `count` most frequent pairs in a sample of the training split (ties: the smaller ids); fewer if there
 * are not so many, none if the vocabulary has no free symbol. */
enum status pair_symbols_open(struct pair_symbols *symbols, const struct tokenizer *tokenizer,
                              const struct dataset *data, int64_t count);
void pair_symbols_close(struct pair_symbols *symbols); /* safe on zeroed symbols */

int32_t pair_symbol(const struct pair_symbols *symbols, int32_t left, int32_t right); /* -1: it has none */

#endif
