/* Innermost products by AVX2: bytes are widened, since its own products of bytes would saturate. */
#ifndef LACONIC_CODEC_EXACT_DOT_AVX2_H
#define LACONIC_CODEC_EXACT_DOT_AVX2_H

#include <immintrin.h>
#include <string.h>
#include "codec/exact/ops.h"

enum { DOT_BIAS = 0, DOT_ROWS = 4 };

static inline void dot_begin(void) {}
static inline void dot_end(void) {}

#define DOT_INLINE static inline __attribute__((always_inline))

/* Sixteen bytes as sixteen words. */
DOT_INLINE __m256i dot_widen(const void *p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(p));
}

/* Four bytes, four times, as words. */
DOT_INLINE __m256i dot_spread(const void *four) {
    int32_t word;
    memcpy(&word, four, sizeof word);
    return _mm256_cvtepi8_epi16(_mm_set1_epi32(word));
}

/* Pairs of partial sums a0 a0 a1 a1 a2 a2 a3 a3 and those of b become a0 .. a3 b0 .. b3. */
DOT_INLINE __m256i dot_join(__m256i a, __m256i b) {
    return _mm256_permute4x64_epi64(_mm256_hadd_epi32(a, b), 0xd8);
}

/* One panel: sixteen outputs as four times four with two partial sums each. */
DOT_INLINE void dot_panel(int32_t *sums, const int8_t *q, size_t depth, const uint8_t *x, size_t stride,
                          const size_t rows) {
    for (size_t half = 0; half < 2; half++) {
        __m256i sum[DOT_ROWS][2];
        for (size_t r = 0; r < rows; r++)
            sum[r][0] = sum[r][1] = _mm256_setzero_si256();
        for (size_t k = 0; k < depth; k += EXACT_GROUP) {
            const int8_t *w = q + k * EXACT_PANEL + half * 32;
            __m256i first = dot_widen(w), second = dot_widen(w + 16);
            for (size_t r = 0; r < rows; r++) {
                __m256i a = dot_spread(x + r * stride + k);
                sum[r][0] = _mm256_add_epi32(sum[r][0], _mm256_madd_epi16(a, first));
                sum[r][1] = _mm256_add_epi32(sum[r][1], _mm256_madd_epi16(a, second));
            }
        }
        for (size_t r = 0; r < rows; r++)
            _mm256_storeu_si256((void *)(sums + r * EXACT_OUTPUTS + half * 8),
                                dot_join(sum[r][0], sum[r][1]));
    }
}

static void dot_tile(int32_t *sums, const int8_t *w, size_t depth, const uint8_t *x, size_t stride,
                     size_t rows) {
    for (size_t p = 0; p < EXACT_OUTPUTS / EXACT_PANEL; p++) {
        const int8_t *q = w + p * EXACT_PANEL * depth;
        int32_t *to = sums + p * EXACT_PANEL;
        switch (rows) {
        case 4:
            dot_panel(to, q, depth, x, stride, 4);
            break;
        case 3:
            dot_panel(to, q, depth, x, stride, 3);
            break;
        case 2:
            dot_panel(to, q, depth, x, stride, 2);
            break;
        default:
            dot_panel(to, q, depth, x, stride, 1);
        }
    }
}

static void dot_keys(int32_t *sums, const uint8_t *keys, const int8_t *q, size_t width) {
    for (size_t j = 0; j < EXACT_KEYS; j += 8) {
        const uint8_t *block = keys + j / 16 * 16 * width + j % 16 * 4;
        __m256i sum[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        for (size_t d = 0; d < width; d += 4) {
            __m256i four = dot_spread(q + d);
            for (size_t i = 0; i < 2; i++)
                sum[i] =
                    _mm256_add_epi32(sum[i], _mm256_madd_epi16(four, dot_widen(block + d * 16 + i * 16)));
        }
        _mm256_storeu_si256((void *)(sums + j), dot_join(sum[0], sum[1]));
    }
}

/* Weights are unsigned: as words they are the same products. */
DOT_INLINE __m256i dot_spread_unsigned(const void *four) {
    int32_t word;
    memcpy(&word, four, sizeof word);
    return _mm256_cvtepu8_epi16(_mm_set1_epi32(word));
}

static void dot_values(int32_t *high, int32_t *low, const int8_t *values, const uint8_t *weights,
                       size_t width) {
    for (size_t d = 0; d < width; d += 8) {
        __m256i h[2], l[2];
        for (size_t i = 0; i < 2; i++)
            h[i] = l[i] = _mm256_setzero_si256();
        for (size_t j = 0; j < EXACT_KEYS; j += 4) {
            __m256i wh = dot_spread_unsigned(weights + j), wl = dot_spread_unsigned(weights + EXACT_KEYS + j);
            for (size_t i = 0; i < 2; i++) {
                __m256i v = dot_widen(values + j * width + (d + 4 * i) * 4);
                h[i] = _mm256_add_epi32(h[i], _mm256_madd_epi16(wh, v));
                l[i] = _mm256_add_epi32(l[i], _mm256_madd_epi16(wl, v));
            }
        }
        __m256i *to_high = (void *)(high + d), *to_low = (void *)(low + d);
        _mm256_storeu_si256(to_high, _mm256_add_epi32(_mm256_loadu_si256(to_high), dot_join(h[0], h[1])));
        _mm256_storeu_si256(to_low, _mm256_add_epi32(_mm256_loadu_si256(to_low), dot_join(l[0], l[1])));
    }
}

#endif
