/* AVX-512: eight rows by two registers of sums, sixteen in all, which hides the latency of a product. With
 * BF16 instructions a pair is one; without, two float32 fused multiply-adds on its split halves. */
#include <immintrin.h>

enum { GEMM_TILE_ROWS = 8, GEMM_TILE_WANTS_ROWS = 0 };

static void tile_begin(void) {}
static void tile_end(void) {}

static inline __m512 add_pairs(__m512 sum, __m512i a, __m512i b) {
#if defined(GEMM_BF16_AVX512BF16)
    return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
#else
    const __m512i high = _mm512_set1_epi32((int)0xffff0000u);
    sum = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_slli_epi32(a, 16)),
                          _mm512_castsi512_ps(_mm512_slli_epi32(b, 16)), sum);
    return _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_and_si512(a, high)),
                           _mm512_castsi512_ps(_mm512_and_si512(b, high)), sum);
#endif
}

/* `rows` is a constant where this is inlined, so that the sums stay in registers. */
__attribute__((always_inline)) static inline void multiply_rows(float *sums, const uint32_t *a, size_t row,
                                                                size_t pair, const uint32_t *b, size_t pairs,
                                                                size_t rows) {
    __m512 left[GEMM_TILE_ROWS], right[GEMM_TILE_ROWS];
#pragma GCC unroll 8
    for (size_t i = 0; i < rows; i++)
        left[i] = right[i] = _mm512_setzero_ps();
    for (size_t p = 0; p < pairs; p++, a += pair, b += BF16_PANEL) {
        __m512i b0 = _mm512_loadu_si512(b), b1 = _mm512_loadu_si512(b + 16);
#pragma GCC unroll 8
        for (size_t i = 0; i < rows; i++) {
            __m512i x = _mm512_set1_epi32((int)a[i * row]);
            left[i] = add_pairs(left[i], x, b0);
            right[i] = add_pairs(right[i], x, b1);
        }
    }
#pragma GCC unroll 8
    for (size_t i = 0; i < rows; i++) {
        _mm512_storeu_ps(sums + i * BF16_PANEL, left[i]);
        _mm512_storeu_ps(sums + i * BF16_PANEL + 16, right[i]);
    }
}

static void tile_multiply(float *sums, const uint32_t *a, size_t row, size_t pair, const uint32_t *b,
                          size_t pairs, size_t rows) {
    switch (rows) {
    case 8:
        multiply_rows(sums, a, row, pair, b, pairs, 8);
        break;
    case 7:
        multiply_rows(sums, a, row, pair, b, pairs, 7);
        break;
    case 6:
        multiply_rows(sums, a, row, pair, b, pairs, 6);
        break;
    case 5:
        multiply_rows(sums, a, row, pair, b, pairs, 5);
        break;
    case 4:
        multiply_rows(sums, a, row, pair, b, pairs, 4);
        break;
    case 3:
        multiply_rows(sums, a, row, pair, b, pairs, 3);
        break;
    case 2:
        multiply_rows(sums, a, row, pair, b, pairs, 2);
        break;
    default:
        multiply_rows(sums, a, row, pair, b, pairs, 1);
        break;
    }
}
