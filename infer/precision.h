/* What 8 bits cost: the decompressor as a language model in float32, as it was trained, and in the exact
 * arithmetic of archives, over the same text.
 *
 * The text is cut into chunks of the pair's size, each without context, so both see the same; what is
 * measured is the distribution of the next byte among bytes, D's own, without the byte model that archives
 * put behind it. */
#ifndef LACONIC_INFER_PRECISION_H
#define LACONIC_INFER_PRECISION_H

#include <stdbool.h>
#include <stdint.h>
#include "base/status.h"
#include "content.h"
#include "store/model_file.h"

/* Sums over bytes. */
struct precision_sum {
    uint64_t bytes;
    double float32, exact; /* bits: cross-entropy of the logits */
    double frequencies;    /* bits: of the integers that the range coder is given, made of the exact logits */
};

struct precision;

/* The pair must outlive it. A pair whose text is not bytes: STATUS_CONFIG. */
enum status precision_open(struct precision **precision, const struct model_pair *pair);
void precision_close(struct precision *precision); /* NULL is fine */

/* The content from its beginning, in little memory. */
enum status precision_add(struct precision *precision, struct content *content, struct precision_sum *sum);

void precision_print(const char *name, const struct precision_sum *sum, bool json);

#endif
