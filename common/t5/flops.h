/* How much work a batch is, for speeds in operations per second. */
#ifndef LACONIC_T5_FLOPS_H
#define LACONIC_T5_FLOPS_H

#include "t5/model.h"

/* Floating-point operations of the matrix products of one pass over the batch, a multiply-add counted as two:
 * linear layers, attention (scores and weighted values; in the decoder only what the causal mask leaves) and
 * the head. The backward pass does each product twice more. Norms, activations, softmax and the update of the
 * weights are not counted. A batch with the forward pass alone is also what decoding it with a cache costs.
 */
double t5_flops(const struct t5_config *config, const struct t5_batch *batch, bool with_backward);

#endif
