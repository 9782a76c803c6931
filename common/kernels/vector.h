/* Whole-array operations over threads. */
#ifndef LACONIC_KERNELS_VECTOR_H
#define LACONIC_KERNELS_VECTOR_H

#include <stddef.h>

void vector_add(float *y, const float *x, size_t n); /* y += x */
void vector_scale(float *y, float scale, size_t n);  /* y *= scale */
void vector_blend(float *y, float share, const float *x,
                  size_t n); /* y = (1 - share) y + share x: Polyak averaging */

#endif
