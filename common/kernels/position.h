/* T5's relative position bias (Raffel et al. 2020, section 2.1): a learned scalar per head and bucket of key
 * position minus query position, added to the attention scores; half of a side's buckets are exact, the rest
 * grow logarithmically up to a largest distance.
 *
 * The bias depends on the distance alone, so it is kept as one vector per head: bias[h][distance + length -
 * 1] for distances -(length - 1) .. length - 1. */
#ifndef LACONIC_KERNELS_POSITION_H
#define LACONIC_KERNELS_POSITION_H

#include <stdbool.h>
#include <stddef.h>

struct position_buckets {
    int buckets, largest_distance;
    bool both_sides; /* encoder: keys before and after; decoder: before only */
};

/* distance = key position - query position; result in [0, buckets). */
int position_bucket(const struct position_buckets *buckets, int distance);

/* bias [heads, 2 length - 1], table [buckets, heads] */
void position_bias_forward(float *bias, const float *table, const struct position_buckets *buckets, int heads,
                           int length);
void position_bias_backward(float *dtable, const float *dbias, const struct position_buckets *buckets,
                            int heads, int length);

#endif
