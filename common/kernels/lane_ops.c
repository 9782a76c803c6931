/* The innermost loops (lane_ops.h). Compiled once per instruction set, with LANE_OPS_SET naming the result.
 */
#include "kernels/lane_ops.h"
#include <math.h>
#include "kernels/vec.h"

/* A part of an array that is shorter than the lanes, padded. */
#define TAIL(p, fill) vec_load_part((p) + i, n - i, fill)

/* The terms of dot() by lanes. */
VEC_INLINE vec dot_lanes(const float *a, const float *b, size_t n) {
    vec total = vec_all(0.0f);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        total += vec_load(a + i) * vec_load(b + i);
    if (i < n)
        total += TAIL(a, 0.0f) * TAIL(b, 0.0f);
    return total;
}

static float dot(const float *a, const float *b, size_t n) {
    return vec_sum(dot_lanes(a, b, n));
}

/* Floats over a piece short enough to lose nothing that matters, doubles over the pieces. */
static double sum_of_squares(const float *a, size_t n) {
    enum { PIECE = 64 * LANES };
    double total = 0;
    for (size_t first = 0; first < n; first += PIECE)
        total += (double)dot(a + first, a + first, n - first < PIECE ? n - first : PIECE);
    return total;
}

/* Four at a time: a comparison waits for the one before. */
static float max(const float *a, size_t n) {
    vec best[4];
    size_t i = 0;
    for (size_t s = 0; s < 4; s++)
        best[s] = vec_all(a[0]);
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        for (size_t s = 0; s < 4; s++)
            best[s] = vec_max(best[s], vec_load(a + i + s * LANES));
    for (; i + LANES <= n; i += LANES)
        best[0] = vec_max(best[0], vec_load(a + i));
    if (i < n)
        best[0] = vec_max(best[0], TAIL(a, a[0]));
    return vec_largest(vec_max(vec_max(best[0], best[1]), vec_max(best[2], best[3])));
}

static void axpy(float *y, float a, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        y[i] += a * x[i];
}

static void scale(float *y, float a, size_t n) {
    for (size_t i = 0; i < n; i++)
        y[i] *= a;
}

static float exp_sum(const float *x, float *out, float largest, size_t n) {
    const vec top = vec_all(largest);
    vec total = vec_all(0.0f);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vec e = vec_exp(vec_load(x + i) - top);
        total += e;
        if (out)
            vec_store(out + i, e);
    }
    if (i < n) {
        vec e = vec_exp(TAIL(x, -3.0e38f) - top); /* the padding adds e^-large = 0 */
        for (size_t lane = n - i; lane < LANES; lane++)
            e[lane] = 0.0f; /* also where `largest` is that small itself */
        total += e;
        if (out)
            vec_store_part(out + i, e, n - i);
    }
    return vec_sum(total);
}

static float exp_scaled(const float *x, float *out, float factor, float largest, size_t n) {
    const vec top = vec_all(largest);
    vec total = vec_all(0.0f);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vec e = vec_exp((vec_load(x + i) - top) * factor);
        total += e;
        vec_store(out + i, e);
    }
    if (i < n) {
        vec e = vec_exp((TAIL(x, largest) - top) * factor);
        for (size_t lane = n - i; lane < LANES; lane++)
            e[lane] = 0.0f;
        total += e;
        vec_store_part(out + i, e, n - i);
    }
    return vec_sum(total);
}

static size_t count_from(const float *x, float least, float *sum, size_t n) {
    vec total = vec_all(0.0f);
    veci count = {0};
    size_t i = 0, kept = 0;
    for (; i + LANES <= n; i += LANES) {
        vec v = vec_load(x + i);
        veci above = v >= least;
        count -= above;
        total += vec_select(above, v, vec_all(0.0f));
    }
    float last = 0.0f;
    for (; i < n; i++)
        if (x[i] >= least) {
            kept++;
            last += x[i];
        }
    for (size_t lane = 0; lane < LANES; lane++)
        kept += (size_t)count[lane];
    *sum = vec_sum(total) + last;
    return kept;
}

static void softmax(float *x, size_t n) {
    float total = exp_sum(x, x, max(x, n), n);
    scale(x, 1.0f / total, n);
}

static void norm(float *y, const float *x, const float *weight, float inv, size_t n) {
    for (size_t i = 0; i < n; i++)
        y[i] = weight[i] * (x[i] * inv);
}

