/* Innermost products by AVX-512 VNNI: unsigned times signed bytes, four at a time, into 32 bits. */
#ifndef LACONIC_CODEC_EXACT_DOT_AVX512_H
#define LACONIC_CODEC_EXACT_DOT_AVX512_H

#include <immintrin.h>
#include <string.h>
#include "codec/exact/ops.h"

enum { DOT_BIAS = 128, DOT_PANELS = EXACT_OUTPUTS / EXACT_PANEL };

static inline __attribute__((always_inline)) __m512i dot_spread(const void *four) {
    int32_t word;
    memcpy(&word, four, sizeof word);
    return _mm512_set1_epi32(word);
}

#ifndef EXACT_AMX
enum { DOT_ROWS = 6 }; /* 24 sums, 4 weights and a row's bytes in 32 registers */

static inline void dot_begin(void) {}
static inline void dot_end(void) {}

static inline __attribute__((always_inline)) void
dot_rows(int32_t *sums, const int8_t *w, size_t depth, const uint8_t *x, size_t stride, const size_t rows) {
    __m512i sum[DOT_ROWS][DOT_PANELS];
    for (size_t r = 0; r < rows; r++)
        for (size_t p = 0; p < DOT_PANELS; p++)
            sum[r][p] = _mm512_setzero_si512();
    for (size_t k = 0; k < depth; k += EXACT_GROUP) {
        __m512i q[DOT_PANELS];
        for (size_t p = 0; p < DOT_PANELS; p++)
            q[p] = _mm512_load_si512(w + p * EXACT_PANEL * depth + k * EXACT_PANEL);
        for (size_t r = 0; r < rows; r++) {
            __m512i a = dot_spread(x + r * stride + k);
            for (size_t p = 0; p < DOT_PANELS; p++)
                sum[r][p] = _mm512_dpbusd_epi32(sum[r][p], a, q[p]);
        }
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t p = 0; p < DOT_PANELS; p++)
            _mm512_store_si512(sums + r * EXACT_OUTPUTS + p * EXACT_PANEL, sum[r][p]);
}

static void dot_tile(int32_t *sums, const int8_t *w, size_t depth, const uint8_t *x, size_t stride,
                     size_t rows) {
    switch (rows) {
    case 6:
        dot_rows(sums, w, depth, x, stride, 6);
        break;
    case 5:
        dot_rows(sums, w, depth, x, stride, 5);
        break;
    case 4:
        dot_rows(sums, w, depth, x, stride, 4);
        break;
    case 3:
        dot_rows(sums, w, depth, x, stride, 3);
        break;
    case 2:
        dot_rows(sums, w, depth, x, stride, 2);
        break;
    default:
        dot_rows(sums, w, depth, x, stride, 1);
    }
}
#else
/* Tiles of AMX: 16 rows by 64 bytes; C of 16 rows by 16 sums. One panel of a matrix lies as the instruction
 * wants it. */
enum { DOT_ROWS = 16, DOT_TILE_BYTES = 64 };

static inline void dot_begin(void) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1};
    for (int t = 0; t < 6; t++) {
        config.bytes[t] = DOT_TILE_BYTES;
        config.rows[t] = 16;
    }
    _tile_loadconfig(&config);
}

static inline void dot_end(void) {
    _tile_release();
}

