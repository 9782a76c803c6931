/* Linear layers: both precisions against plain loops in double precision and so against each other, every
 * enum gemm_write, and the float32 bits that archives rely on. */
#include "kernels/linear.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "base/threads.h"
#include "kernels/activation.h"
#include "kernels/dropout.h"
#include "kernels/gemm.h"

/* Operands hold numbers that bf16 represents, so the precisions differ in sums and in the rounding of
 * results. */
#define SUM_ERROR 1e-5 /* per unit of the largest magnitude here */
#define BF16_ERROR 0x1p-8

enum { KEY = 1234 };

struct layer {
    struct linear linear;
    int tokens;
    float *w, *x, *dy; /* [out, in], [tokens, in], [tokens, out] */
    bf16 *forward, *backward, *x16, *dy16;
    struct linear_scratch scratch;
};

/* Numbers of three digits: a few bits of mantissa. */
static float *random_floats(size_t n, uint64_t seed) {
    struct rng rng;
    float *x = malloc(n * sizeof *x);
    rng_seed(&rng, seed, "linear");
    for (size_t i = 0; i < n; i++)
        x[i] = (float)((int)rng_below(&rng, 255) - 127) / 64.0f;
    return x;
}

static bf16 *rounded_to_bf16(const float *x, size_t n) {
    bf16 *y = malloc(n * sizeof *y);
    bf16_from_float(y, x, n);
    return y;
}

static struct layer make_layer(int tokens, int in, int out) {
    size_t t = (size_t)tokens, i = (size_t)in, o = (size_t)out, wider = i > o ? i : o;
    struct layer l = {.tokens = tokens, .w = random_floats(i * o, 1), .x = random_floats(t * i, 2)};
    l.dy = random_floats(t * o, 3);
    l.x16 = rounded_to_bf16(l.x, t * i);
    l.dy16 = rounded_to_bf16(l.dy, t * o);
    l.forward = malloc(bf16_packed_count(in, out) * sizeof *l.forward);
    l.backward = malloc(bf16_packed_count(out, in) * sizeof *l.backward);
    for (int row = 0; row < out; row += BF16_PANEL)
        bf16_pack_weights(l.forward, l.backward, l.w + (size_t)row * i, row / BF16_PANEL,
                          out - row < BF16_PANEL ? out - row : BF16_PANEL, in, out);
    l.scratch.product = malloc(t * wider * sizeof(float));
    l.scratch.packed_x = malloc(bf16_packed_count(tokens, in) * sizeof(bf16));
    l.scratch.packed_dy = malloc(bf16_packed_count(tokens, out) * sizeof(bf16));
    l.linear = (struct linear){.in = in, .out = out, .w = l.w};
    return l;
}

static void use_precision(struct layer *l, bool in_bf16) {
    l->linear.forward = in_bf16 ? l->forward : NULL;
    l->linear.backward = in_bf16 ? l->backward : NULL;
}

static void free_layer(struct layer *l) {
    free(l->w);
    free(l->x);
    free(l->dy);
    free(l->forward);
    free(l->backward);
    free(l->x16);
    free(l->dy16);
    free(l->scratch.product);
    free(l->scratch.packed_x);
    free(l->scratch.packed_dy);
}

/* sums [m, n] = a [m, k] with b(l, j) = b[l row + j column]. */
static double *plain_product(const float *a, const float *b, size_t row, size_t column, int m, int n, int k) {
    double *sums = calloc((size_t)m * (size_t)n, sizeof *sums);
    for (size_t i = 0; i < (size_t)m; i++)
        for (size_t j = 0; j < (size_t)n; j++)
            for (size_t l = 0; l < (size_t)k; l++)
                sums[i * (size_t)n + j] += (double)a[i * (size_t)k + l] * (double)b[l * row + j * column];
    return sums;
}

/* Arrays of a result, [m, n] each, in one precision, and what they held before. */
struct outcome {
    size_t size;
    float *before[4], *wide[4];
    bf16 *b16[4];
};

static struct values values_of(struct outcome *o, int array, bool in_bf16) {
    return in_bf16 ? (struct values){.b16 = o->b16[array]} : (struct values){.f32 = o->wide[array]};
}

static struct outcome make_outcome(size_t size) {
    struct outcome o = {.size = size};
    for (int i = 0; i < 4; i++) {
        o.before[i] = random_floats(size, 10 + (uint64_t)i);
        o.wide[i] = memcpy(malloc(size * sizeof(float)), o.before[i], size * sizeof(float));
        o.b16[i] = rounded_to_bf16(o.before[i], size);
    }
    return o;
}

static void free_outcome(struct outcome *o) {
    for (int i = 0; i < 4; i++) {
        free(o->before[i]);
        free(o->wide[i]);
        free(o->b16[i]);
    }
}

