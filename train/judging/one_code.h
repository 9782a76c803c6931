/* How many different texts are written as one and the same code: the sign of a compressor that does not read.
 *
 * Such a compressor writes one sequence for ever, and every text cuts it at its own limit; so a code counts
 * as the same when it begins with the other. */
#ifndef LACONIC_TRAIN_JUDGING_ONE_CODE_H
#define LACONIC_TRAIN_JUDGING_ONE_CODE_H

#include "base/buffer.h"
#include "train/task/environment.h"

enum {
    ONE_CODE_TEXTS = 4096,
    ONE_CODE_LEAST = 4
}; /* texts kept, the first; below the least nothing is said */

struct one_code {
    struct buffer tokens; /* int32, the codes one behind the other */
    int count;
    struct one_code_row {
        uint64_t text; /* hash of its tokens */
        size_t from;   /* of its code in tokens */
        int size;
    } rows[ONE_CODE_TEXTS];
};

enum status one_code_add(struct one_code *codes, const struct text *text, const int32_t *code, int size);
/* Share of the different texts that get the most common code; NaN when there are fewer than ONE_CODE_LEAST.
 * Reorders the rows. */
double one_code_share(struct one_code *codes);
void one_code_free(struct one_code *codes);

#endif
