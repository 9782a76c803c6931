/* Sixteen float lanes, the unit in which reductions and transcendental functions are written.
 *
 * GCC's and clang's vector types lower to whatever the CPU has; element-wise IEEE operations give the same
 * bits everywhere, and sums run in one fixed order: sixteen lanes, then a fixed tree. Only files that
 * are compiled per instruction set include this.
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
typedef uint32_t vecu __attribute__((vector_size(64)));
typedef uint16_t vech __attribute__((vector_size(32))); /* sixteen bf16 */

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

/* Lanes by halves: the upper eight, four, two, one to the front. */
#define VEC_UPPER_8(v)                                                                                       \
    __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15)
#define VEC_UPPER_4(v) __builtin_shufflevector(v, v, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7)
#define VEC_UPPER_2(v) __builtin_shufflevector(v, v, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3)
#define VEC_UPPER_1(v) __builtin_shufflevector(v, v, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)

VEC_INLINE float vec_sum(vec v) {
    v += VEC_UPPER_8(v);
    v += VEC_UPPER_4(v);
    v += VEC_UPPER_2(v);
    v += VEC_UPPER_1(v);
    return v[0];
}

VEC_INLINE float vec_largest(vec v) {
    v = vec_max(v, VEC_UPPER_8(v));
    v = vec_max(v, VEC_UPPER_4(v));
    v = vec_max(v, VEC_UPPER_2(v));
    v = vec_max(v, VEC_UPPER_1(v));
    return v[0];
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
    vecu exponent = ((vecu)shifted - (vecu)shifter) << 23; /* unsigned: unused lanes may hold any x */
    vec y = (vec)((vecu)p + exponent);
    return vec_select(x < -87.3f, vec_all(0.0f), y);
}

/* tanh by e^2x, absolute error below 1e-6; beyond |x| = 10 it is 1 in float32. */
VEC_INLINE vec vec_tanh(vec x) {
    vec bounded = vec_select(x > 10.0f, vec_all(10.0f), x);
    bounded = vec_select(bounded < -10.0f, vec_all(-10.0f), bounded);
    return 1.0f - 2.0f / (vec_exp(bounded * 2.0f) + 1.0f);
}

#define GELU_SCALE 0.7978845608f /* sqrt(2 / pi) */
#define GELU_CUBIC 0.044715f

VEC_INLINE vec vec_gelu_tanh(vec x) {
    return vec_tanh((x + x * x * x * GELU_CUBIC) * GELU_SCALE);
}

VEC_INLINE vec vec_gelu(vec x) {
    return x * 0.5f * (1.0f + vec_gelu_tanh(x));
}

/* d gelu / dx = (1 + t)/2 + x/2 (1 - t^2) sqrt(2/pi) (1 + 3 * 0.044715 x^2), t the tanh above */
VEC_INLINE vec vec_gelu_derivative(vec x) {
    vec t = vec_gelu_tanh(x);
    vec inner = (1.0f + x * x * (3.0f * GELU_CUBIC)) * GELU_SCALE;
    return (1.0f + t) * 0.5f + x * 0.5f * (1.0f - t * t) * inner;
}

/* Keeps x * factor where the mask of element number first + lane says so (dropout.h). The mask is the 32-bit
 * finaliser of MurmurHash3 over number and seed, which vectorises. */
VEC_INLINE vec vec_dropout(vec x, uint32_t threshold, float factor, uint32_t seed, uint32_t first) {
    const vecu lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    vecu h = (lane + first) * 0x9e3779b9u + seed;
    h = (h ^ (h >> 16)) * 0x85ebca6bu;
    h = (h ^ (h >> 13)) * 0xc2b2ae35u;
    h = (h ^ (h >> 16)) >> 8;
    return vec_select((veci)(h >= threshold), x * factor, vec_all(0.0f));
}

VEC_INLINE vec vec_from_bf16(const uint16_t *p) {
    vech h;
    memcpy(&h, p, sizeof h);
    return (vec)(__builtin_convertvector(h, vecu) << 16);
}

/* The bits of bf16 in the upper halves: to the nearest, ties to even; a not-a-number keeps its upper half,
 * made quiet. */
VEC_INLINE vecu vec_round_bf16(vec v) {
    vecu bits = (vecu)v, rounded = bits + 0x7fffu + ((bits >> 16) & 1u), is_nan = (vecu)(v != v);
    return (is_nan & (bits | 0x400000u)) | (~is_nan & rounded);
}

VEC_INLINE void vec_to_bf16(uint16_t *p, vec v) {
    vech h = __builtin_convertvector(vec_round_bf16(v) >> 16, vech);
    memcpy(p, &h, sizeof h);
}

/* The first n < 16 lanes, the rest zero. */
VEC_INLINE vec vec_from_bf16_part(const uint16_t *p, size_t n) {
    uint16_t lane[LANES] = {0};
    memcpy(lane, p, n * sizeof *p);
    return vec_from_bf16(lane);
}

VEC_INLINE void vec_to_bf16_part(uint16_t *p, vec v, size_t n) {
    uint16_t lane[LANES];
    vec_to_bf16(lane, v);
    memcpy(p, lane, n * sizeof *p);
}

/* Where lane i comes from, 16 and up counting the lanes of b: of `a` where bit `width` of i is clear, of `b`
 * moved there where it is set; and the rest. */
#define VEC_FIRST(i, width) ((i) & (width) ? (i) + 16 - (width) : (i))
#define VEC_REST(i, width) ((i) & (width) ? (i) + 16 : (i) + (width))
#define VEC_SOURCES(of, width)                                                                               \
    of(0, width), of(1, width), of(2, width), of(3, width), of(4, width), of(5, width), of(6, width),        \
        of(7, width), of(8, width), of(9, width), of(10, width), of(11, width), of(12, width),               \
        of(13, width), of(14, width), of(15, width)

#define VEC_EXCHANGE(a, b, width)                                                                            \
    do {                                                                                                     \
        vecu first = __builtin_shufflevector(a, b, VEC_SOURCES(VEC_FIRST, width));                           \
        b = __builtin_shufflevector(a, b, VEC_SOURCES(VEC_REST, width));                                     \
        a = first;                                                                                           \
    } while (0)

/* Sixteen rows of sixteen words become their columns. */
VEC_INLINE void vec_transpose(vecu row[LANES]) {
#pragma GCC unroll 16
    for (unsigned i = 0; i < LANES; i++)
        if (!(i & 8))
            VEC_EXCHANGE(row[i], row[i + 8], 8);
#pragma GCC unroll 16
    for (unsigned i = 0; i < LANES; i++)
        if (!(i & 4))
            VEC_EXCHANGE(row[i], row[i + 4], 4);
#pragma GCC unroll 16
    for (unsigned i = 0; i < LANES; i++)
        if (!(i & 2))
            VEC_EXCHANGE(row[i], row[i + 2], 2);
#pragma GCC unroll 16
    for (unsigned i = 0; i < LANES; i++)
        if (!(i & 1))
            VEC_EXCHANGE(row[i], row[i + 1], 1);
}

#endif