/* c in float32 also under bf16 operands where the write adds. */
static struct gemm_result result_of(struct outcome *o, enum gemm_write write, bool in_bf16, float rate,
                                    float scale, int n) {
    return (struct gemm_result){.write = write,
                                .c = values_of(o, 0, in_bf16 && write != GEMM_ADD),
                                .x = values_of(o, 1, in_bf16),
                                .gate = values_of(o, 2, in_bf16),
                                .other = values_of(o, 3, in_bf16),
                                .ldc = n,
                                .scale = scale,
                                .dropout_rate = rate,
                                .dropout_key = KEY};
}

static double gelu(double x) {
    return x / 2 * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

static double gelu_derivative(double x) {
    const double step = 1e-5;
    return (gelu(x + step) - gelu(x - step)) / (2 * step);
}

/* What gemm_bf16.h says of c and other. */
static void expect_write(const struct gemm_result *r, const struct outcome *o, size_t at, double sum,
                         double mask, double *c, double *other) {
    double before = (double)o->before[0][at], x = (double)o->before[1][at], gate = (double)o->before[2][at],
           scale = r->scale == 0.0f ? 1 : (double)r->scale, kept = sum * mask;
    *other = (double)o->before[3][at];
    switch (r->write) {
    case GEMM_STORE:
        *c = scale * kept;
        break;
    case GEMM_ADD:
        *c = before + scale * kept;
        break;
    case GEMM_RELU:
        *c = fmax(kept, 0);
        break;
    case GEMM_RELU_BACKWARD:
        *c = x > 0 ? kept : 0;
        break;
    case GEMM_GATED_GELU:
        *other = sum;
        *c = gelu(x) * kept;
        break;
    case GEMM_GATED_GELU_BACKWARD:
        *other = gelu(x) * kept;
        *c = gelu_derivative(x) * gate * kept;
        break;
    }
}

static double held(struct values v, size_t at) {
    float x;
    if (v.f32)
        return (double)v.f32[at];
    bf16_to_float(&x, v.b16 + at, 1);
    return (double)x;
}

static void check_result(const struct gemm_result *r, const struct outcome *o, const double *sums,
                         const char *what) {
    float *mask = malloc(o->size * sizeof *mask);
    for (size_t i = 0; i < o->size; i++)
        mask[i] = 1.0f;
    if (r->dropout_rate > 0.0f)
        dropout_apply(mask, mask, o->size, r->dropout_rate, KEY, 0);
    for (size_t at = 0; at < o->size; at++) {
        double c = 0, other = 0;
        expect_write(r, o, at, sums[at], (double)mask[at], &c, &other);
        double error = SUM_ERROR * (10 + fabs(sums[at])), rounding = r->x.b16 ? BF16_ERROR : 0;
        cr_assert(fabs(held(r->c, at) - c) <= error + (r->c.b16 ? rounding * fabs(c) : 0),
                  "%s, write %d, dropout %g: c[%zu] is %g, expected %g", what, (int)r->write,
                  (double)r->dropout_rate, at, held(r->c, at), c);
        cr_assert(fabs(held(r->other, at) - other) <= error + rounding * fabs(other),
                  "%s, write %d, dropout %g: other[%zu] is %g, expected %g", what, (int)r->write,
                  (double)r->dropout_rate, at, held(r->other, at), other);
    }
    free(mask);
}

static void check_forward(struct layer *l, enum gemm_write write, bool in_bf16, float rate, float scale) {
    struct outcome o = make_outcome((size_t)l->tokens * (size_t)l->linear.out);
    struct gemm_result r = result_of(&o, write, in_bf16, rate, scale, l->linear.out);
    double *sums = plain_product(l->x, l->w, 1, (size_t)l->linear.in, l->tokens, l->linear.out, l->linear.in);
    struct values x = in_bf16 ? (struct values){.b16 = l->x16} : (struct values){.f32 = l->x};
    linear_forward(&l->linear, x, l->tokens, &r, &l->scratch);
    check_result(&r, &o, sums, in_bf16 ? "bf16 forward" : "float32 forward");
    free(sums);
    free_outcome(&o);
}

static void check_backward_input(struct layer *l, enum gemm_write write, bool in_bf16, float rate,
                                 float scale) {
    struct outcome o = make_outcome((size_t)l->tokens * (size_t)l->linear.in);
    struct gemm_result r = result_of(&o, write, in_bf16, rate, scale, l->linear.in);
    double *sums =
        plain_product(l->dy, l->w, (size_t)l->linear.in, 1, l->tokens, l->linear.in, l->linear.out);
    struct values dy = in_bf16 ? (struct values){.b16 = l->dy16} : (struct values){.f32 = l->dy};
    linear_backward_input(&l->linear, dy, l->tokens, &r, &l->scratch);
    check_result(&r, &o, sums, in_bf16 ? "bf16 backward input" : "float32 backward input");
    free(sums);
    free_outcome(&o);
}

static void check_backward_weight(struct layer *l, bool in_bf16) {
    size_t in = (size_t)l->linear.in, out = (size_t)l->linear.out;
    float *dw = random_floats(out * in, 20), *before = random_floats(out * in, 20);
    struct values dy = in_bf16 ? (struct values){.b16 = l->dy16} : (struct values){.f32 = l->dy},
                  x = in_bf16 ? (struct values){.b16 = l->x16} : (struct values){.f32 = l->x};
    linear_backward_weight(dw, &l->linear, dy, x, l->tokens, &l->scratch);
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i++) {
            double sum = (double)before[o * in + i];
            for (size_t t = 0; t < (size_t)l->tokens; t++)
                sum += (double)l->dy[t * out + o] * (double)l->x[t * in + i];
            cr_assert(fabs((double)dw[o * in + i] - sum) <= SUM_ERROR * (10 + fabs(sum)),
                      "%s backward weight: dw(%zu, %zu) is %g, expected %g", in_bf16 ? "bf16" : "float32", o,
                      i, (double)dw[o * in + i], sum);
        }
    free(dw);
    free(before);
}

