/* Embedding lookup: out[t] = table[ids[t]]. */
#ifndef LACONIC_KERNELS_EMBEDDING_H
#define LACONIC_KERNELS_EMBEDDING_H

#include <stdint.h>

/* out [tokens, width], table [vocabulary, width] */
void embedding_forward(float *out, const float *table, const int32_t *ids, int tokens, int width);
/* dtable[ids[t]] += dout[t] */
void embedding_backward(float *dtable, const float *dout, const int32_t *ids, int tokens, int width);

/* out[t] += table[t - start of its row]: learned positions, table [positions, width]. rows + 1 starts. */
void positions_forward(float *out, const float *table, const int32_t *start, int rows, int width);
void positions_backward(float *dtable, const float *dout, const int32_t *start, int rows, int width);

#endif
