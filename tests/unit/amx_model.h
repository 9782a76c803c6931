/* The tile unit of AMX in C, after "TDPBF16PS", "LDTILECFG", "TILELOADD" and "TILESTORED" in volume 2 of
 * Intel's Software Developer's Manual, palette 1: eight tiles of at most sixteen rows of 64 bytes. Where the
 * manual has a fault (#UD, #GP), an assertion fails. It stands in for the intrinsics of <immintrin.h>.
 */
#ifndef LACONIC_TESTS_AMX_MODEL_H
#define LACONIC_TESTS_AMX_MODEL_H

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { AMX_TILES = 8, AMX_ROWS = 16, AMX_ROW_BYTES = 64, AMX_CONFIG_BYTES = 64 };

struct amx_tile {
    int rows, row_bytes;
    unsigned char data[AMX_ROWS][AMX_ROW_BYTES];
};

/* The state of one thread; all zero: tiles are in their initial state and unusable. */
struct amx_unit {
    bool configured;
    struct amx_tile tile[AMX_TILES];
};

static _Thread_local struct amx_unit amx;

/* Byte 0 palette, 1 first row after an interrupt, 2-15 zero, 16-31 bytes of a row, 32-47 zero, 48-55 rows,
 * 56-63 zero. */
static inline void _tile_loadconfig(const void *config) {
    unsigned char byte[AMX_CONFIG_BYTES];
    memcpy(byte, config, sizeof byte);
    assert(byte[0] == 1 && byte[1] == 0);
    for (int i = 0; i < AMX_CONFIG_BYTES; i++)
        assert((i >= 2 && i < 16) || (i >= 32 && i < 48) || i >= 56 ? byte[i] == 0 : true);
    memset(&amx, 0, sizeof amx);
    amx.configured = true;
    for (int t = 0; t < AMX_TILES; t++) {
        int row_bytes = byte[16 + 2 * t] + 256 * byte[17 + 2 * t], rows = byte[48 + t];
        assert(row_bytes <= AMX_ROW_BYTES && rows <= AMX_ROWS && (row_bytes == 0) == (rows == 0));
        amx.tile[t].row_bytes = row_bytes;
        amx.tile[t].rows = rows;
    }
}

static inline void _tile_release(void) {
    assert(amx.configured);
    memset(&amx, 0, sizeof amx);
}

static inline struct amx_tile *amx_usable(int number) {
    assert(number >= 0 && number < AMX_TILES && amx.configured && amx.tile[number].rows > 0);
    return &amx.tile[number];
}

static inline void _tile_zero(int number) {
    struct amx_tile *tile = amx_usable(number);
    memset(tile->data, 0, sizeof tile->data);
}

static inline void _tile_loadd(int number, const void *base, long stride) {
    struct amx_tile *tile = amx_usable(number);
    memset(tile->data, 0, sizeof tile->data);
    for (int r = 0; r < tile->rows; r++)
        memcpy(tile->data[r], (const unsigned char *)base + r * stride, (size_t)tile->row_bytes);
}

static inline void _tile_stored(int number, void *base, long stride) {
    const struct amx_tile *tile = amx_usable(number);
    for (int r = 0; r < tile->rows; r++)
        memcpy((unsigned char *)base + r * stride, tile->data[r], (size_t)tile->row_bytes);
}

static inline float amx_flush(float x) {
    return fabsf(x) < FLT_MIN ? copysignf(0.0f, x) : x;
}

static inline float amx_bf16(const struct amx_tile *tile, int row, int column) {
    uint16_t half;
    float x;
    memcpy(&half, &tile->data[row][2 * column], sizeof half);
    uint32_t bits = (uint32_t)half << 16;
    memcpy(&x, &bits, sizeof x);
    return amx_flush(x);
}

/* sum + a b, rounded once to nearest even, denormals as zero. The product of two bf16 is exact in float32
 * unless it is tiny or huge, and then an addition does it. */
static inline float amx_multiply_add(float sum, float a, float b) {
    float product = a * b;
    if (fabsf(product) >= FLT_MIN && fabsf(product) <= FLT_MAX)
        return amx_flush(sum + product);
    return amx_flush(fmaf(a, b, sum));
}

/* Of a row of A and a column of B the even and the odd members sum separately, from zero; their total is
 * rounded, then added. */
static inline void _tile_dpbf16ps(int sum_number, int a_number, int b_number) {
    struct amx_tile *sum = amx_usable(sum_number);
    const struct amx_tile *a = amx_usable(a_number), *b = amx_usable(b_number);
    assert(sum_number != a_number && sum_number != b_number && a_number != b_number);
    assert(sum->row_bytes % 4 == 0 && a->row_bytes % 4 == 0 && b->row_bytes % 4 == 0);
    assert(sum->rows == a->rows && a->row_bytes / 4 == b->rows && sum->row_bytes == b->row_bytes);
    for (int m = 0; m < sum->rows; m++)
        for (int n = 0; n < sum->row_bytes / 4; n++) {
            float even = 0.0f, odd = 0.0f, total;
            for (int k = 0; k < b->rows; k++) {
                even = amx_multiply_add(even, amx_bf16(a, m, 2 * k), amx_bf16(b, k, 2 * n));
                odd = amx_multiply_add(odd, amx_bf16(a, m, 2 * k + 1), amx_bf16(b, k, 2 * n + 1));
            }
            memcpy(&total, &sum->data[m][4 * n], sizeof total);
            total = amx_flush(amx_flush(total) + amx_flush(even + odd));
            memcpy(&sum->data[m][4 * n], &total, sizeof total);
        }
}

#endif
