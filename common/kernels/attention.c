/* Attention over ragged rows, forward and backward, and the cached single step.
 * Work is cut by (row, head) pairs; the bias gradient by heads, so sums do not depend on the threads. */
#include "kernels/attention.h"
#include <float.h>
#include <string.h>
#include "base/threads.h"
#include "kernels/dropout.h"
#include "kernels/gemm.h"
#include "kernels/lanes.h"

struct attention {
    const struct attention_shape *shape;
    float *out, *probabilities, *dq, *dk, *dv, *dbias, *scratch;
    const float *q, *k, *v, *dout;
    size_t scratch_size;
};

/* Where one (row, head) pair finds its pieces. */
struct piece {
    size_t queries, keys, head;
    size_t q, k; /* floats into the [tokens, inner] arrays */
    size_t p;    /* floats into probabilities */
};

size_t attention_scratch_size(int longest_queries, int longest_keys) {
    return (size_t)longest_queries * (size_t)longest_keys;
}

static size_t row_area(const struct attention_shape *s, size_t r) {
    return (size_t)(s->q_start[r + 1] - s->q_start[r]) * (size_t)(s->k_start[r + 1] - s->k_start[r]);
}

/* Calls `run` for the pieces [begin, end) of rows x heads. */
static void for_pieces(struct attention *a, size_t begin, size_t end, float *scratch,
                       void (*run)(struct attention *, const struct piece *, float *)) {
    const struct attention_shape *s = a->shape;
    size_t heads = (size_t)s->heads, inner = heads * (size_t)s->width, p = 0, row = 0;
    for (size_t i = begin; i < end; i++) {
        for (; row < i / heads; row++)
            p += row_area(s, row) * heads;
        struct piece piece = {.queries = (size_t)(s->q_start[row + 1] - s->q_start[row]),
                              .keys = (size_t)(s->k_start[row + 1] - s->k_start[row]),
                              .head = i % heads};
        piece.q = (size_t)s->q_start[row] * inner + piece.head * (size_t)s->width;
        piece.k = (size_t)s->k_start[row] * inner + piece.head * (size_t)s->width;
        piece.p = p + piece.head * row_area(s, row);
        if (piece.queries)
            run(a, &piece, scratch);
    }
}

/* Scores of one query become probabilities over its visible keys, zero over the future. */
static void finish_row(const struct attention_shape *s, const struct piece *piece, float *row, size_t i) {
    size_t visible = s->causal && i + 1 < piece->keys ? i + 1 : piece->keys;
    if (s->bias)
        lanes->axpy(row, 1.0f,
                    s->bias + piece->head * (2 * (size_t)s->length - 1) + (size_t)s->length - 1 - i, visible);
    if (s->key_mask) {
        const uint8_t *mask = s->key_mask + (piece->k / ((size_t)s->heads * (size_t)s->width));
        for (size_t j = 0; j < visible; j++)
            row[j] += mask[j] ? 0.0f : -FLT_MAX;
    }
    lanes->softmax(row, visible);
    memset(row + visible, 0, (piece->keys - visible) * sizeof *row);
}

static const float *dropped(const struct attention_shape *s, const struct piece *piece, const float *p,
                            float *scratch) {
    if (s->dropout_rate == 0.0f)
        return p;
    dropout_apply(scratch, p, piece->queries * piece->keys, s->dropout_rate, s->dropout_key, piece->p);
    return scratch;
}

static void forward_piece(struct attention *a, const struct piece *piece, float *scratch) {
    const struct attention_shape *s = a->shape;
    int inner = s->heads * s->width, queries = (int)piece->queries, keys = (int)piece->keys;
    float *p = a->probabilities ? a->probabilities + piece->p : scratch;
    gemm_serial(false, true, queries, keys, s->width, 1.0f, a->q + piece->q, inner, a->k + piece->k, inner,
                0.0f, p, keys);
    for (size_t i = 0; i < piece->queries; i++)
        finish_row(s, piece, p + i * piece->keys, i);
    gemm_serial(false, false, queries, s->width, keys, 1.0f, dropped(s, piece, p, scratch), keys,
                a->v + piece->k, inner, 0.0f, a->out + piece->q, inner);
}

static void forward_task(void *context, size_t begin, size_t end, int worker) {
    struct attention *a = context;
    for_pieces(a, begin, end, a->scratch + (size_t)worker * a->scratch_size, forward_piece);
}

void attention_forward(float *out, float *probabilities, const float *q, const float *k, const float *v,
                       const struct attention_shape *shape, float *scratch, size_t scratch_size) {
    struct attention a = {.shape = shape,
                          .out = out,
                          .probabilities = probabilities,
                          .q = q,
                          .k = k,
                          .v = v,
                          .scratch = scratch,
                          .scratch_size = scratch_size};
    threads_for((size_t)shape->rows * (size_t)shape->heads, 1, forward_task, &a);
}

