/* Cross-entropy over the vocabulary, per token. Tokens with a negative label do not count. */
#ifndef LACONIC_KERNELS_LOSS_H
#define LACONIC_KERNELS_LOSS_H

#include <stdint.h>

/* nll [tokens]: -ln softmax(logits)[label], 0 for a negative label. argmax [tokens]: the largest logit's id,
 * ties to the smallest; may be NULL. logits [tokens, vocabulary] stay as they are. */
void loss_token_nll(const float *logits, const int32_t *labels, int tokens, int vocabulary, float *nll,
                    int32_t *argmax);

/* The same, and logits become d(sum over tokens of weight * nll)/d(logits) = weight (softmax - one-hot). */
void loss_weighted_nll(float *logits, const int32_t *labels, const float *weights, int tokens, int vocabulary,
                       float *nll, int32_t *argmax);

#endif