static void check_layer(int tokens, int in, int out) {
    struct layer l = make_layer(tokens, in, out);
    for (int in_bf16 = 0; in_bf16 < 2; in_bf16++) {
        use_precision(&l, in_bf16);
        for (int write = GEMM_STORE; write <= GEMM_GATED_GELU_BACKWARD; write++)
            for (int variant = 0; variant < 4; variant++) {
                float rate = variant & 1 ? 0.25f : 0.0f, scale = variant & 2 ? 0.5f : 0.0f;
                check_forward(&l, (enum gemm_write)write, in_bf16, rate, scale);
                check_backward_input(&l, (enum gemm_write)write, in_bf16, rate, scale);
            }
        check_backward_weight(&l, in_bf16);
    }
    free_layer(&l);
}

static void check_layers(void) {
    check_layer(1, 1, 1);
    check_layer(5, 7, 3);
    check_layer(33, 20, 65);
    check_layer(70, 128, 32);
    check_layer(130, 96, 100);
}

Test(linear, plain_loops) {
    check_layers();
}

Test(linear, plain_loops_on_threads) {
    cr_assert_eq(threads_start(3), STATUS_OK);
    check_layers();
    threads_stop();
}

Test(linear, plain_loops_portable) {
    gemm_select(GEMM_PORTABLE);
    check_layers();
    gemm_select(GEMM_OPENBLAS);
}

/* A pass without backward and dropout needs no scratch, and in float32 gives the bits of the product followed
 * by the whole-array activation. */
static void check_float_bits(enum gemm_backend backend) {
    enum { TOKENS = 37, IN = 70, OUT = 45, SIZE = TOKENS * OUT };
    struct layer l = make_layer(TOKENS, IN, OUT);
    struct outcome o = make_outcome(SIZE);
    float product[SIZE], expected[SIZE];
    const struct values x = {.f32 = l.x};
    gemm_select(backend);
    for (int i = 0; i < IN * OUT; i++)
        l.w[i] /= 3.0f;
    gemm(false, true, TOKENS, OUT, IN, l.x, IN, l.w, IN, 0.0f, product, OUT);

    struct gemm_result r = result_of(&o, GEMM_STORE, false, 0, 0, OUT);
    linear_forward(&l.linear, x, TOKENS, &r, NULL);
    cr_assert_arr_eq(o.wide[0], product, sizeof product);

    r.write = GEMM_RELU;
    linear_forward(&l.linear, x, TOKENS, &r, NULL);
    relu_forward(expected, product, SIZE);
    cr_assert_arr_eq(o.wide[0], expected, sizeof expected);

    r.write = GEMM_GATED_GELU;
    linear_forward(&l.linear, x, TOKENS, &r, NULL);
    gated_gelu_forward(expected, o.before[1], product, SIZE);
    cr_assert_arr_eq(o.wide[0], expected, sizeof expected);
    cr_assert_arr_eq(o.wide[3], product, sizeof product);

    memcpy(o.wide[0], o.before[0], sizeof product);
    r.write = GEMM_ADD;
    linear_forward(&l.linear, x, TOKENS, &r, NULL);
    memcpy(expected, o.before[0], sizeof expected);
    gemm(false, true, TOKENS, OUT, IN, l.x, IN, l.w, IN, 1.0f, expected, OUT);
    cr_assert_arr_eq(o.wide[0], expected, sizeof expected);
    gemm_select(GEMM_OPENBLAS);
    free_outcome(&o);
    free_layer(&l);
}

Test(linear, float_bits) {
    check_float_bits(GEMM_OPENBLAS);
    check_float_bits(GEMM_PORTABLE);
}
