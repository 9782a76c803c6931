/* Choosing a token from one row of logits, without sorting the vocabulary. */
#ifndef LACONIC_KERNELS_SAMPLE_H
#define LACONIC_KERNELS_SAMPLE_H

#include <stdint.h>
#include "base/rng.h"

int32_t sample_argmax(const float *logits, int vocabulary); /* ties: the smallest id */
/* The same where the largest logit is known. */
int32_t sample_first(const float *logits, int vocabulary, float largest);

/* Draws from softmax(logits / temperature) cut to the top_k largest (0: all) and then to the smallest set of
 * probability top_p (1 or 0: all); `uniform` in [0, 1) decides. scratch [vocabulary]. Returns the id and its
 * ln probability under that distribution. Tokens as probable as the last one kept are kept too. */
int32_t sample_token(const float *logits, int vocabulary, float temperature, int top_k, float top_p,
                     float uniform, float *scratch, float *log_probability);

/* Draws any id of the vocabulary with probability epsilon (0 < epsilon <= 1, in steps of 2^-24), all alike,
 * else as sample_token() does, where temperature 0 means the argmax. Both ways may lead to the same id, so
 * its probability is epsilon / vocabulary + (1 - epsilon) p(id), p(id) being that without epsilon; its ln is
 * returned. `rng` is the token's own: how many numbers are taken from it is not promised. */
int32_t sample_exploring(const float *logits, int vocabulary, float temperature, int top_k, float top_p,
                         float epsilon, struct rng *rng, float *scratch, float *log_probability);

#endif
