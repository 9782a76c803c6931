/* The exact engine's innermost loops (ops.h). Compiled once per instruction set, EXACT_OPS_SET naming the
 * result; the innermost products are in dot_*.h. */
#include "codec/exact/ops.h"
#include <string.h>
#include "kernels/vec.h"
#if defined(EXACT_AVX512) || defined(EXACT_AMX)
#include "codec/exact/dot_avx512.h"
#elif defined(EXACT_AVX2)
#include "codec/exact/dot_avx2.h"
#elif defined(EXACT_NEON)
#include "codec/exact/dot_neon.h"
#else
#include "codec/exact/dot_scalar.h"
#endif

static const float SHIFTER = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer, ties to even */

/* ---- floats to integers ---- */

static float largest_magnitude(const float *x, size_t n) {
    vec largest = vec_all(0.0f);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vec v = vec_load(x + i);
        largest = vec_max(largest, vec_max(v, -v));
    }
    if (i < n) {
        vec v = vec_load_part(x + i, n - i, 0.0f);
        largest = vec_max(largest, vec_max(v, -v));
    }
    return vec_largest(largest);
}

VEC_INLINE veci round_lanes(vec v) {
    return (veci)(v + SHIFTER) - (veci)vec_all(SHIFTER);
}

typedef uint8_t vecb __attribute__((vector_size(16)));

VEC_INLINE void store_bytes(uint8_t *p, veci v) {
    vecb b = __builtin_convertvector((vecu)v, vecb);
    memcpy(p, &b, sizeof b);
}

/* q = round(x 127 / largest |x|) + bias, in whole lanes; returns the scale. */
VEC_INLINE float quantise_row(uint8_t *q, const float *x, size_t n, int bias) {
    float largest = largest_magnitude(x, n), factor = largest > 0.0f ? 127.0f / largest : 0.0f;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        store_bytes(q + i, round_lanes(vec_load(x + i) * factor) + bias);
    if (i < n)
        store_bytes(q + i, round_lanes(vec_load_part(x + i, n - i, 0.0f) * factor) + bias);
    return largest / 127.0f;
}

static void quantise(struct exact_rows *rows, int r, const float *x, size_t in) {
    size_t used = (in + LANES - 1) / LANES * LANES;
    uint8_t *q = rows->q + (size_t)r * rows->stride;
    rows->scale[r] = quantise_row(q, x, in, DOT_BIAS);
    memset(q + used, DOT_BIAS, rows->stride - used);
}

/* ---- products ---- */

/* y = or += float(sum) * (scale of the output * scale of the row) */
static void finish_tile(float *y, size_t y_stride, bool add, const struct exact_matrix *w, size_t output,
                        const int32_t *sums, const float *scale, size_t rows) {
    for (size_t r = 0; r < rows; r++)
        for (size_t o = 0; o < EXACT_OUTPUTS; o += LANES) {
            float *to = y + r * y_stride + o;
            veci sum, bias;
            memcpy(&sum, sums + r * EXACT_OUTPUTS + o, sizeof sum);
            memcpy(&bias, w->sums + output + o, sizeof bias);
            vec value = __builtin_convertvector(sum - bias * DOT_BIAS, vec) *
                        (vec_load(w->scale + output + o) * scale[r]);
            vec_store(to, add ? vec_load(to) + value : value);
        }
}

static void product(float *y, size_t y_stride, bool add, const struct exact_matrix *w, size_t first,
                    size_t count, const struct exact_rows *x) {
    _Alignas(64) int32_t sums[DOT_ROWS * EXACT_OUTPUTS];
    size_t all = (size_t)x->rows, depth = (size_t)w->depth;
    dot_begin();
    for (size_t o = 0; o < count; o += EXACT_OUTPUTS)
        for (size_t r = 0; r < all; r += DOT_ROWS) {
            size_t rows = all - r < DOT_ROWS ? all - r : DOT_ROWS;
            dot_tile(sums, w->q + (first + o) * depth, depth, x->q + r * x->stride, x->stride, rows);
            finish_tile(y + r * y_stride + o, y_stride, add, w, first + o, sums, x->scale + r, rows);
        }
    dot_end();
}

