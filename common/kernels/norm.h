/* RMS norm without mean and bias (Zhang and Sennrich 2019, arXiv 1910.07467), as T5 uses it:
 * y = weight * x * inv, inv = 1 / sqrt(mean(x^2) + epsilon). */
#ifndef LACONIC_KERNELS_NORM_H
#define LACONIC_KERNELS_NORM_H

/* y [rows, width], inv [rows] kept for the backward pass, x [rows, width], weight [width]. y may not be x. */
void norm_forward(float *y, float *inv, const float *x, const float *weight, int rows, int width,
                  float epsilon);

/* dx [rows, width] += ..., dweight [width] += ...; dy as from above. */
void norm_backward(float *dx, float *dweight, const float *dy, const float *x, const float *inv,
                   const float *weight, int rows, int width);

#endif