static void backward_piece(struct attention *a, const struct piece *piece, float *scratch) {
    const struct attention_shape *s = a->shape;
    int inner = s->heads * s->width, queries = (int)piece->queries, keys = (int)piece->keys;
    float *p = a->probabilities + piece->p;
    const float *dout = a->dout + piece->q;
    gemm_serial(true, false, keys, s->width, queries, 1.0f, dropped(s, piece, p, scratch), keys, dout, inner,
                0.0f, a->dv + piece->k, inner);
    gemm_serial(false, true, queries, keys, s->width, 1.0f, dout, inner, a->v + piece->k, inner, 0.0f,
                scratch, keys);
    if (s->dropout_rate != 0.0f)
        dropout_apply(scratch, scratch, piece->queries * piece->keys, s->dropout_rate, s->dropout_key,
                      piece->p);
    for (size_t i = 0; i < piece->queries; i++)
        lanes->softmax_backward(p + i * piece->keys, scratch + i * piece->keys, piece->keys);
    gemm_serial(false, false, queries, s->width, keys, 1.0f, p, keys, a->k + piece->k, inner, 0.0f,
                a->dq + piece->q, inner);
    gemm_serial(true, false, keys, s->width, queries, 1.0f, p, keys, a->q + piece->q, inner, 0.0f,
                a->dk + piece->k, inner);
}

static void backward_task(void *context, size_t begin, size_t end, int worker) {
    struct attention *a = context;
    for_pieces(a, begin, end, a->scratch + (size_t)worker * a->scratch_size, backward_piece);
}

/* dbias[h][j - i + length - 1] += dscore(i, j), summed in the order of the batch. */
static void bias_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    struct attention *a = context;
    const struct attention_shape *s = a->shape;
    size_t length = (size_t)s->length, p = 0;
    for (size_t r = 0; r < (size_t)s->rows; r++) {
        size_t queries = (size_t)(s->q_start[r + 1] - s->q_start[r]);
        size_t keys = (size_t)(s->k_start[r + 1] - s->k_start[r]);
        for (size_t h = begin; h < end; h++)
            for (size_t i = 0; i < queries; i++)
                lanes->axpy(a->dbias + h * (2 * length - 1) + length - 1 - i, 1.0f,
                            a->probabilities + p + (h * queries + i) * keys, keys);
        p += queries * keys * (size_t)s->heads;
    }
}

void attention_backward(float *dq, float *dk, float *dv, float *dbias, const float *dout,
                        float *probabilities, const float *q, const float *k, const float *v,
                        const struct attention_shape *shape, float *scratch, size_t scratch_size) {
    struct attention a = {.shape = shape,
                          .probabilities = probabilities,
                          .dq = dq,
                          .dk = dk,
                          .dv = dv,
                          .dbias = dbias,
                          .scratch = scratch,
                          .q = q,
                          .k = k,
                          .v = v,
                          .dout = dout,
                          .scratch_size = scratch_size};
    size_t inner = (size_t)shape->heads * (size_t)shape->width;
    for (int r = 0; r < shape->rows; r++) /* a row without queries gives its keys no gradient */
        if (shape->q_start[r] == shape->q_start[r + 1]) {
            size_t first = (size_t)shape->k_start[r] * inner,
                   size = (size_t)shape->k_start[r + 1] * inner - first;
            memset(dk + first, 0, size * sizeof *dk);
            memset(dv + first, 0, size * sizeof *dv);
        }
    threads_for((size_t)shape->rows * (size_t)shape->heads, 1, backward_task, &a);
    if (dbias)
        threads_for((size_t)shape->heads, 1, bias_task, &a);
}

struct attention_single {
    const struct attention_step_shape *shape;
    float *out, *scratch;
    const float *q, *keys, *values;
    size_t scratch_size;
};

static void step_task(void *context, size_t begin, size_t end, int worker) {
    struct attention_single *a = context;
    const struct attention_step_shape *s = a->shape;
    size_t heads = (size_t)s->heads, width = (size_t)s->width, inner = heads * width;
    float *scores = a->scratch + (size_t)worker * a->scratch_size;
    for (size_t i = begin; i < end; i++) {
        size_t row = i / heads, head = i % heads, count = (size_t)s->count[row];
        size_t base = (size_t)s->slot[row] * s->slot_stride + head * width;
        size_t at = row * inner + head * width;
        const float *bias =
            s->bias ? s->bias + head * (2 * (size_t)s->length - 1) + (size_t)s->length - count : NULL;
        lanes->attend(a->out + at, a->q + at, a->keys + base, a->values + base, bias, scores, count, inner,
                      width);
    }
}

void attention_step(float *out, const float *q, const float *keys, const float *values,
                    const struct attention_step_shape *shape, float *scratch, size_t scratch_size) {
    struct attention_single a = {shape, out, scratch, q, keys, values, scratch_size};
    threads_for((size_t)shape->rows * (size_t)shape->heads, 4, step_task, &a);
}
