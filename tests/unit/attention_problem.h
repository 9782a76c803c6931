/* A case of attention, what the kernels make of it in either precision, and what a plain loop in double does.
 *
 * The plain loop brings a bound for every number it computes: by how much rounding each operand of a product
 * can change it, per unit of relative rounding. */
#ifndef LACONIC_TESTS_ATTENTION_PROBLEM_H
#define LACONIC_TESTS_ATTENTION_PROBLEM_H

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "base/threads.h"
#include "expect.h"
#include "kernels/attention.h"
#include "kernels/dropout.h"

enum { ROWS = 8 };

struct variant {
    int heads, width, q_lengths[ROWS], k_lengths[ROWS]; /* k_lengths[0] = 0: the queries' */
    bool causal, bias, mask;
    float dropout;
};

/* Inputs and results in float32; queries, keys with values, and their gradients have rows of their own sizes.
 */
struct problem {
    struct attention_shape shape;
    int32_t q_start[ROWS + 1], k_start[ROWS + 1];
    uint8_t *mask;
    int inner, q_tokens, k_tokens, longest, q_stride, kv_stride, dq_stride, dkv_stride;
    float *q, *kv, *dout, *bias, *out, *dq, *dkv, *dbias, *statistics;
    size_t bias_size;
};

static float *numbers(size_t n) {
    float *x = calloc(n + 1, sizeof *x);
    cr_assert_not_null(x);
    return x;
}

static float *random_numbers(size_t n, const char *stream, bool rounded) {
    float *x = numbers(n);
    struct rng rng;
    rng_seed(&rng, 1, stream);
    for (size_t i = 0; i < n; i++) {
        bf16 nearest;
        x[i] = rng_normal(&rng) * 0.7f;
        if (rounded) {
            bf16_from_float(&nearest, &x[i], 1);
            bf16_to_float(&x[i], &nearest, 1);
        }
    }
    return x;
}

static void lay_rows(struct problem *p, const struct variant *v) {
    while (p->shape.rows < ROWS && (v->q_lengths[p->shape.rows] || v->k_lengths[p->shape.rows])) {
        int r = p->shape.rows++, queries = v->q_lengths[r],
            keys = v->k_lengths[0] ? v->k_lengths[r] : queries;
        p->q_start[r + 1] = p->q_start[r] + queries;
        p->k_start[r + 1] = p->k_start[r] + keys;
        p->longest = queries > p->longest ? queries : p->longest;
        p->longest = keys > p->longest ? keys : p->longest;
    }
    p->q_tokens = p->q_start[p->shape.rows];
    p->k_tokens = p->k_start[p->shape.rows];
}

/* `rounded`: inputs that bf16 holds exactly, so that both precisions see the same. */
static struct problem *problem_of(const struct variant *v, bool rounded) {
    struct problem *p = calloc(1, sizeof *p);
    cr_assert_not_null(p);
    lay_rows(p, v);
    p->inner = v->heads * v->width;
    p->q_stride = p->inner + 2;
    p->kv_stride = 2 * p->inner + 6;
    p->dq_stride = p->inner + 8;
    p->dkv_stride = 3 * p->inner;
    size_t q_tokens = (size_t)p->q_tokens, k_tokens = (size_t)p->k_tokens, inner = (size_t)p->inner;
    p->q = random_numbers(q_tokens * (size_t)p->q_stride, "queries", rounded);
    p->kv = random_numbers(k_tokens * (size_t)p->kv_stride, "keys", rounded);
    p->dout = random_numbers(q_tokens * inner, "gradient", rounded);
    p->bias_size = (size_t)v->heads * (2 * (size_t)p->longest - 1);
    p->bias = random_numbers(p->bias_size, "bias", false);
    p->out = numbers(q_tokens * inner);
    p->dq = numbers(q_tokens * (size_t)p->dq_stride);
    p->dkv = numbers(k_tokens * (size_t)p->dkv_stride);
    p->dbias = numbers(p->bias_size);
    p->statistics = numbers(q_tokens * (size_t)v->heads * 2);
    p->mask = calloc(k_tokens + 1, 1);
    for (size_t i = 0; i < k_tokens; i++)
        p->mask[i] = i % 5 != 2 && i > 3; /* the first row may see nothing at all */
    p->shape.heads = v->heads;
    p->shape.width = v->width;
    p->shape.q_start = p->q_start;
    p->shape.k_start = p->k_start;
    p->shape.bias = v->bias ? p->bias : NULL;
    p->shape.length = p->longest;
    p->shape.causal = v->causal;
    p->shape.key_mask = v->mask ? p->mask : NULL;
    p->shape.dropout_rate = v->dropout;
    p->shape.dropout_key = 99;
    return p;
}

