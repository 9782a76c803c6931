/* What happens to a tile of sums on its way to C (enum gemm_write). Part of gemm_bf16_block.c, compiled with
 * it. */
#ifndef LACONIC_KERNELS_GEMM_FINISH_H
#define LACONIC_KERNELS_GEMM_FINISH_H

#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif
#include "kernels/dropout.h"
#include "kernels/gemm_bf16_block.h"
#include "kernels/gemm_tile.h"
#include "kernels/vec.h"

/* Sixteen elements of a row: where they lie and which they are. */
struct place {
    size_t at;       /* in c, x, gate, other */
    uint32_t number; /* of the first, for dropout */
};

struct finishing {
    struct gemm_result result;
    float scale, keep; /* 1 / (1 - dropout rate) */
    uint32_t threshold, seed;
};

static struct finishing finishing_of(const struct gemm_result *r) {
    struct finishing f = {.result = *r, .scale = r->scale == 0.0f ? 1.0f : r->scale};
    if (r->dropout_rate > 0.0f) {
        f.threshold = dropout_threshold(r->dropout_rate);
        f.seed = (uint32_t)dropout_key(r->dropout_key, 0);
        f.keep = 1.0f / (1.0f - r->dropout_rate);
    }
    return f;
}

VEC_INLINE vec load_values(struct values v, size_t at) {
    return v.f32 ? vec_load(v.f32 + at) : vec_from_bf16(v.b16 + at);
}

/* The instruction rounds as vec_to_bf16() does, but takes subnormal numbers for zero. */
VEC_INLINE void store_bf16(bf16 *p, vec x) {
#if defined(__AVX512BF16__)
    __m256bh rounded = _mm512_cvtneps_pbh((__m512)x);
    memcpy(p, &rounded, sizeof rounded);
#else
    vec_to_bf16(p, x);
#endif
}

VEC_INLINE void store_values(struct values v, size_t at, vec x) {
    if (v.f32)
        vec_store(v.f32 + at, x);
    else
        store_bf16(v.b16 + at, x);
}

VEC_INLINE vec dropped(const struct finishing *f, vec sum, struct place p) {
    return f->threshold ? vec_dropout(sum, f->threshold, f->keep, f->seed, p.number) : sum;
}

VEC_INLINE void finish_lanes(const struct finishing *f, enum gemm_write write, vec sum, struct place p) {
    const struct gemm_result *r = &f->result;
    const vec zero = vec_all(0.0f);
    vec kept = dropped(f, sum, p), x, active;
    switch (write) {
    case GEMM_STORE:
        store_values(r->c, p.at, kept * f->scale);
        break;
    case GEMM_ADD:
        vec_store(r->c.f32 + p.at, vec_load(r->c.f32 + p.at) + kept * f->scale);
        break;
    case GEMM_RELU:
        store_values(r->c, p.at, vec_select(kept > zero, kept, zero));
        break;
    case GEMM_RELU_BACKWARD:
        store_values(r->c, p.at, vec_select(load_values(r->x, p.at) > zero, kept, zero));
        break;
    case GEMM_GATED_GELU:
        store_values(r->other, p.at, sum);
        store_values(r->c, p.at, vec_gelu(load_values(r->x, p.at)) * kept);
        break;
    case GEMM_GATED_GELU_BACKWARD:
        x = load_values(r->x, p.at);
        active = kept * load_values(r->gate, p.at);
        store_values(r->other, p.at, kept * vec_gelu(x));
        store_values(r->c, p.at, active * vec_gelu_derivative(x));
        break;
    }
}

/* On a copy of its own, which no store can change: its fields stay in registers. */
VEC_INLINE void finish_rows(const struct finishing *shared, enum gemm_write write, const float *sums,
                            size_t rows, struct place p, size_t columns) {
    const struct finishing f = *shared;
    for (size_t i = 0; i < rows; i++, p.at += (size_t)f.result.ldc, p.number += (uint32_t)columns)
        for (size_t half = 0; half < BF16_PANEL; half += LANES)
            finish_lanes(&f, write, vec_load(sums + i * BF16_PANEL + half),
                         (struct place){p.at + half, p.number + (uint32_t)half});
}