static void dot_tile(int32_t *sums, const int8_t *w, size_t depth, const uint8_t *x, size_t stride,
                     size_t rows) {
    _Alignas(64) uint8_t copy[16 * DOT_TILE_BYTES];
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t k = 0; k < depth; k += EXACT_DEPTH) {
        const int8_t *panel = w + k * EXACT_PANEL;
        if (rows < DOT_ROWS) {
            for (size_t r = 0; r < rows; r++)
                memcpy(copy + r * DOT_TILE_BYTES, x + r * stride + k, DOT_TILE_BYTES);
            _tile_loadd(4, copy, DOT_TILE_BYTES);
        } else {
            _tile_loadd(4, x + k, stride);
        }
        _tile_loadd(5, panel, DOT_TILE_BYTES);
        _tile_dpbusd(0, 4, 5);
        _tile_loadd(5, panel + EXACT_PANEL * depth, DOT_TILE_BYTES);
        _tile_dpbusd(1, 4, 5);
        _tile_loadd(5, panel + 2 * EXACT_PANEL * depth, DOT_TILE_BYTES);
        _tile_dpbusd(2, 4, 5);
        _tile_loadd(5, panel + 3 * EXACT_PANEL * depth, DOT_TILE_BYTES);
        _tile_dpbusd(3, 4, 5);
    }
    _tile_stored(0, sums, EXACT_OUTPUTS * sizeof *sums);
    _tile_stored(1, sums + EXACT_PANEL, EXACT_OUTPUTS * sizeof *sums);
    _tile_stored(2, sums + 2 * EXACT_PANEL, EXACT_OUTPUTS * sizeof *sums);
    _tile_stored(3, sums + 3 * EXACT_PANEL, EXACT_OUTPUTS * sizeof *sums);
}
#endif

/* The next block's lines are fetched meanwhile: streams are many, and their caches lie in the third level. */
static void dot_keys(int32_t *sums, const uint8_t *keys, const int8_t *q, size_t width) {
    enum { PANELS = EXACT_KEYS / 16 };
    __m512i sum[PANELS][2];
    for (size_t p = 0; p < PANELS; p++)
        sum[p][0] = sum[p][1] = _mm512_setzero_si512();
    for (size_t d = 0; d < width; d += 8) {
        __m512i first = dot_spread(q + d), second = dot_spread(q + d + 4);
        for (size_t p = 0; p < PANELS; p++) {
            const uint8_t *k = keys + p * 16 * width + d * 16;
            _mm_prefetch(k + EXACT_KEYS * width, _MM_HINT_T0);
            _mm_prefetch(k + EXACT_KEYS * width + 64, _MM_HINT_T0);
            sum[p][0] = _mm512_dpbusd_epi32(sum[p][0], _mm512_load_si512(k), first);
            sum[p][1] = _mm512_dpbusd_epi32(sum[p][1], _mm512_load_si512(k + 64), second);
        }
    }
    for (size_t p = 0; p < PANELS; p++)
        _mm512_store_si512(sums + 16 * p, _mm512_add_epi32(sum[p][0], sum[p][1]));
}

/* `panels` of sixteen numbers of every value; all sums stay in registers when their number is a constant. */
static inline __attribute__((always_inline)) void dot_some_values(int32_t *high, int32_t *low,
                                                                  const int8_t *values,
                                                                  const uint8_t *weights, size_t width,
                                                                  const size_t panels) {
    __m512i h[4], l[4];
    for (size_t p = 0; p < panels; p++) {
        h[p] = _mm512_load_si512(high + 16 * p);
        l[p] = _mm512_load_si512(low + 16 * p);
    }
    for (size_t j = 0; j < EXACT_KEYS; j += 4) {
        __m512i wh = dot_spread(weights + j), wl = dot_spread(weights + EXACT_KEYS + j);
        for (size_t p = 0; p < panels; p++) {
            const int8_t *v = values + j * width + 64 * p;
            _mm_prefetch(v + EXACT_KEYS * width, _MM_HINT_T0);
            h[p] = _mm512_dpbusd_epi32(h[p], wh, _mm512_load_si512(v));
            l[p] = _mm512_dpbusd_epi32(l[p], wl, _mm512_load_si512(v));
        }
    }
    for (size_t p = 0; p < panels; p++) {
        _mm512_store_si512(high + 16 * p, h[p]);
        _mm512_store_si512(low + 16 * p, l[p]);
    }
}

static void dot_values(int32_t *high, int32_t *low, const int8_t *values, const uint8_t *weights,
                       size_t width) {
    size_t d = 0;
    for (; d + 64 <= width; d += 64)
        dot_some_values(high + d, low + d, values + 4 * d, weights, width, 4);
    for (; d < width; d += 16)
        dot_some_values(high + d, low + d, values + 4 * d, weights, width, 1);
}

#endif
