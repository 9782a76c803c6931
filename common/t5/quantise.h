/* Weights in 8 bits, the one rule of the codec and of small model files (docs/format.md,
 * "Arithmetic").
 *
 * A row of a linear layer or of the embedding is w ~ scale q, q in -127 .. 127. The scale is |w|'s largest /
 * 127 rounded to 16 significant bits, so that scale q is a float32 without rounding, and quantising those
 * floats gives the same scale and q again: a model survives being stored in 8 bits to the last bit. */
#ifndef LACONIC_T5_QUANTISE_H
#define LACONIC_T5_QUANTISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "t5/parameters.h"

/* Linear layers and embeddings are; norms, relative biases and learned positions stay float32. */
bool t5_is_quantised(const struct t5_parameter *parameter);

/* Of a row of finite weights; 0 for a row of zeros. */
float t5_row_scale(const float *w, size_t n);
/* q [n] of a row or a part of it. */
void t5_quantise(int8_t *q, const float *w, float scale, size_t n);

#endif
