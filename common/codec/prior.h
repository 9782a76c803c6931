/* The model of z: how probable each token is, given the checkpoint's counts and the archive so far.
 *
 * A token is coded as the bits of its id, highest first. Three predictors look at every bit: the bits before
 * it alone, the same with the previous token, the same with the previous two. An online logistic mixture of
 * them (Mahoney 2005) gives the probability for the range coder. Everything is integer arithmetic, every
 * token of the vocabulary is possible, memory is fixed. docs/format.md has each constant; changing
 * one changes the format.
 */
#ifndef LACONIC_CODEC_PRIOR_H
#define LACONIC_CODEC_PRIOR_H

#include <stddef.h>
#include <stdint.h>
#include "base/status.h"
#include "codec/range_coder.h"

struct prior; /* opaque */

/* The two tokens before this one. The end token of one z is the context of the next; an archive starts with
 * two end tokens. */
struct prior_context {
    int32_t last, before_last;
};

/* counts [vocabulary]: how often the checkpoint saw each id in z. vocabulary 2 .. PRIOR_VOCABULARY_MAXIMUM.
 */
enum { PRIOR_VOCABULARY_MAXIMUM = 1 << 18 };
enum status prior_open(struct prior **prior, const uint32_t *counts, int vocabulary);
void prior_close(struct prior *prior); /* NULL is fine */

/* Both were opened with the same arguments. */
void prior_copy(struct prior *to, const struct prior *from);

/* Codes one token in the coder's direction, learns it, moves the context on. Returns the token. */
int32_t prior_code_token(struct prior *prior, struct range_coder *coder, struct prior_context *context,
                         int32_t token);

/* Learns ids[0 .. count), each within the vocabulary, as if they had been coded. */
void prior_learn(struct prior *prior, struct prior_context *context, const int32_t *ids, size_t count);

/* About how many bits ids[0 .. count) would take now; learns nothing, but moves the context on. */
double prior_price(const struct prior *prior, struct prior_context *context, const int32_t *ids,
                   size_t count);

#endif
