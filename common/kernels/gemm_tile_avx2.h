/* AVX2 with FMA: four rows by one half of a panel, eight registers of sums; pairs are split into float32
 * halves. */
#include <immintrin.h>

enum { GEMM_TILE_ROWS = 4, GEMM_TILE_WANTS_ROWS = 0 };

static void tile_begin(void) {}
static void tile_end(void) {}

static inline __m256 low_half(__m256i pair) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(pair, 16));
}

static inline __m256 high_half(__m256i pair) {
    return _mm256_castsi256_ps(_mm256_and_si256(pair, _mm256_set1_epi32((int)0xffff0000u)));
}

/* `rows` is a constant where this is inlined, so that the sums stay in registers. */
__attribute__((always_inline)) static inline void multiply_rows(float *sums, const uint32_t *a, size_t row,
                                                                size_t pair, const uint32_t *b, size_t pairs,
                                                                size_t rows) {
    __m256 left[GEMM_TILE_ROWS], right[GEMM_TILE_ROWS];
#pragma GCC unroll 4
    for (size_t i = 0; i < rows; i++)
        left[i] = right[i] = _mm256_setzero_ps();
    for (size_t p = 0; p < pairs; p++, a += pair, b += BF16_PANEL) {
        __m256i b0 = _mm256_loadu_si256((const __m256i *)b),
                b1 = _mm256_loadu_si256((const __m256i *)(b + 8));
        __m256 low0 = low_half(b0), high0 = high_half(b0), low1 = low_half(b1), high1 = high_half(b1);
#pragma GCC unroll 4
        for (size_t i = 0; i < rows; i++) {
            __m256i x = _mm256_set1_epi32((int)a[i * row]);
            __m256 low = low_half(x), high = high_half(x);
            left[i] = _mm256_fmadd_ps(high, high0, _mm256_fmadd_ps(low, low0, left[i]));
            right[i] = _mm256_fmadd_ps(high, high1, _mm256_fmadd_ps(low, low1, right[i]));
        }
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < rows; i++) {
        _mm256_storeu_ps(sums + i * BF16_PANEL, left[i]);
        _mm256_storeu_ps(sums + i * BF16_PANEL + 8, right[i]);
    }
}

static void tile_multiply(float *sums, const uint32_t *a, size_t row, size_t pair, const uint32_t *b,
                          size_t pairs, size_t rows) {
    for (size_t half = 0; half < BF16_PANEL; half += 16)
        switch (rows) {
        case 4:
            multiply_rows(sums + half, a, row, pair, b + half, pairs, 4);
            break;
        case 3:
            multiply_rows(sums + half, a, row, pair, b + half, pairs, 3);
            break;
        case 2:
            multiply_rows(sums + half, a, row, pair, b + half, pairs, 2);
            break;
        default:
            multiply_rows(sums + half, a, row, pair, b + half, pairs, 1);
            break;
        }
}
