/* One query of one head over packed keys and values, the step of decoding in bf16. Part of gemm_bf16_block.c
 * and compiled with it: a row alone is too little work for a matrix product, but its inner loop is the same.
 */
#ifndef LACONIC_KERNELS_ATTENTION_ROW_H
#define LACONIC_KERNELS_ATTENTION_ROW_H

#include "kernels/gemm_finish.h"
#include "kernels/vec.h"

/* sums = a (pairs side by side) times one packed panel. Four partial sums each, in a fixed order: one would
 * wait for itself. */
#if defined(__AVX512BF16__)
VEC_INLINE vec add_pairs_of(vec sum, uint32_t a, const uint32_t *b) {
    return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32((int)a),
                                 (__m512bh)_mm512_loadu_si512(b));
}
#else
VEC_INLINE vec add_pairs_of(vec sum, uint32_t a, const uint32_t *b) {
    vecu pair, both = (vecu){0} + a;
    memcpy(&pair, b, sizeof pair);
    sum += (vec)(both << 16) * (vec)(pair << 16);
    return sum + (vec)(both & 0xffff0000u) * (vec)(pair & 0xffff0000u);
}
#endif

VEC_INLINE void multiply_row(vec sums[2], const uint32_t *a, const uint32_t *b, size_t pairs) {
    enum { PARTS = 4 };
    vec part[PARTS][2];
    for (size_t s = 0; s < PARTS; s++)
        part[s][0] = part[s][1] = vec_all(0.0f);
    size_t p = 0;
    for (; p + PARTS <= pairs; p += PARTS)
        for (size_t s = 0; s < PARTS; s++) {
            part[s][0] = add_pairs_of(part[s][0], a[p + s], b + (p + s) * BF16_PANEL);
            part[s][1] = add_pairs_of(part[s][1], a[p + s], b + (p + s) * BF16_PANEL + LANES);
        }
    for (; p < pairs; p++) {
        part[0][0] = add_pairs_of(part[0][0], a[p], b + p * BF16_PANEL);
        part[0][1] = add_pairs_of(part[0][1], a[p], b + p * BF16_PANEL + LANES);
    }
    for (size_t half = 0; half < 2; half++)
        sums[half] = (part[0][half] + part[1][half]) + (part[2][half] + part[3][half]);
}

/* scores [count rounded up to a panel] of a query; returns the largest of the first `count`. */
static float score_keys(float *scores, const struct gemm_bf16_row *r) {
    size_t width = BF16_PANEL * bf16_packed_pairs(r->width);
    vec largest = vec_all(-3.0e38f);
    for (size_t j = 0; j < r->count; j += BF16_PANEL) {
        vec sums[2];
        multiply_row(sums, (const uint32_t *)(const void *)r->q,
                     (const uint32_t *)(const void *)r->keys + j / BF16_PANEL * width, (size_t)r->width / 2);
        for (size_t half = 0; half < 2; half++) {
            size_t at = j + half * LANES, left = r->count > at ? r->count - at : 0;
            if (r->bias && left >= LANES)
                sums[half] += vec_load(r->bias + at);
            else if (r->bias && left > 0)
                sums[half] += vec_load_part(r->bias + at, left, 0.0f);
            vec_store(scores + at, sums[half]);
            if (left >= LANES)
                largest = vec_max(largest, sums[half]);
            else if (left > 0)
                largest = vec_max(largest, vec_load_part(scores + at, left, -3.0e38f));
        }
    }
    return vec_largest(largest);
}

/* Scores become e^(score - largest) in bf16, in the front half of the same memory, zero from `count` to an
 * even number; returns their sum. */
static float weigh_scores(float *scores, float largest, size_t count) {
    vec total = vec_all(0.0f);
    for (size_t j = 0; j < count; j += LANES) {
        vec e = vec_exp(vec_load(scores + j) - largest);
        for (size_t lane = count - j; lane < LANES; lane++)
            e[lane] = 0.0f;
        total += e;
        store_bf16((bf16 *)(void *)scores + j, e);
    }
    return vec_sum(total);
}

static void attend(const struct gemm_bf16_row *r, float *scores) {
    const uint32_t *p = (const uint32_t *)(const void *)scores;
    float inverse = 1.0f / weigh_scores(scores, score_keys(scores, r), r->count);
    size_t panel_size = bf16_packed_pairs(r->capacity) * BF16_PANEL, width = (size_t)r->width,
           whole = r->count / 2;
    for (size_t d = 0; d < width; d += BF16_PANEL) {
        const uint32_t *values = (const uint32_t *)(const void *)r->values + d / BF16_PANEL * panel_size;
        vec sums[2];
        multiply_row(sums, p, values, whole);
        for (size_t half = 0; half < 2 && d + half * LANES < width; half++) {
            size_t at = d + half * LANES, n = width - at < LANES ? width - at : LANES;
            if (r->count % 2) { /* the last pair's other half may hold anything */
                vecu last;
                memcpy(&last, values + whole * BF16_PANEL + half * LANES, sizeof last);
                sums[half] += (vec)(last << 16) * (vec)((vecu){0} + (p[whole] << 16));
            }
            bf16 rounded[LANES];
            store_bf16(rounded, sums[half] * inverse);
            memcpy(r->out + at, rounded, n * sizeof *rounded);
        }
    }
}

#endif
