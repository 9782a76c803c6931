/* What 8 bits cost: the decompressor as a language model in float32, as it was trained, and in the exact
 * arithmetic of archives, over the same text.
 *
 * The text is cut into chunks of the pair's size, each without context, so both see the same; what is
 * measured is the distribution of the next byte among bytes, D's own, without the context-mixing model that
 * archives put behind it. */
#ifndef LACONIC_INFER_QUANTISATION_H
#define LACONIC_INFER_QUANTISATION_H

#include <stdbool.h>
#include <stdint.h>
#include "base/status.h"
#include "content.h"
#include "store/model_file.h"

/* Sums over bytes. */
struct quantisation_sum {
    uint64_t bytes;
    double float32, exact; /* bits: cross-entropy of the logits */
    double frequencies;    /* bits: of the integers that the range coder is given, made of the exact logits */
};

struct quantisation;

/* The pair must outlive it. A pair whose text is not bytes: STATUS_CONFIG. */
enum status quantisation_open(struct quantisation **quantisation, const struct model_pair *pair);
void quantisation_close(struct quantisation *quantisation); /* NULL is fine */

/* The content from its beginning, in little memory. */
enum status quantisation_add(struct quantisation *quantisation, struct content *content,
                             struct quantisation_sum *sum);

void quantisation_print(const char *name, const struct quantisation_sum *sum, bool json);

#endif
