/* Rounding to bf16 against distances in double precision, and packed matrices element by element against the
 * formula of bf16.h, under every instruction set this CPU has. */
#include "kernels/bf16.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "base/threads.h"
#include "kernels/lane_ops.h"

static const char *const sets[] = {"scalar", "avx2", "avx512"};
enum { SETS = 3, SENTINEL = 0xabcd };

static float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* The magnitude that bf16 bits would have without an end of the exponent. */
static double magnitude(uint32_t half) {
    uint32_t exponent = (half & 0x7fffu) >> 7, fraction = half & 0x7fu;
    return exponent ? ldexp(128 + fraction, (int)exponent - 134) : ldexp(fraction, -133);
}

/* The nearer neighbour, of two equally near the even one. Infinity counts as the next power of two. */
static uint16_t nearest(uint32_t bits) {
    uint32_t below = bits >> 16;
    if ((bits & 0x7f800000u) == 0x7f800000u)
        return (uint16_t)below;
    double x = fabs((double)float_of(bits)), down = x - magnitude(below), up = magnitude(below + 1) - x;
    return (uint16_t)(up < down || (up == down && below % 2 == 1) ? below + 1 : below);
}

/* All upper halves with the lower halves around a tie. */
static void check_rounding(const char *set) {
    static const uint32_t lower[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
    enum { LOWER = sizeof lower / sizeof *lower, COUNT = 65536 * LOWER + 5 };
    float *x = calloc(COUNT, sizeof *x), *wide = calloc(COUNT, sizeof *wide);
    bf16 *y = calloc(COUNT + 1, sizeof *y);
    for (size_t i = 0; i < COUNT; i++) {
        uint32_t bits = (uint32_t)(i / LOWER) % 65536 << 16 | lower[i % LOWER];
        memcpy(x + i, &bits, sizeof bits);
    }
    y[COUNT] = SENTINEL;
    bf16_from_float(y, x, COUNT);
    bf16_to_float(wide, y, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        uint32_t bits = (uint32_t)(i / LOWER) % 65536 << 16 | lower[i % LOWER];
        if ((bits & 0x7fffffffu) > 0x7f800000u) {
            cr_assert(isnan(wide[i]), "%s: not-a-number %08x became %04x", set, bits, y[i]);
            continue;
        }
        cr_assert_eq(y[i], nearest(bits), "%s: %08x became %04x, nearest is %04x", set, bits, y[i],
                     nearest(bits));
        cr_assert_eq(bits_of(wide[i]), (uint32_t)y[i] << 16, "%s: %04x widened to %08x", set, y[i],
                     bits_of(wide[i]));
    }
    cr_assert_eq(y[COUNT], SENTINEL);
    free(x);
    free(wide);
    free(y);
}

Test(bf16, rounding) {
    cr_assert_eq(nearest(0x3f808000), 0x3f80); /* 1 + 2^-8: a tie, down to even */
    cr_assert_eq(nearest(0x3f818000), 0x3f82); /* up to even */
    cr_assert_eq(nearest(0x00000001), 0);
    cr_assert_eq(nearest(0x7f7fffff), 0x7f80); /* FLT_MAX to infinity */
    for (int s = 0; s < SETS; s++)
        if (lane_ops_select(sets[s]))
            check_rounding(sets[s]);
}

Test(bf16, rounding_over_threads) {
    cr_assert_eq(threads_start(3), STATUS_OK);
    check_rounding(lane_ops->name);
    threads_stop();
}

static size_t place(size_t i, size_t j, int k) {
    return ((j / 32 * bf16_packed_pairs(k) + i / 2) * 32 + j % 32) * 2 + i % 2;
}

/* Rows of `ld` numbers with exactly the last one's end, so that the sanitizer sees reads beyond it. */
static bf16 *random_matrix(int rows, int columns, size_t ld) {
    struct rng rng;
    size_t size = (size_t)(rows - 1) * ld + (size_t)columns;
    bf16 *x = malloc(size * sizeof *x);
    rng_seed(&rng, size, "matrix");
    for (size_t i = 0; i < size; i++)
        x[i] = (bf16)(1 + rng_below(&rng, 65535)); /* never the zero of the padding */
    return x;
}

/* packed is B [k, n], B(i, j) = x[i row + j column]; zero beyond; nothing written behind. */
static void check_packed(const char *what, const bf16 *packed, const bf16 *x, size_t row, size_t column,
                         int k, int n) {
    size_t rows = 2 * bf16_packed_pairs(k), columns = bf16_packed_count(k, n) / rows;
    cr_assert(rows % 32 == 0 && rows >= (size_t)k && rows < (size_t)k + 32);
    cr_assert(columns % 32 == 0 && columns >= (size_t)n && columns < (size_t)n + 32);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            bf16 expected = i < (size_t)k && j < (size_t)n ? x[i * row + j * column] : 0;
            cr_assert_eq(packed[place(i, j, k)], expected, "%s [%d, %d] under %s: element (%zu, %zu)", what,
                         k, n, lane_ops->name, i, j);
        }
    cr_assert_eq(packed[bf16_packed_count(k, n)], SENTINEL, "%s [%d, %d]: written behind", what, k, n);
}

