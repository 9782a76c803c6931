/* Sixteen float lanes, the unit in which reductions and transcendental functions are written.
 *
 * GCC's and clang's vector types lower to whatever the CPU has; element-wise IEEE operations give the same
 * bits everywhere, and sums run in one fixed order: sixteen lanes, then a fixed tree. Only lanes.c includes
 * this.
 */
#ifndef LACONIC_KERNELS_VEC_H
#define LACONIC_KERNELS_VEC_H

#include <float.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(FLT_EVAL_METHOD == 0, "float arithmetic must be float, or builds differ in their bits");

enum { LANES = 16 };

typedef float vec __attribute__((vector_size(64)));
typedef int32_t veci __attribute__((vector_size(64)));

#define VEC_INLINE static inline __attribute__((always_inline, unused))

VEC_INLINE vec vec_load(const float *p) {
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

VEC_INLINE void vec_store(float *p, vec v) {
    memcpy(p, &v, sizeof v);
}

/* The first n < 16 lanes, the rest `fill`. */
VEC_INLINE vec vec_load_part(const float *p, size_t n, float fill) {
    float lane[LANES];
    for (size_t i = 0; i < LANES; i++)
        lane[i] = i < n ? p[i] : fill;
    return vec_load(lane);
}

VEC_INLINE void vec_store_part(float *p, vec v, size_t n) {
    memcpy(p, &v, n * sizeof *p);
}

VEC_INLINE vec vec_all(float x) {
    return (vec){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}

/* mask lanes are 0 or -1 */
VEC_INLINE vec vec_select(veci mask, vec yes, vec no) {
    return (vec)((mask & (veci)yes) | (~mask & (veci)no));
}

VEC_INLINE vec vec_max(vec a, vec b) {
    return vec_select(a > b, a, b);
}

VEC_INLINE float vec_sum(vec v) {
    float a[LANES];
    vec_store(a, v);
    for (size_t width = LANES / 2; width > 0; width /= 2)
        for (size_t i = 0; i < width; i++)
            a[i] += a[i + width];
    return a[0];
}

VEC_INLINE float vec_largest(vec v) {
    float a[LANES];
    vec_store(a, v);
    float best = a[0];
    for (size_t i = 1; i < LANES; i++)
        best = a[i] > best ? a[i] : best;
    return best;
}

/* e^x without libm, within 2 ulp; 0 below -87.3, finite above 88.
 * x = n ln 2 + r, |r| <= ln 2 / 2 (Cody and Waite's two-part ln 2); e^r by a polynomial; 2^n by the exponent.
 */
VEC_INLINE vec vec_exp(vec x) {
    const vec shifter = vec_all(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
    vec bounded = vec_select(x < -87.3f, vec_all(-87.3f), x);
    bounded = vec_select(bounded > 88.0f, vec_all(88.0f), bounded);
    vec shifted = bounded * 1.44269504f + shifter;
    vec n = shifted - shifter;
    vec r = bounded - n * 0.693359375f + n * 2.12194440e-4f;
    vec p = vec_all(1.0f / 5040.0f);
    p = p * r + 1.0f / 720.0f;
    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    veci exponent = ((veci)shifted - (veci)shifter) << 23;
    vec y = (vec)((veci)p + exponent);
    return vec_select(x < -87.3f, vec_all(0.0f), y);
}

/* tanh by e^2x, absolute error below 1e-6; beyond |x| = 10 it is 1 in float32. */
VEC_INLINE vec vec_tanh(vec x) {
    vec bounded = vec_select(x > 10.0f, vec_all(10.0f), x);
    bounded = vec_select(bounded < -10.0f, vec_all(-10.0f), bounded);
    return 1.0f - 2.0f / (vec_exp(bounded * 2.0f) + 1.0f);
}

#endif