static void problem_free(struct problem *p) {
    float *arrays[] = {p->q, p->kv, p->dout, p->bias, p->out, p->dq, p->dkv, p->dbias, p->statistics};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    free(p->mask);
    free(p);
}

static struct values plus(struct values v, int n) {
    return (struct values){v.f32 ? v.f32 + n : NULL, v.b16 ? v.b16 + n : NULL};
}

/* A copy of x in the precision of the run, and back. */
static struct values take_values(const float *x, size_t n, bool in_bf16) {
    struct values v = {0};
    if (in_bf16) {
        cr_assert_not_null(v.b16 = malloc((n + 1) * sizeof *v.b16));
        bf16_from_float(v.b16, x, n);
    } else {
        v.f32 = numbers(n);
        memcpy(v.f32, x, n * sizeof *x);
    }
    return v;
}

static void return_values(float *x, struct values v, size_t n) {
    if (v.b16)
        bf16_to_float(x, v.b16, n);
    else
        memcpy(x, v.f32, n * sizeof *x);
    free(v.b16);
    free(v.f32);
}

static struct attention_scratch open_scratch(const struct problem *p, bool in_bf16, struct arena *arena) {
    struct attention_limits limits = {.heads = p->shape.heads,
                                      .width = p->shape.width,
                                      .length = p->shape.length,
                                      .queries = p->longest,
                                      .keys = p->longest,
                                      .threads = threads_count(),
                                      .bf16 = in_bf16,
                                      .backward = true};
    struct attention_scratch scratch;
    struct arena measuring = arena_measuring();
    attention_scratch_lay_out(&scratch, &limits, &measuring);
    EXPECT_OK(arena_open(arena, measuring.used, "a test's attention"));
    attention_scratch_lay_out(&scratch, &limits, arena);
    memset(scratch.workers, 0xff, scratch.worker_size * (size_t)limits.threads); /* not-a-numbers */
    return scratch;
}

/* Forward and backward; results to out, dq, dkv, dbias, statistics. */
static void run(struct problem *p, bool in_bf16) {
    size_t q = (size_t)p->q_tokens * (size_t)p->q_stride, kv = (size_t)p->k_tokens * (size_t)p->kv_stride;
    size_t o = (size_t)p->q_tokens * (size_t)p->inner, dq = (size_t)p->q_tokens * (size_t)p->dq_stride;
    size_t dkv = (size_t)p->k_tokens * (size_t)p->dkv_stride;
    struct arena arena;
    struct attention_scratch scratch = open_scratch(p, in_bf16, &arena);
    struct values keys = take_values(p->kv, kv, in_bf16), dkeys = take_values(p->dkv, dkv, in_bf16);
    struct values out = take_values(p->out, o, in_bf16), dout = take_values(p->dout, o, in_bf16);
    struct attention_operands in = {
        take_values(p->q, q, in_bf16), keys, plus(keys, p->inner), p->q_stride, p->kv_stride, p->kv_stride};
    struct attention_operands gradient = {take_values(p->dq, dq, in_bf16),
                                          dkeys,
                                          plus(dkeys, p->inner),
                                          p->dq_stride,
                                          p->dkv_stride,
                                          p->dkv_stride};
    attention_forward(out, p->statistics, &in, &p->shape, &scratch);
    memset(p->dbias, 0, p->bias_size * sizeof *p->dbias);
    attention_backward(&gradient, p->shape.bias ? p->dbias : NULL, dout, out, p->statistics, &in, &p->shape,
                       &scratch);
    arena_close(&arena);
    return_values(p->q, in.q, q);
    return_values(p->kv, keys, kv);
    return_values(p->out, out, o);
    return_values(p->dout, dout, o);
    return_values(p->dq, gradient.q, dq);
    return_values(p->dkv, dkeys, dkv);
}

/* What a number should be, and what it may be away from it per unit of rounding. */
struct expected {
    double value, away;
};

struct reference {
    struct expected *out, *dq, *dk, *dv, *dbias;
};

static double *doubles(size_t n) {
    double *x = calloc(n + 1, sizeof *x);
    cr_assert_not_null(x);
    return x;
}

