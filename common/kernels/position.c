/* Relative position buckets and bias, forward and backward. */
#include "kernels/position.h"

/* ln x for x >= 1, exact in float32 at powers of two. Not libm's: its last bit differs between machines, and
 * a bucket that moves would make other models of a checkpoint than the ones its archives were written with.
 * ln x = e ln 2 + 2 artanh((m - 1) / (m + 1)), x = m 2^e, m in (0.75, 1.5]. */
static double logarithm(double x) {
    int exponent = 0;
    for (; x > 1.5; x *= 0.5)
        exponent++;
    double y = (x - 1) / (x + 1), sum = 0;
    for (int k = 41; k > 0; k -= 2)
        sum = sum * y * y + 1.0 / k;
    return exponent * 0.69314718055994530942 + 2 * y * sum;
}

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
    float octave = (float)logarithm((double)((float)distance / (float)exact)) /
                   (float)logarithm((double)b->largest_distance / exact);
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
