/* AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101), global-norm clipping and learning-rate schedules. */
#ifndef LACONIC_KERNELS_OPTIMIZER_H
#define LACONIC_KERNELS_OPTIMIZER_H

#include <stddef.h>
#include <stdint.h>

struct adamw {
    float learning_rate, beta1, beta2, epsilon, weight_decay;
};

/* One step over n weights: m, v are the moments, `step` counts from 1, the gradient is multiplied by
 * `gradient_scale` first (clipping). The gradient is left as it is. */
void adamw_update(float *weights, float *m, float *v, const float *gradient, size_t n,
                  const struct adamw *settings, int64_t step, float gradient_scale);

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
