/* The two feed-forward activations of T5, element by element over arrays of n floats. */
#ifndef LACONIC_KERNELS_ACTIVATION_H
#define LACONIC_KERNELS_ACTIVATION_H

#include <stddef.h>

/* v1.0: y = max(x, 0). */
void relu_forward(float *y, const float *x, size_t n);
/* dx = dy where x > 0, else 0. dx may be dy. */
void relu_backward(float *dx, const float *dy, const float *x, size_t n);

/* v1.1 (Shazeer 2020, arXiv 2002.05202): y = gelu(x) * gate with the tanh form of Hendrycks and Gimpel 2016
 * (arXiv 1606.08415): gelu(x) = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
void gated_gelu_forward(float *y, const float *x, const float *gate, size_t n);
/* Writes dx and dgate. dx may be dy. */
void gated_gelu_backward(float *dx, float *dgate, const float *dy, const float *x, const float *gate,
                         size_t n);

#endif
