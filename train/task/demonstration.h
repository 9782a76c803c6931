/* Supervised batches: what the models are taught before and beside reinforcement. */
#ifndef LACONIC_TRAIN_TASK_DEMONSTRATION_H
#define LACONIC_TRAIN_TASK_DEMONSTRATION_H

#include "train/task/batch.h"
#include "train/task/environment.h"

/* Adds a row x -> byte-pair tokens of x, or x -> nothing (demonstration.empty), for the compressor. */
void demonstrate_compression(const struct environment *environment, const struct text *text, struct rng *rng,
                             struct batch *batch);

/* Adds a row z -> x for the decompressor: z a copy of x or its byte-pair tokens, pairs of which
 * may have become their symbol (pairs.h), with token noise; or z is empty (demonstration.empty). */
void demonstrate_decompression(const struct environment *environment, const struct text *text,
                               struct rng *rng, struct batch *batch);

/* Token noise on a code in place: in a share `rows` of the rows each token is dropped with a probability of
 * the row's own, drawn from 0 to `most`. The new size. */
int token_drop(struct rng *rng, double rows, double most, int32_t *code, int size);

#endif