/* p [keys] = softmax of the scores of query i. */
static void plain_probabilities(const struct problem *p, int head, int row, int i, double *probability) {
    const struct attention_shape *s = &p->shape;
    int keys = p->k_start[row + 1] - p->k_start[row], seen = s->causal && i + 1 < keys ? i + 1 : keys;
    const float *q = p->q + (p->q_start[row] + i) * p->q_stride + head * s->width;
    double largest = -INFINITY, total = 0;
    for (int j = 0; j < keys; j++) {
        const float *k = p->kv + (p->k_start[row] + j) * p->kv_stride + head * s->width;
        float score = 0;
        for (int d = 0; d < s->width; d++)
            score += q[d] * k[d];
        if (s->bias)
            score += s->bias[head * (2 * s->length - 1) + j - i + s->length - 1];
        if (s->key_mask && !s->key_mask[p->k_start[row] + j])
            score += -FLT_MAX;
        probability[j] = j < seen ? (double)score : -INFINITY;
        largest = fmax(largest, probability[j]);
    }
    for (int j = 0; j < keys; j++)
        total += probability[j] = exp(probability[j] - largest);
    for (int j = 0; j < keys; j++)
        probability[j] /= total;
}

static void add(struct expected *e, double value, double away) {
    e->value += value;
    e->away += away;
}

/* One query of one head, forward and backward; kept [keys]: dropout's factors. */
static void plain_query(const struct problem *p, struct reference *r, int head, int row, int i,
                        const double *probability, const float *kept) {
    const struct attention_shape *s = &p->shape;
    int keys = p->k_start[row + 1] - p->k_start[row], token = p->q_start[row] + i, column = head * s->width;
    const float *dout = p->dout + token * p->inner + column;
    struct expected *out = r->out + token * p->inner + column;
    double common = 0, common_away = 0;
    for (int d = 0; d < s->width; d++) {
        for (int j = 0; j < keys; j++) {
            double term = probability[j] * (double)kept[j] *
                          (double)p->kv[(p->k_start[row] + j) * p->kv_stride + p->inner + column + d];
            add(&out[d], term, fabs(term));
        }
        out[d].away += fabs(out[d].value);
        common += out[d].value * (double)dout[d];
        common_away += out[d].away * fabs((double)dout[d]);
    }
    for (int j = 0; j < keys; j++) {
        int key = p->k_start[row] + j;
        const float *k = p->kv + key * p->kv_stride + column, *v = k + p->inner;
        const float *q = p->q + token * p->q_stride + column;
        double dp = 0;
        for (int d = 0; d < s->width; d++)
            dp += (double)dout[d] * (double)v[d] * (double)kept[j];
        double ds = probability[j] * (dp - common), away = probability[j] * common_away + fabs(ds);
        if (s->bias)
            add(&r->dbias[head * (2 * s->length - 1) + j - i + s->length - 1], ds, away);
        for (int d = 0; d < s->width; d++) {
            double dv = probability[j] * (double)kept[j] * (double)dout[d];
            add(&r->dv[key * p->inner + column + d], dv, 2 * fabs(dv));
            add(&r->dk[key * p->inner + column + d], ds * (double)q[d],
                (away + fabs(ds)) * fabs((double)q[d]));
            add(&r->dq[token * p->inner + column + d], ds * (double)k[d],
                (away + fabs(ds)) * fabs((double)k[d]));
        }
    }
}

static struct expected *expectations(size_t n) {
    struct expected *e = calloc(n + 1, sizeof *e);
    cr_assert_not_null(e);
    return e;
}

static struct reference reference_of(const struct problem *p) {
    const struct attention_shape *s = &p->shape;
    size_t queries = (size_t)p->q_tokens * (size_t)p->inner, keys = (size_t)p->k_tokens * (size_t)p->inner;
    struct reference r = {expectations(queries), expectations(queries), expectations(keys),
                          expectations(keys), expectations(p->bias_size)};
    double *probability = doubles((size_t)p->longest);
    float *kept = numbers((size_t)p->longest), *ones = numbers((size_t)p->longest);
    uint64_t number = 0; /* of the probability */
    for (int j = 0; j < p->longest; j++)
        ones[j] = 1.0f;
    for (int row = 0; row < s->rows; row++)
        for (int head = 0; head < s->heads; head++)
            for (int i = 0; i < p->q_start[row + 1] - p->q_start[row]; i++) {
                size_t n = (size_t)(p->k_start[row + 1] - p->k_start[row]);
                dropout_apply(kept, ones, n, s->dropout_rate, s->dropout_key, number);
                number += n;
                plain_probabilities(p, head, row, i, probability);
                plain_query(p, &r, head, row, i, probability, kept);
            }
    free(probability);
    free(kept);
    free(ones);
    return r;
}

static void reference_free(struct reference *r) {
    free(r->out);
    free(r->dq);
    free(r->dk);
    free(r->dv);
    free(r->dbias);
}

#endif