/* Room full of other numbers, so that padding must be written. */
static bf16 *packed_guarded(int k, int n) {
    size_t size = bf16_packed_count(k, n) + 1;
    bf16 *packed = malloc(size * sizeof *packed);
    for (size_t i = 0; i < size; i++)
        packed[i] = SENTINEL;
    return packed;
}

static const int lengths[] = {1, 2, 3, 15, 16, 17, 31, 32, 33, 64, 65, 100, 127, 128, 129, 200};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

static void check_packing(int k, int n, size_t spare) {
    size_t ldb = (size_t)n + spare, ld_transposed = ((size_t)k + spare + 1) / 2 * 2;
    bf16 *b = random_matrix(k, n, ldb), *transposed = random_matrix(n, k, ld_transposed);
    bf16 *packed = packed_guarded(k, n);
    bf16_pack(packed, b, ldb, k, n);
    check_packed("bf16_pack", packed, b, ldb, 1, k, n);
    free(packed);
    packed = packed_guarded(k, n);
    bf16_pack_transposed(packed, transposed, ld_transposed, k, n);
    check_packed("bf16_pack_transposed", packed, transposed, 1, ld_transposed, k, n);
    free(packed);
    free(transposed);
    free(b);
}

Test(bf16, packing) {
    for (int s = 0; s < SETS; s++)
        if (lane_ops_select(sets[s]))
            for (int i = 0; i < LENGTHS; i++)
                for (int j = 0; j < LENGTHS; j++)
                    check_packing(lengths[i], lengths[j], (size_t)(i + j) % 3);
}

Test(bf16, packing_over_threads) {
    cr_assert_eq(threads_start(4), STATUS_OK);
    check_packing(1000, 70, 1);
    check_packing(131, 300, 0);
    threads_stop();
}

/* Weights [out, in] in panels of 32 rows: the whole padding of both packed forms must come with them. */
static void check_weights(int out, int in) {
    bf16 *rounded = random_matrix(out, in, (size_t)in), *forward = packed_guarded(in, out),
         *backward = packed_guarded(out, in);
    size_t size = (size_t)out * (size_t)in;
    float *w = malloc(size * sizeof *w);
    struct rng rng;
    rng_seed(&rng, 5, "weights");
    for (size_t i = 0; i < size; i++) {
        w[i] = rng_normal(&rng) + 1e-3f;
        rounded[i] = nearest(bits_of(w[i]));
    }
    for (int row = 0; row < out; row += 32) {
        int rows = out - row < 32 ? out - row : 32;
        float *part =
            malloc((size_t)rows * (size_t)in * sizeof *part); /* its end is visible to the sanitizer */
        memcpy(part, w + (size_t)row * (size_t)in, (size_t)rows * (size_t)in * sizeof *part);
        bf16_pack_weights(forward, row % 64 ? NULL : backward, part, row / 32, rows, in, out);
        bf16_pack_weights(NULL, backward, part, row / 32, rows, in, out);
        free(part);
    }
    check_packed("bf16_pack_weights forward", forward, rounded, 1, (size_t)in, in, out);
    check_packed("bf16_pack_weights backward", backward, rounded, (size_t)in, 1, out, in);
    free(w);
    free(rounded);
    free(forward);
    free(backward);
}

Test(bf16, packing_weights) {
    for (int s = 0; s < SETS; s++)
        if (lane_ops_select(sets[s]))
            for (int i = 0; i < LENGTHS; i++)
                for (int j = 0; j < LENGTHS; j++)
                    check_weights(lengths[i], lengths[j]);
}
