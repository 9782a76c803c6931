/* Multiply-adds in registers (ceiling_loop.h). Compiled once per instruction set with the flags of the bf16
 * back ends, with CEILING_LOOP naming the result.
 *
 * A register waits some four to six cycles for its own last sum and a CPU begins up to two instructions per
 * cycle, so a dozen independent sums keep it busy. They begin with different values, or the compiler would
 * see that they are one.
 */
#include "kernels/ceiling_loop.h"
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include "kernels/amx_tiles.h"

#if defined(GEMM_BF16_AMX)

/* Four tiles of sums, two of each operand; a product of 16 x 32 and 32 x 16 numbers each. */
enum { FLOPS = 4 * 2 * 16 * 16 * 32 };

static float run(size_t rounds) {
    _Alignas(64) struct amx_shapes shapes = amx_full_shapes();
    _Alignas(64) uint16_t ones[16 * 32];
    _Alignas(64) float sums[16 * 16];
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++)
        ones[i] = 0x3f80; /* 1 in bf16 */
    amx_finish_stores();
    _tile_loadconfig(&shapes);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_loadd(4, ones, 64);
    _tile_loadd(5, ones, 64);
    _tile_loadd(6, ones, 64);
    _tile_loadd(7, ones, 64);
    for (size_t i = 0; i < rounds; i++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(3, sums, 64);
    _tile_release();
    return sums[0];
}

#else

#if defined(GEMM_BF16_AVX512BF16)

enum { SUMS = 16, FLOPS = SUMS * 16 * 2 * 2 }; /* sixteen lanes, a pair each */
typedef __m512 sum_lanes;

static sum_lanes multiply_add(sum_lanes sum) {
    const __m512i ones = _mm512_set1_epi32(0x3f803f80); /* two of bf16 */
    return _mm512_dpbf16_ps(sum, (__m512bh)ones, (__m512bh)ones);
}

#elif defined(GEMM_BF16_AVX512)

enum { SUMS = 16, FLOPS = SUMS * 16 * 2 };
typedef __m512 sum_lanes;

static sum_lanes multiply_add(sum_lanes sum) {
    return _mm512_fmadd_ps(sum, _mm512_set1_ps(0.999f), _mm512_set1_ps(0.001f));
}

#elif defined(GEMM_BF16_AVX2)

enum { SUMS = 12, FLOPS = SUMS * 8 * 2 };
typedef __m256 sum_lanes;

static sum_lanes multiply_add(sum_lanes sum) {
    return _mm256_fmadd_ps(sum, _mm256_set1_ps(0.999f), _mm256_set1_ps(0.001f));
}

#else

/* Four lanes, which every CPU has or the compiler takes apart; a product and a sum, as the portable products.
 */
enum { SUMS = 12, FLOPS = SUMS * 4 * 2 };
typedef float sum_lanes __attribute__((vector_size(16)));

static sum_lanes multiply_add(sum_lanes sum) {
    return sum * 0.999f + 0.001f;
}

#endif

enum { WIDTH = sizeof(sum_lanes) / sizeof(float) };

static float run(size_t rounds) {
    sum_lanes sum[SUMS];
    float start[SUMS * WIDTH], total = 0.0f;
    for (size_t i = 0; i < SUMS * WIDTH; i++)
        start[i] = (float)i;
    memcpy(sum, start, sizeof sum);
    for (size_t r = 0; r < rounds; r++)
#pragma GCC unroll 16
        for (size_t i = 0; i < SUMS; i++)
            sum[i] = multiply_add(sum[i]);
    memcpy(start, sum, sizeof start);
    for (size_t i = 0; i < SUMS * WIDTH; i++)
        total += start[i];
    return total;
}

#endif

#define TEXT_OF(name) #name
#define NAME_OF(name) TEXT_OF(name)
#define JOIN(a, b) a##b
#define LOOP_OF(name) JOIN(ceiling_, name)

const struct ceiling_loop LOOP_OF(CEILING_LOOP) = {NAME_OF(CEILING_LOOP), FLOPS, run};
