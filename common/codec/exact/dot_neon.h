/* Innermost products by the dot product instructions of Armv8.2. */
#ifndef LACONIC_CODEC_EXACT_DOT_NEON_H
#define LACONIC_CODEC_EXACT_DOT_NEON_H

#include <arm_neon.h>
#include <string.h>
#include "codec/exact/ops.h"

enum { DOT_BIAS = 0, DOT_ROWS = 4 };

static inline void dot_begin(void) {}
static inline void dot_end(void) {}

#define DOT_INLINE static inline __attribute__((always_inline))

/* Four bytes, four times. */
DOT_INLINE int8x16_t dot_spread(const void *four) {
    int32_t word;
    memcpy(&word, four, sizeof word);
    return vreinterpretq_s8_s32(vdupq_n_s32(word));
}

/* Half a panel: eight outputs. */
DOT_INLINE void dot_half(int32_t *sums, const int8_t *q, size_t depth, const uint8_t *x, size_t stride,
                         const size_t rows) {
    int32x4_t sum[DOT_ROWS][2];
    for (size_t r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = vdupq_n_s32(0);
    for (size_t k = 0; k < depth; k += EXACT_GROUP) {
        int8x16_t first = vld1q_s8(q + k * EXACT_PANEL), second = vld1q_s8(q + k * EXACT_PANEL + 16);
        for (size_t r = 0; r < rows; r++) {
            int8x16_t a = dot_spread(x + r * stride + k);
            sum[r][0] = vdotq_s32(sum[r][0], a, first);
            sum[r][1] = vdotq_s32(sum[r][1], a, second);
        }
    }
    for (size_t r = 0; r < rows; r++) {
        vst1q_s32(sums + r * EXACT_OUTPUTS, sum[r][0]);
        vst1q_s32(sums + r * EXACT_OUTPUTS + 4, sum[r][1]);
    }
}

static void dot_tile(int32_t *sums, const int8_t *w, size_t depth, const uint8_t *x, size_t stride,
                     size_t rows) {
    for (size_t o = 0; o < EXACT_OUTPUTS; o += 8) {
        const int8_t *q = w + o / EXACT_PANEL * EXACT_PANEL * depth + o % EXACT_PANEL * EXACT_GROUP;
        switch (rows) {
        case 4:
            dot_half(sums + o, q, depth, x, stride, 4);
            break;
        case 3:
            dot_half(sums + o, q, depth, x, stride, 3);
            break;
        case 2:
            dot_half(sums + o, q, depth, x, stride, 2);
            break;
        default:
            dot_half(sums + o, q, depth, x, stride, 1);
        }
    }
}

static void dot_keys(int32_t *sums, const uint8_t *keys, const int8_t *q, size_t width) {
    for (size_t j = 0; j < EXACT_KEYS; j += 4) {
        const int8_t *block = (const int8_t *)keys + j / 16 * 16 * width + j % 16 * 4;
        int32x4_t sum = vdupq_n_s32(0);
        for (size_t d = 0; d < width; d += 4)
            sum = vdotq_s32(sum, dot_spread(q + d), vld1q_s8(block + d * 16));
        vst1q_s32(sums + j, sum);
    }
}

/* The instruction that multiplies unsigned by signed bytes is younger: weights w are w - 128 here, and 128
 * times the sum of the values is added again. */
static void dot_values(int32_t *high, int32_t *low, const int8_t *values, const uint8_t *weights,
                       size_t width) {
    const uint8x16_t offset = vdupq_n_u8(128);
    for (size_t d = 0; d < width; d += 4) {
        int32x4_t h = vdupq_n_s32(0), l = h, sum = h;
        for (size_t j = 0; j < EXACT_KEYS; j += 4) {
            int8x16_t v = vld1q_s8(values + j * width + d * 4);
            uint8x16_t wh = vreinterpretq_u8_s8(dot_spread(weights + j));
            uint8x16_t wl = vreinterpretq_u8_s8(dot_spread(weights + EXACT_KEYS + j));
            h = vdotq_s32(h, vreinterpretq_s8_u8(veorq_u8(wh, offset)), v);
            l = vdotq_s32(l, vreinterpretq_s8_u8(veorq_u8(wl, offset)), v);
            sum = vdotq_s32(sum, vdupq_n_s8(1), v);
        }
        sum = vshlq_n_s32(sum, 7);
        vst1q_s32(high + d, vaddq_s32(vld1q_s32(high + d), vaddq_s32(h, sum)));
        vst1q_s32(low + d, vaddq_s32(vld1q_s32(low + d), vaddq_s32(l, sum)));
    }
}

#endif
