/* Innermost products in plain C: what all other sets must equal. */
#ifndef LACONIC_CODEC_EXACT_DOT_SCALAR_H
#define LACONIC_CODEC_EXACT_DOT_SCALAR_H

#include "codec/exact/ops.h"

/* DOT_BIAS is what is added to the left factors, activations and keys, before they are stored as bytes: 128
 * where the instruction wants them unsigned. */
enum { DOT_BIAS = 0, DOT_ROWS = 8 };

static inline void dot_begin(void) {}
static inline void dot_end(void) {}

/* sums [rows, EXACT_OUTPUTS] of 4 panels of a matrix; DOT_ROWS rows at most. */
static void dot_tile(int32_t *sums, const int8_t *w, size_t depth, const uint8_t *x, size_t stride,
                     size_t rows) {
    for (size_t r = 0; r < rows; r++)
        for (size_t panel = 0; panel < EXACT_OUTPUTS / EXACT_PANEL; panel++) {
            const int8_t *row = (const int8_t *)x + r * stride, *q = w + panel * EXACT_PANEL * depth;
            int32_t *sum = sums + r * EXACT_OUTPUTS + panel * EXACT_PANEL;
            for (size_t o = 0; o < EXACT_PANEL; o++)
                sum[o] = 0;
            for (size_t k = 0; k < depth; k += EXACT_GROUP)
                for (size_t o = 0; o < EXACT_PANEL; o++)
                    for (size_t i = 0; i < EXACT_GROUP; i++)
                        sum[o] += row[k + i] * q[(k / EXACT_GROUP * EXACT_PANEL + o) * EXACT_GROUP + i];
        }
}

/* Products of a query with EXACT_KEYS keys. */
static void dot_keys(int32_t *sums, const uint8_t *keys, const int8_t *q, size_t width) {
    for (size_t j = 0; j < EXACT_KEYS; j++) {
        const int8_t *key = (const int8_t *)keys + j / 16 * 16 * width + j % 16 * 4;
        int32_t sum = 0;
        for (size_t d = 0; d < width; d++)
            sum += q[d] * key[d / 4 * 64 + d % 4];
        sums[j] = sum;
    }
}

/* high, low [width] += weights' bytes times EXACT_KEYS values. */
static void dot_values(int32_t *high, int32_t *low, const int8_t *values, const uint8_t *weights,
                       size_t width) {
    for (size_t j = 0; j < EXACT_KEYS; j++)
        for (size_t d = 0; d < width; d++) {
            int32_t value = values[(j / 4 * width + d) * 4 + j % 4];
            high[d] += weights[j] * value;
            low[d] += weights[EXACT_KEYS + j] * value;
        }
}

#endif