static void norm_round(uint16_t *y, const float *x, const float *weight, float inv, size_t n) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        vec_to_bf16(y + i, vec_load(weight + i) * (vec_load(x + i) * inv));
    if (i < n)
        vec_to_bf16_part(y + i, TAIL(weight, 0.0f) * (TAIL(x, 0.0f) * inv), n - i);
}

static void norm_backward(float *dx, const float *dy, const float *x, const float *weight, float inv,
                          size_t n) {
    vec total = vec_all(0.0f);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        total += vec_load(dy + i) * vec_load(weight + i) * vec_load(x + i);
    if (i < n)
        total += TAIL(dy, 0.0f) * TAIL(weight, 0.0f) * TAIL(x, 0.0f);
    float common = vec_sum(total) * inv * inv * inv / (float)n;
    for (i = 0; i < n; i++)
        dx[i] += dy[i] * weight[i] * inv - x[i] * common;
}

static void multiply_add(float *y, const float *a, const float *b, float factor, size_t n) {
    for (size_t i = 0; i < n; i++)
        y[i] += a[i] * b[i] * factor;
}

static void relu(float *y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] > 0.0f ? x[i] : 0.0f;
}

static void relu_backward(float *dx, const float *dy, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        dx[i] = x[i] > 0.0f ? dy[i] : 0.0f;
}

static void gated_gelu(float *y, const float *x, const float *gate, size_t n) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        vec_store(y + i, vec_gelu(vec_load(x + i)) * vec_load(gate + i));
    if (i < n)
        vec_store_part(y + i, vec_gelu(TAIL(x, 0.0f)) * TAIL(gate, 0.0f), n - i);
}

static void gated_gelu_backward(float *dx, float *dgate, const float *dy, const float *x, const float *gate,
                                size_t n) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vec vx = vec_load(x + i), vd = vec_load(dy + i), vg = vec_load(gate + i);
        vec_store(dgate + i, vd * vec_gelu(vx));
        vec_store(dx + i, vd * vg * vec_gelu_derivative(vx));
    }
    if (i < n) {
        vec vx = TAIL(x, 0.0f), vd = TAIL(dy, 0.0f), vg = TAIL(gate, 0.0f);
        vec_store_part(dgate + i, vd * vec_gelu(vx), n - i);
        vec_store_part(dx + i, vd * vg * vec_gelu_derivative(vx), n - i);
    }
}

static void dropout(float *y, const float *x, size_t n, uint32_t threshold, float factor, uint32_t seed,
                    uint32_t first) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        vec_store(y + i, vec_dropout(vec_load(x + i), threshold, factor, seed, first + (uint32_t)i));
    if (i < n)
        vec_store_part(y + i, vec_dropout(TAIL(x, 0.0f), threshold, factor, seed, first + (uint32_t)i),
                       n - i);
}

static void bf16_round(uint16_t *y, const float *x, size_t n) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        vec_to_bf16(y + i, vec_load(x + i));
    if (i < n)
        vec_to_bf16_part(y + i, TAIL(x, 0.0f), n - i);
}

static void bf16_widen(float *y, const uint16_t *x, size_t n) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        vec_store(y + i, vec_from_bf16(x + i));
    if (i < n)
        vec_store_part(y + i, vec_from_bf16_part(x + i, n - i), n - i);
}

static void bf16_pair_rows(uint32_t *y, const uint16_t *x, size_t stride, size_t pairs) {
    for (size_t p = 0; p < pairs; p++, y += 2 * LANES, x += 2 * stride)
        for (size_t half = 0; half < 2 * LANES; half += LANES) {
            vech low, high;
            memcpy(&low, x + half, sizeof low);
            memcpy(&high, x + stride + half, sizeof high);
            vecu pair = __builtin_convertvector(low, vecu) | __builtin_convertvector(high, vecu) << 16;
            memcpy(y + half, &pair, sizeof pair);
        }
}

static void bf16_pair_round(uint32_t *y, const float *low, const float *high, size_t n) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vecu pair =
            vec_round_bf16(vec_load(low + i)) >> 16 | (vec_round_bf16(vec_load(high + i)) & 0xffff0000u);
        memcpy(y + i, &pair, sizeof pair);
    }
    if (i < n) {
        vecu pair = vec_round_bf16(TAIL(low, 0.0f)) >> 16 | (vec_round_bf16(TAIL(high, 0.0f)) & 0xffff0000u);
        memcpy(y + i, &pair, (n - i) * sizeof *y);
    }
}

