/* Greedy codes for texts of a split, a slice at a time: what evaluations and samples of codes go through. */
#ifndef LACONIC_TRAIN_JUDGING_SLICES_H
#define LACONIC_TRAIN_JUDGING_SLICES_H

#include "t5/generate.h"
#include "train/acting/scoring.h"
#include "train/task/environment.h"

enum { SLICE = 64 }; /* texts at once */

struct evaluator {
    const struct environment *environment;
    struct t5_generator *generator; /* greedy z */
    struct scorer *scorer;          /* the decompressor's pass */
    struct batch *batch;
    struct t5_pass *compressor_pass;
    const struct t5_model *target_compressor; /* NULL: there is none yet */
};

/* Texts with C's greedy z. */
struct slice {
    int count;
    struct text text[SLICE];
    struct t5_rows code; /* borrowed from the generator */
    int32_t ids[SLICE * (CHUNK_MAXIMUM + 1)], start[SLICE + 1];
};

static inline const int32_t *slice_code(const struct slice *slice, int i, int *size) {
    *size = slice->code.start[i + 1] - slice->code.start[i];
    return slice->code.ids + slice->code.start[i];
}

/* Calls `visit` with slices of `chunks` texts spread evenly over the split (all of them if there are fewer).
 * STATUS_INTERRUPTED when a signal asks to stop. */
typedef void slice_visitor(struct evaluator *evaluator, void *context, struct slice *slice);
enum status slices_visit(struct evaluator *evaluator, enum dataset_split split, int64_t chunks,
                         slice_visitor *visit, void *context);

#endif
