/* Supervised batches: what the models are taught before and beside reinforcement. */
#ifndef LACONIC_TRAIN_DEMONSTRATION_H
#define LACONIC_TRAIN_DEMONSTRATION_H

#include "train/environment.h"

/* Adds a row x -> byte-pair tokens of x, for the compressor. */
void demonstrate_compression(const struct environment *environment, const struct text *text,
                             struct batch *batch);

/* Adds a row z -> x for the decompressor: z a copy of x or its byte-pair tokens, with token noise. */
void demonstrate_decompression(const struct environment *environment, const struct text *text,
                               struct rng *rng, struct batch *batch);

/* Token noise on a code in place: in some rows each token is dropped with a probability of its own. The new
 * size. */
int demonstration_noise(const struct train_settings *settings, struct rng *rng, int32_t *code, int size);

#endif
