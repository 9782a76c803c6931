/* Ragged batches for sequence-to-sequence learning, filled row by row.
 *
 * A row (source, target) becomes: encoder input source + end; decoder input start + target; labels target +
 * end.
 */
#ifndef LACONIC_TRAIN_TASK_BATCH_H
#define LACONIC_TRAIN_TASK_BATCH_H

#include "t5/model.h"

struct batch {
    int rows, row_limit, row_length; /* longest row with its end token */
    int32_t *source, *target, *labels, *source_start, *target_start;
    float *weights;  /* [target tokens] of the labels in the loss */
    float *nll;      /* [target tokens] results */
    int32_t *argmax; /* [target tokens] results */
};

/* row_length: longest source or target, with the end token. */
enum status batch_open(struct batch *batch, int row_limit, int row_length);
void batch_close(struct batch *batch);
void batch_clear(struct batch *batch);
/* Rows beyond row_limit or ids beyond row_length - 1 are a programmer's error (assert). */
void batch_add(struct batch *batch, const int32_t *source, int source_size, const int32_t *target,
               int target_size, float weight);
struct t5_batch batch_view(const struct batch *batch);
struct t5_limits batch_limits(const struct batch *batch); /* of the largest such batch */
int batch_target_tokens(const struct batch *batch);

/* Of row r, from the results: summed nll in nats, and whether every argmax is its label. */
double batch_row_nll(const struct batch *batch, int row);
bool batch_row_exact(const struct batch *batch, int row);

#endif