/* ---- rows of floats ---- */

static void norm(float *y, const float *x, const float *weight, float epsilon, size_t n) {
    vec total = vec_all(0.0f);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vec v = vec_load(x + i);
        total += v * v;
    }
    if (i < n) {
        vec v = vec_load_part(x + i, n - i, 0.0f);
        total += v * v;
    }
    float inv = 1.0f / __builtin_sqrtf(vec_sum(total) / (float)n + epsilon);
    for (i = 0; i < n; i++)
        y[i] = weight[i] * (x[i] * inv);
}

static void relu(float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] > 0.0f ? x[i] : 0.0f;
}

static void gated_gelu(float *x, const float *gate, size_t n) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        vec_store(x + i, vec_gelu(vec_load(gate + i)) * vec_load(x + i));
    if (i < n)
        vec_store_part(
            x + i, vec_gelu(vec_load_part(gate + i, n - i, 0.0f)) * vec_load_part(x + i, n - i, 0.0f), n - i);
}

static void add(float *y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

static void scale(float *x, float factor, size_t n) {
    for (size_t i = 0; i < n; i++)
        x[i] *= factor;
}

/* ---- attention ---- */

static void cache_store(struct exact_cache *cache, size_t p, const float *key, const float *value) {
    uint8_t k[EXACT_HEAD_MAXIMUM], v[EXACT_HEAD_MAXIMUM];
    size_t width = cache->width, slot = p % (cache->ring * EXACT_KEYS), in_block = slot % EXACT_KEYS;
    cache->key_scale[slot] = quantise_row(k, key, width, DOT_BIAS);
    cache->value_scale[slot] = quantise_row(v, value, width, 0);
    uint8_t *keys = cache->keys + (slot - in_block) * width + in_block / 16 * 16 * width + in_block % 16 * 4;
    for (size_t d = 0; d < width; d += 4)
        memcpy(keys + d * 16, k + d, 4);
    int8_t *values = cache->values + (slot - in_block) * width + in_block / 4 * 4 * width + in_block % 4;
    for (size_t d = 0; d < width; d++)
        values[d * 4] = (int8_t)v[d];
}

/* A query in 8 bits, for products with signed numbers. */
struct query {
    int8_t q[EXACT_HEAD_MAXIMUM];
    int32_t sum; /* times DOT_BIAS: what the keys' bias adds */
    float scale;
};

static void prepare_query(struct query *q, const float *x, size_t width) {
    q->scale = quantise_row((uint8_t *)q->q, x, width, 0);
    q->sum = 0;
    for (size_t d = 0; d < width; d++)
        q->sum += q->q[d];
    q->sum *= DOT_BIAS;
}

static size_t slot_of(const struct exact_cache *cache, size_t position) {
    return position % (cache->ring * EXACT_KEYS);
}

VEC_INLINE veci lane_numbers(void) {
    return (veci){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
}

/* Scores of all keys seen, and the largest. What is behind the end stays out of it. */
static float score_keys(const struct query *q, const struct exact_cache *c, const struct exact_view *view) {
    vec largest = vec_all(-3.0e38f);
    for (size_t first = view->first; first < view->end; first += EXACT_KEYS) {
        _Alignas(64) int32_t sums[EXACT_KEYS];
        size_t slot = slot_of(c, first);
        dot_keys(sums, c->keys + slot * c->width, q->q, c->width);
        for (size_t i = 0; i < EXACT_KEYS; i += LANES) {
            veci sum;
            memcpy(&sum, sums + i, sizeof sum);
            vec score =
                __builtin_convertvector(sum - q->sum, vec) * (vec_load(c->key_scale + slot + i) * q->scale);
            if (view->bias)
                score += vec_load(view->bias + (first - view->first) + i);
            vec_store(view->scores + (first - view->first) + i, score);
            veci seen = lane_numbers() + (int32_t)(first + i) < (int32_t)view->end;
            largest = vec_select(seen & (score > largest), score, largest);
        }
    }
    return vec_largest(largest);
}

/* Scores become e^(score - largest) times the value's scale, 0 behind the end; returns the sum of the former,
 * and in *top the largest product. */
static float weigh_values(const struct exact_cache *c, const struct exact_view *view, float largest,
                          float *top) {
    vec total = vec_all(0.0f), most = vec_all(0.0f);
    for (size_t first = view->first; first < view->end; first += EXACT_KEYS) {
        const float *scales = c->value_scale + slot_of(c, first);
        float *scores = view->scores + (first - view->first);
        for (size_t i = 0; i < EXACT_KEYS; i += LANES) {
            veci seen = lane_numbers() + (int32_t)(first + i) < (int32_t)view->end;
            vec p = vec_select(seen, vec_exp(vec_load(scores + i) - largest), vec_all(0.0f));
            vec w = p * vec_load(scales + i);
            total += p;
            most = vec_max(most, w);
            vec_store(scores + i, w);
        }
    }
    *top = vec_largest(most);
    return vec_sum(total);
}

/* 16 bits of every weight: high bytes, then low bytes, block by block. */
static void round_weights(const struct exact_view *view, float factor) {
    for (size_t first = view->first; first < view->end; first += EXACT_KEYS)
        for (size_t i = 0; i < EXACT_KEYS; i += LANES) {
            size_t at = first - view->first;
            uint8_t *to = view->weights + 2 * at + i;
            veci v = round_lanes(vec_load(view->scores + at + i) * factor);
            store_bytes(to, v >> 8);
            store_bytes(to + EXACT_KEYS, v & 255);
        }
}

static void attend(float *out, const float *x, const struct exact_cache *c, const struct exact_view *view) {
    _Alignas(64) int32_t high[EXACT_HEAD_MAXIMUM], low[EXACT_HEAD_MAXIMUM];
    struct query q;
    float top;
    memset(high, 0, c->width * sizeof *high);
    memset(low, 0, c->width * sizeof *low);
    prepare_query(&q, x, c->width);
    float total = weigh_values(c, view, score_keys(&q, c, view), &top);
    round_weights(view, top > 0.0f ? 65535.0f / top : 0.0f);
    for (size_t first = view->first; first < view->end; first += EXACT_KEYS)
        dot_values(high, low, c->values + slot_of(c, first) * c->width,
                   view->weights + 2 * (first - view->first), c->width);
    float factor = top / 65535.0f / total;
    for (size_t d = 0; d < c->width; d++)
        out[d] = ((float)high[d] * 256.0f + (float)low[d]) * factor;
}

/* ---- probabilities ---- */

static void frequencies(uint32_t *frequency, float *logits, size_t n, uint32_t total) {
    vec largest = vec_load(logits), sum = vec_all(0.0f);
    for (size_t i = LANES; i < n; i += LANES)
        largest = vec_max(largest, vec_load(logits + i));
    const float top = vec_largest(largest);
    for (size_t i = 0; i < n; i += LANES) {
        vec e = vec_exp(vec_load(logits + i) - top);
        sum += e;
        vec_store(logits + i, e);
    }
    const float factor = (float)(total - 2 * (uint32_t)n) / vec_sum(sum); /* n for the ones, n for rounding */
    for (size_t i = 0; i < n; i += LANES) {
        veci f = __builtin_convertvector(vec_load(logits + i) * factor, veci) + 1;
        memcpy(frequency + i, &f, sizeof f);
    }
}

#define TEXT_OF(name) #name
#define NAME_OF(name) TEXT_OF(name)
#define JOIN(a, b) a##b
#define TABLE_OF(name) JOIN(exact_ops_, name)

#define EXACT_OPS_ENTRY(field, parameters) .field = field,
const struct exact_ops TABLE_OF(EXACT_OPS_SET) = {.name = NAME_OF(EXACT_OPS_SET), EXACT_OPS(EXACT_OPS_ENTRY)};
