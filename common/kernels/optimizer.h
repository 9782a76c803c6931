/* AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101), global-norm clipping and learning-rate schedules. */
#ifndef LACONIC_KERNELS_OPTIMIZER_H
#define LACONIC_KERNELS_OPTIMIZER_H

#include <stddef.h>
#include <stdint.h>
#include "kernels/bf16.h"

struct adamw {
    float learning_rate, beta1, beta2, epsilon, weight_decay;
};

/* A matrix among the weights whose packed bf16 copies (bf16_pack_weights) follow it. */
struct adamw_matrix {
    size_t offset; /* of its first weight */
    int rows, columns;
    bf16 *forward, *backward;
};

/* One sweep over n weights: m, v are the moments, `step` counts from 1, the gradient is multiplied by
 * `gradient_scale` first (clipping) and left zero for the next pass. Matrices are in ascending order and do
 * not overlap; none: float32 only. */
void adamw_update(float *weights, float *m, float *v, float *gradient, size_t n, const struct adamw *settings,
                  int64_t step, float gradient_scale, const struct adamw_matrix *matrices, int matrix_count);

/* Square root of the sum of squares, summed in double in a fixed order. */
double gradient_norm(const float *gradient, size_t n);
/* The factor that brings a gradient of this norm to at most `limit` (0: no limit). */
float gradient_clip_scale(double norm, double limit);

struct schedule {
    double peak;        /* learning rate at the end of the warm-up */
    double warmup;      /* share of the run, 0 .. 1, in which it rises from 0 */
    double final_share; /* of the peak, reached at the end, linearly */
};
double schedule_rate(const struct schedule *schedule, double progress); /* progress 0 .. 1 */

#endif
