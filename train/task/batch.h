/* Ragged batches for sequence-to-sequence learning, filled row by row.
 *
 * A row (source, target) becomes: encoder input source + end; decoder input start + target; labels target +
 * end.
 *
 * Simple use:
 *     batch_open(&batch, 96, 33);                     96 rows of up to 32 tokens and an end token
 *     batch_add(&batch, x, 32, z, 14, 1.0f);          x -> z, at full weight
 *     learner_step(&learner, &batch, &adamw, 1.0);    or scorer_score(); fills nll and argmax
 *     batch_row_exact(&batch, 0);                     was every argmax the label?
 *     batch_clear(&batch);
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
int batch_tokens(const struct batch *batch); /* source and target */

/* The loss of such a batch: cross-entropy of its labels with these weights (NULL: forward only), results into
 * nll and argmax. */
struct t5_targets batch_targets(const struct batch *batch, const float *weights, int vocabulary);

/* Of row r, from the results: summed nll in nats, and whether every argmax is its label. */
double batch_row_nll(const struct batch *batch, int row);
bool batch_row_exact(const struct batch *batch, int row);

#endif
