/* Texts and codes as people read them.
 *
 *     "caf\xC3 \"x\"\n"        bytes in quotes; \n, \r, \t, \", \\, and \xHH where not UTF-8
 *     "st" "at" <s17> "us"     tokens of z: what each stands for, free symbols by their number
 *     <pad>, <eos>, <unk>      tokens that stand for no bytes
 *     <pad> x 512              the same token so many times
 *     "host=[-alp-]{+om+}a"    x beside its reconstruction: [-missing-] there, {+added+} there
 */
#ifndef LACONIC_TRAIN_JUDGING_EXAMPLE_TEXT_H
#define LACONIC_TRAIN_JUDGING_EXAMPLE_TEXT_H

#include "base/buffer.h"
#include "text/tokenizer.h"

enum {
    EXAMPLE_SHOWN = 1024, /* bytes of a text; " ..." stands for the rest */
    EXAMPLE_TOKENS = 128, /* of a code, runs counted once; " ... (N more)" stands for the rest */
    EXAMPLE_RUN = 4,      /* tokens that are the same, from which on they are counted */
};

/* Each appends to `out`. */
enum status example_text(struct buffer *out, const uint8_t *bytes, size_t size);
enum status example_code(struct buffer *out, const struct tokenizer *tokenizer, const int32_t *ids,
                         size_t count);
/* By an alignment with the fewest bytes missing, added or replaced. */
enum status example_difference(struct buffer *out, const uint8_t *text, size_t text_size,
                               const uint8_t *rebuilt, size_t rebuilt_size);

#endif