/* Sixteen rows of sixteen words, x rows `stride` apart, become y's, a panel apart. */
VEC_INLINE void transpose_block(uint32_t *y, const uint32_t *x, size_t stride) {
    vecu block[LANES];
    for (size_t i = 0; i < LANES; i++)
        memcpy(&block[i], x + i * stride, sizeof block[i]);
    vec_transpose(block);
    for (size_t i = 0; i < LANES; i++)
        memcpy(y + i * 2 * LANES, &block[i], sizeof block[i]);
}

static void transpose_edge(uint32_t *y, const uint32_t *x, size_t stride, size_t rows, size_t columns) {
    uint32_t copy[LANES * LANES] = {0};
    for (size_t i = 0; i < rows; i++)
        memcpy(copy + i * LANES, x + i * stride, columns * sizeof *x);
    transpose_block(y, copy, LANES);
}

static void transpose_panel(uint32_t *y, const uint32_t *x, size_t stride, size_t rows, size_t columns) {
    for (size_t c = 0; c < columns; c += LANES)
        for (size_t half = 0; half < 2 * LANES; half += LANES) {
            size_t width = columns - c < LANES ? columns - c : LANES;
            size_t height = rows <= half ? 0 : rows - half < LANES ? rows - half : LANES;
            uint32_t *to = y + c * 2 * LANES + half;
            if (width == LANES && height == LANES)
                transpose_block(to, x + half * stride + c, stride);
            else
                transpose_edge(to, x + half * stride + c, stride, height, width);
        }
}

static void adamw(float *w, float *m, float *v, float *g, size_t n, const struct lane_adamw *s) {
    const float b1 = s->beta1, b2 = s->beta2, epsilon = s->epsilon;
    for (size_t i = 0; i < n; i++) {
        float gradient = g[i] * s->gradient_scale;
        m[i] = b1 * m[i] + (1.0f - b1) * gradient;
        v[i] = b2 * v[i] + (1.0f - b2) * gradient * gradient;
        w[i] = w[i] * s->keep - s->rate * m[i] / (sqrtf(v[i] * s->inverse_v) + epsilon);
        g[i] = 0.0f;
    }
}

#include "kernels/lane_attention.h"
#include "kernels/lane_attend.h"

static void gemm_panel(float *sums, const float *packed, const float *a, size_t row, size_t column,
                       size_t rows, size_t depth) {
    for (size_t i = 0; i < rows; i += GEMM_TILE) {
        const float *from[GEMM_TILE];
        vec s[GEMM_TILE][2];
        for (size_t r = 0; r < GEMM_TILE; r++) { /* a short last tile repeats its last row into spare sums */
            from[r] = a + (i + r < rows ? i + r : rows - 1) * row;
            s[r][0] = vec_load(sums + (i + r) * GEMM_PANEL);
            s[r][1] = vec_load(sums + (i + r) * GEMM_PANEL + LANES);
        }
        for (size_t k = 0; k < depth; k++) {
            vec b0 = vec_load(packed + k * GEMM_PANEL), b1 = vec_load(packed + k * GEMM_PANEL + LANES);
            for (size_t r = 0; r < GEMM_TILE; r++) {
                vec x = vec_all(from[r][k * column]);
                s[r][0] += x * b0;
                s[r][1] += x * b1;
            }
        }
        for (size_t r = 0; r < GEMM_TILE; r++) {
            vec_store(sums + (i + r) * GEMM_PANEL, s[r][0]);
            vec_store(sums + (i + r) * GEMM_PANEL + LANES, s[r][1]);
        }
    }
}

#define TEXT_OF(name) #name
#define NAME_OF(set) TEXT_OF(set)
#define JOIN(a, b) a##b
#define TABLE_OF(set) JOIN(lane_ops_, set)

const struct lane_ops TABLE_OF(LANE_OPS_SET) = {.name = NAME_OF(LANE_OPS_SET),
#define LANE_OPS_ENTRY(result, field, parameters) .field = field,
                                                LANE_OPS(LANE_OPS_ENTRY)
#undef LANE_OPS_ENTRY
};
