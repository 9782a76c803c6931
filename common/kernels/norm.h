/* RMS norm without mean and bias (Zhang and Sennrich 2019, arXiv 1910.07467), as T5 uses it:
 * y = weight * x * inv, inv = 1 / sqrt(mean(x^2) + epsilon). */
#ifndef LACONIC_KERNELS_NORM_H
#define LACONIC_KERNELS_NORM_H

#include "kernels/bf16.h"

/* y [rows, width] in either precision, inv [rows] kept for the backward pass, x [rows, width], weight
 * [width]. `copy` receives x for the residual connection (NULL or x itself: not). y may not be x. */
void norm_forward(struct values y, float *inv, float *copy, const float *x, const float *weight, int rows,
                  int width, float epsilon);

/* dx [rows, width] += ..., dweight [width] += ...; dy as from above. */
void norm_backward(float *dx, float *dweight, const float *dy, const float *x, const float *inv,
                   const float *weight, int rows, int width);

#endif
