/* Dropout whose mask is a function of (key, index): the backward pass computes it again instead of storing
 * it. */
#ifndef LACONIC_KERNELS_DROPOUT_H
#define LACONIC_KERNELS_DROPOUT_H

#include <stddef.h>
#include <stdint.h>
#include "kernels/bf16.h"

/* y[i] = kept(key, first + i) ? x[i] / (1 - rate) : 0, 0 <= rate < 1. y may be x. Its own backward pass. */
void dropout_apply(float *y, const float *x, size_t n, float rate, uint64_t key, uint64_t first);

/* In place, in either precision, over threads; element i has number i, n < 2^32. */
void dropout_values(struct values x, size_t n, float rate, uint64_t key);

/* Elements whose 24-bit draw is below it are dropped. */
static inline uint32_t dropout_threshold(float rate) {
    return (uint32_t)(rate * 16777216.0f); /* 2^24 */
}

/* One key per place where dropout happens. */
uint64_t dropout_key(uint64_t key, uint32_t place);

#endif