/* One switch per tile instead of one per sixteen numbers. */
static void finish_by_kind(const struct finishing *f, enum gemm_write write, const float *sums, size_t rows,
                           struct place p, size_t columns) {
    switch (write) {
    case GEMM_STORE:
        finish_rows(f, GEMM_STORE, sums, rows, p, columns);
        break;
    case GEMM_ADD:
        finish_rows(f, GEMM_ADD, sums, rows, p, columns);
        break;
    case GEMM_RELU:
        finish_rows(f, GEMM_RELU, sums, rows, p, columns);
        break;
    case GEMM_RELU_BACKWARD:
        finish_rows(f, GEMM_RELU_BACKWARD, sums, rows, p, columns);
        break;
    case GEMM_GATED_GELU:
        finish_rows(f, GEMM_GATED_GELU, sums, rows, p, columns);
        break;
    case GEMM_GATED_GELU_BACKWARD:
        finish_rows(f, GEMM_GATED_GELU_BACKWARD, sums, rows, p, columns);
        break;
    }
}

/* A panel at the edge of C has fewer columns: it is finished on copies of panel width. */
struct edge {
    float c[GEMM_TILE_ROWS * BF16_PANEL], x[GEMM_TILE_ROWS * BF16_PANEL], gate[GEMM_TILE_ROWS * BF16_PANEL],
        other[GEMM_TILE_ROWS * BF16_PANEL];
};

static void copy_values(struct values to, size_t to_row, struct values from, size_t from_row, size_t rows,
                        size_t width) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < width; j++) {
            vec one;
            if (from.f32) {
                one = vec_all(from.f32[i * from_row + j]);
            } else {
                uint16_t repeated[LANES] = {from.b16[i * from_row + j]};
                one = vec_from_bf16(repeated);
            }
            if (to.f32) {
                to.f32[i * to_row + j] = one[0];
            } else {
                uint16_t rounded[LANES];
                store_bf16(rounded, one);
                to.b16[i * to_row + j] = rounded[0];
            }
        }
}

static bool present(struct values v) {
    return v.f32 || v.b16;
}

static void finish_edge(const struct finishing *f, enum gemm_write write, const float *sums, size_t rows,
                        struct place p, size_t columns, size_t width) {
    struct edge edge = {0};
    const struct gemm_result *r = &f->result;
    struct finishing on_copies = *f;
    struct values *copies[] = {&on_copies.result.c, &on_copies.result.x, &on_copies.result.gate,
                               &on_copies.result.other};
    const struct values originals[] = {r->c, r->x, r->gate, r->other};
    float *rooms[] = {edge.c, edge.x, edge.gate, edge.other};
    for (int i = 0; i < 4; i++) {
        *copies[i] = (struct values){.f32 = rooms[i]};
        if (present(originals[i]))
            copy_values(*copies[i], BF16_PANEL, values_at(originals[i], p.at), (size_t)r->ldc, rows, width);
    }
    on_copies.result.ldc = BF16_PANEL;
    finish_by_kind(&on_copies, write, sums, rows, (struct place){0, p.number}, columns);
    copy_values(values_at(r->c, p.at), (size_t)r->ldc, *copies[0], BF16_PANEL, rows, width);
    if (present(r->other))
        copy_values(values_at(r->other, p.at), (size_t)r->ldc, *copies[3], BF16_PANEL, rows, width);
}

/* sums [rows, 32] for rows row .. of panel `panel`; `more`: they add to what C has of earlier parts of k. */
static void finish_tile(const struct gemm_bf16_job *job, const struct finishing *f, const float *sums,
                        size_t row, size_t rows, size_t panel, bool more) {
    size_t column = panel * BF16_PANEL, width = job->n - column;
    struct place p = {row * (size_t)f->result.ldc + column, (uint32_t)(row * job->n + column)};
    enum gemm_write write = more ? GEMM_ADD : f->result.write;
    if (width >= BF16_PANEL)
        finish_by_kind(f, write, sums, rows, p, job->n);
    else
        finish_edge(f, write, sums, rows, p, job->n, width);
}

#endif
