/* bf16, the upper half of a float32: what the fast matrix products multiply, with float32 sums.
 *
 * A packed matrix B [k, n] stands ready for them: panels of BF16_PANEL columns, in a panel the rows two by
 * two, the two values of a column side by side. So element (i, j) is at
 *     ((j / 32 * pairs + i / 2) * 32 + j % 32) * 2 + i % 2,    pairs = bf16_packed_pairs(k),
 * and everything beyond k and n is zero. Packing costs a pass over B; weights are packed once per update.
 */
#ifndef LACONIC_KERNELS_BF16_H
#define LACONIC_KERNELS_BF16_H

#include <stddef.h>
#include <stdint.h>

typedef uint16_t bf16;

/* Numbers between layers, in the precision of the pass: exactly one pointer is set. */
struct values {
    float *f32;
    bf16 *b16;
};

/* Those from number `n` on. */
static inline struct values values_at(struct values v, size_t n) {
    return (struct values){v.f32 ? v.f32 + n : NULL, v.b16 ? v.b16 + n : NULL};
}

enum { BF16_PANEL = 32, BF16_PAIRS = 16 }; /* columns of a panel; its pairs of rows come in such multiples */

static inline size_t bf16_packed_pairs(int k) {
    return ((size_t)k + 2 * BF16_PAIRS - 1) / (2 * BF16_PAIRS) * BF16_PAIRS;
}

/* Numbers in a packed [k, n]. */
static inline size_t bf16_packed_count(int k, int n) {
    return ((size_t)n + BF16_PANEL - 1) / BF16_PANEL * bf16_packed_pairs(k) * 2 * BF16_PANEL;
}

/* To the nearest, ties to even; not-a-numbers stay so. Over threads. */
void bf16_from_float(bf16 *y, const float *x, size_t n);
void bf16_to_float(float *y, const bf16 *x, size_t n);

/* Packs b [k, n], rows ldb apart. Over threads, or inside a task on the calling thread. */
void bf16_pack(bf16 *packed, const bf16 *b, size_t ldb, int k, int n);

/* The same into the first rows of a packed matrix whose panels have `pairs`. On the calling thread; pairs
 * behind that of row k are left as they are. */
void bf16_pack_within(bf16 *packed, const bf16 *b, size_t ldb, int k, int n, size_t pairs);

/* Packs the transposed of b [n, k], rows ldb apart (even, and b 4-byte aligned). On the calling thread. */
void bf16_pack_transposed(bf16 *packed, const bf16 *b, size_t ldb, int k, int n);

/* Packs 32 rows of float32 weights w [rows <= 32, in] both ways: into panel `panel` of the packed [in, out]
 * (the transposed, for y = x W^T; NULL: not) and as rows 32 panel .. of the packed [out, in] (for dx = dy W;
 * NULL: not). On the calling thread. */
void bf16_pack_weights(bf16 *forward, bf16 *backward, const float *w, int panel, int rows, int in, int out);

/* All panels of w [out, in], over threads. */
void bf16_pack_matrix(bf16 *forward, bf16 *backward, const float *w, int in, int out);

#endif
