/* Examples: a few held-out texts with C's greedy code and what D makes of it, at every evaluation the same
 * texts, so that one can watch a run think. In the log, in FOLDER/examples.txt and, the last of them, in the
 * checkpoint. example_text.h explains the notation.
 *
 * Simple use:
 *     examples_start(&examples, "runs/a/examples.txt");
 *     struct example example = {.phase = PHASE_RL, .step = 40};
 *     example_describe(&example.text, &environment, generator, SPLIT_VALID, example_chunk(all, 0, 2));
 *     examples_add(&examples, &example);
 */
#ifndef LACONIC_TRAIN_JUDGING_EXAMPLE_H
#define LACONIC_TRAIN_JUDGING_EXAMPLE_H

#include <stdio.h>
#include "train/task/environment.h"

enum { EXAMPLES_KEPT = 64 };

struct example {
    int64_t phase, step;
    struct buffer text; /* whole lines, with a NUL behind the end */
};

struct examples {
    struct example kept[EXAMPLES_KEPT]; /* the last ones, the oldest first */
    int count;
    int64_t written; /* bytes of the file so far */
    FILE *stream;    /* examples.txt, or NULL */
};

/* Goes on with the file at `path` behind what was written before (after examples_read); what a run that broke
 * off wrote after its checkpoint is cut off. If the file has become shorter, it begins anew with those kept.
 */
enum status examples_start(struct examples *examples, const char *path);
void examples_close(struct examples *examples); /* safe on zeroed examples */

/* Appends to the file and keeps; takes the text's memory, also in failure. */
enum status examples_add(struct examples *examples, const struct example *example);

/* Which chunk of `all` is example k of `count`: spread evenly, always the same. */
uint64_t example_chunk(uint64_t all, int64_t k, int64_t count);

/* Appends one example in words: the chunk, whether D(C(x)) is x, and x, z and D(z). */
enum status example_describe(struct buffer *out, const struct environment *environment,
                             struct t5_generator *generator, enum dataset_split split, uint64_t index);

/* As arrays GROUP/text [count, width], u8 and NUL-padded, and GROUP/phase and GROUP/step [count]. A file
 * without the group leaves the examples as they are. */
enum status examples_write(struct h5_file *file, const char *group, const struct examples *examples);
enum status examples_read(struct h5_file *file, const char *group, struct examples *examples);

#endif
