/* Relative position buckets and bias, forward and backward. */
#include "kernels/position.h"
#include <math.h>

int position_bucket(const struct position_buckets *b, int distance) {
    int count = b->buckets, first = 0;
    if (b->both_sides) {
        count /= 2;
        first = distance > 0 ? count : 0;
        distance = distance < 0 ? -distance : distance;
    } else {
        distance = distance < 0 ? -distance : 0;
    }
    int exact = count / 2;
    if (distance < exact)
        return first + distance;
    /* float32 in the framework's order, so that distances on a bucket's border fall on its side */
    float octave = logf((float)distance / (float)exact) / (float)log((double)b->largest_distance / exact);
    int bucket = exact + (int)(octave * (float)(count - exact));
    return first + (bucket < count - 1 ? bucket : count - 1);
}

void position_bias_forward(float *bias, const float *table, const struct position_buckets *buckets, int heads,
                           int length) {
    int span = 2 * length - 1;
    for (int i = 0; i < span; i++) {
        int bucket = position_bucket(buckets, i - (length - 1));
        for (int h = 0; h < heads; h++)
            bias[h * span + i] = table[bucket * heads + h];
    }
}

void position_bias_backward(float *dtable, const float *dbias, const struct position_buckets *buckets,
                            int heads, int length) {
    int span = 2 * length - 1;
    for (int i = 0; i < span; i++) {
        int bucket = position_bucket(buckets, i - (length - 1));
        for (int h = 0; h < heads; h++)
            dtable[bucket * heads + h] += dbias[h * span + i];
    }
}
