/* Attention in both precisions against a plain loop in double, its backward pass also against finite
 * differences; results that may not depend on threads, instruction sets or neighbours. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "attention_problem.h"
#include "base/threads.h"
#include "kernels/gemm.h"
#include "kernels/gemm_bf16.h"
#include "kernels/lane_ops.h"
#include "kernels/position.h"

static const double unit_f32 = 1e-5, unit_bf16 = 1.05 / 256; /* bf16 has 8 bits; sums are float32 */

/* Lengths around the strip of 64 queries, ragged; sizes that fill no panel; a row that nobody asks. */
static const struct variant variants[] = {
    {2, 32, {1, 2, 63, 64, 65, 130}, {0}, false, true, false, 0.0f},
    {2, 32, {1, 2, 63, 64, 65, 130}, {0}, true, true, false, 0.0f},
    {3, 6, {130, 1, 65, 64, 2, 63}, {0}, false, true, true, 0.1f},
    {3, 6, {5, 63, 130}, {0}, true, true, false, 0.3f},
    {2, 64, {65, 0, 3, 130, 0}, {64, 7, 130, 1, 33}, false, false, true, 0.1f},
    {1, 40, {129, 17}, {5, 200}, false, false, false, 0.0f},
    {2, 64, {70, 3, 64}, {70, 9, 90}, true, true, false, 0.0f}, /* keys that no query sees yet */
};

enum { VARIANTS = sizeof variants / sizeof *variants };

static void expect_near(const char *what, const float *x, int stride, const struct expected *e, int rows,
                        int columns, double unit) {
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            const struct expected *at = &e[i * columns + j];
            double error = fabs((double)x[i * stride + j] - at->value);
            cr_assert(error <= unit * at->away + 1e-6, "%s [%d, %d]: %g instead of %g, bound %g", what, i, j,
                      (double)x[i * stride + j], at->value, unit * at->away);
        }
}

static void expect_all_near(const struct problem *p, const struct reference *r, double unit) {
    expect_near("out", p->out, p->inner, r->out, p->q_tokens, p->inner, unit);
    expect_near("dq", p->dq, p->dq_stride, r->dq, p->q_tokens, p->inner, unit);
    expect_near("dk", p->dkv, p->dkv_stride, r->dk, p->k_tokens, p->inner, unit);
    expect_near("dv", p->dkv + p->inner, p->dkv_stride, r->dv, p->k_tokens, p->inner, unit);
    expect_near("dbias", p->dbias, 0, r->dbias, 1, (int)p->bias_size, unit);
}

static void check_variants(bool in_bf16) {
    for (int i = 0; i < VARIANTS; i++) {
        struct problem *p = problem_of(&variants[i], in_bf16);
        struct reference r = reference_of(p);
        run(p, in_bf16);
        expect_all_near(p, &r, in_bf16 ? unit_bf16 : unit_f32);
        reference_free(&r);
        problem_free(p);
    }
}

Test(attention, float32_matches_a_plain_loop) {
    check_variants(false);
}

Test(attention, portable_float32_matches_a_plain_loop) {
    gemm_select(GEMM_PORTABLE);
    check_variants(false);
}

Test(attention, bf16_matches_a_plain_loop) {
    const char *names[] = {"scalar", "avx2", "avx512", "avx512bf16", "amx"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (gemm_bf16_select(names[i]))
            check_variants(true);
}

/* Both have been run; everything they computed has the same bits. */
static void expect_same(const struct problem *a, const struct problem *b, const char *what) {
    size_t o = (size_t)a->q_tokens * (size_t)a->inner, dq = (size_t)a->q_tokens * (size_t)a->dq_stride;
    size_t dkv = (size_t)a->k_tokens * (size_t)a->dkv_stride;
    cr_expect_arr_eq(a->out, b->out, o * sizeof(float), "%s: out", what);
    cr_expect_arr_eq(a->dq, b->dq, dq * sizeof(float), "%s: dq", what);
    cr_expect_arr_eq(a->dkv, b->dkv, dkv * sizeof(float), "%s: dk and dv", what);
    cr_expect_arr_eq(a->dbias, b->dbias, a->bias_size * sizeof(float), "%s: dbias", what);
    cr_expect_arr_eq(a->statistics, b->statistics,
                     (size_t)a->q_tokens * (size_t)a->shape.heads * 2 * sizeof(float), "%s: statistics",
                     what);
}

Test(attention, does_not_depend_on_the_threads) {
    for (int i = 0; i < VARIANTS; i++)
        for (int in_bf16 = 0; in_bf16 < 2; in_bf16++) {
            struct problem *one = problem_of(&variants[i], in_bf16),
                           *three = problem_of(&variants[i], in_bf16);
            EXPECT_OK(threads_start(1));
            run(one, in_bf16);
            EXPECT_OK(threads_start(3));
            run(three, in_bf16);
            threads_stop();
            expect_same(one, three, in_bf16 ? "bf16" : "float32");
            problem_free(one);
            problem_free(three);
        }
}

Test(attention, instruction_sets_agree_bit_for_bit) {
    const char *names[] = {"avx2", "avx512"};
    gemm_select(GEMM_PORTABLE);
    gemm_bf16_select("scalar");
    for (int i = 0; i < VARIANTS; i++)
        for (int in_bf16 = 0; in_bf16 < 2; in_bf16++) {
            struct problem *scalar = problem_of(&variants[i], in_bf16);
            lane_ops_select("scalar");
            run(scalar, in_bf16);
            for (int n = 0; n < 2; n++) {
                struct problem *other = problem_of(&variants[i], in_bf16);
                if (lane_ops_select(names[n])) {
                    run(other, in_bf16);
                    expect_same(scalar, other, names[n]);
                }
                problem_free(other);
            }
            problem_free(scalar);
        }
}

Test(attention, a_portable_row_does_not_depend_on_its_neighbours) {
    const struct variant many = {2, 32, {70, 3, 130}, {0}, true, true, false, 0.0f};
    struct problem *all = problem_of(&many, false), *alone = problem_of(&many, false);
    gemm_select(GEMM_PORTABLE);
    run(all, false);
    alone->shape.rows = 1;
    alone->shape.q_start = alone->q_start + 2; /* the last row in place */
    alone->shape.k_start = alone->k_start + 2;
    run(alone, false);
    size_t first = (size_t)all->q_start[2] * (size_t)all->inner;
    cr_expect_arr_eq(all->out + first, alone->out + first, 130 * (size_t)all->inner * sizeof(float));
    cr_expect_neq(all->out[first], 0.0f);
    problem_free(all);
    problem_free(alone);
}

Test(attention, keys_that_nobody_asks_have_no_gradient) {
    const struct variant variant = {1, 2, {0, 2}, {3, 2}, false, false, false, 0.0f};
    for (int in_bf16 = 0; in_bf16 < 2; in_bf16++) {
        struct problem *p = problem_of(&variant, in_bf16);
        for (int i = 0; i < 5 * p->dkv_stride; i++)
            p->dkv[i] = 7.0f; /* left by an earlier use */
        run(p, in_bf16);
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 4; j++)
                cr_expect_eq(p->dkv[i * p->dkv_stride + j], 0.0f);
        cr_expect_neq(p->dkv[3 * p->dkv_stride + 2], 7.0f);
        cr_expect_neq(p->dkv[3 * p->dkv_stride + 2], 0.0f);
        cr_expect_eq(p->dkv[4], 7.0f, "columns between rows are not touched");
        problem_free(p);
    }
}

/* The loss of the finite differences: out weighted with dout. */
static double loss_of(struct problem *p) {
    double loss = 0;
    run(p, false);
    for (int i = 0; i < p->q_tokens * p->inner; i++)
        loss += (double)p->out[i] * (double)p->dout[i];
    return loss;
}

/* x [rows, columns], rows `stride` apart, moved along a random direction. */
static void expect_derivative(struct problem *p, const char *what, float *x, int stride, const float *dx,
                              int dx_stride, int rows, int columns) {
    size_t n = (size_t)rows * (size_t)columns;
    float *direction = random_numbers(n, what, false), *kept = numbers(n), *gradient = numbers(n);
    double derivative = 0, loss[2], step = 1e-3;
    for (int side = 0; side < 2; side++) {
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++) {
                float *at = &x[i * stride + j], d = direction[i * columns + j];
                kept[i * columns + j] = *at;
                *at += (float)(side ? step : -step) * d;
            }
        loss[side] = loss_of(p);
        for (int i = 0; i < rows; i++)
            memcpy(x + i * stride, kept + i * columns, (size_t)columns * sizeof *x);
    }
    loss_of(p); /* gradients at the middle */
    for (int i = 0; i < rows; i++)
        memcpy(gradient + i * columns, dx + i * dx_stride, (size_t)columns * sizeof *x);
    for (size_t i = 0; i < n; i++)
        derivative += (double)gradient[i] * (double)direction[i];
    double measured = (loss[1] - loss[0]) / (2 * step);
    cr_expect_lt(fabs(measured - derivative), 4e-3 * (fabs(measured) + fabs(derivative) + 1.0),
                 "%s: gradient says %g, differences say %g", what, derivative, measured);
    free(direction);
    free(kept);
    free(gradient);
}

static void check_gradients(bool causal, bool cross, bool masked, float dropout) {
    const struct variant variant = {2, 5, {5, 1, 8}, {cross ? 3 : 0, 7, 1}, causal, !cross, masked, dropout};
    struct problem *p = problem_of(&variant, false);
    for (int i = 0; i < p->k_tokens; i++)
        p->mask[i] = i % 4 != 1; /* a row that sees nothing has no gradient: its scores vanish in rounding */
    expect_derivative(p, "q", p->q, p->q_stride, p->dq, p->dq_stride, p->q_tokens, p->inner);
    expect_derivative(p, "k", p->kv, p->kv_stride, p->dkv, p->dkv_stride, p->k_tokens, p->inner);
    expect_derivative(p, "v", p->kv + p->inner, p->kv_stride, p->dkv + p->inner, p->dkv_stride, p->k_tokens,
                      p->inner);
    if (!cross)
        expect_derivative(p, "bias", p->bias, 0, p->dbias, 0, 1, (int)p->bias_size);
    problem_free(p);
}

Test(attention, gradients_of_an_encoder) {
    check_gradients(false, false, false, 0);
}
Test(attention, gradients_of_an_encoder_masked) {
    check_gradients(false, false, true, 0);
}
Test(attention, gradients_causal) {
    check_gradients(true, false, false, 0);
}
Test(attention, gradients_cross) {
    check_gradients(false, true, false, 0);
}
Test(attention, gradients_cross_masked) {
    check_gradients(false, true, true, 0);
}
Test(attention, gradients_with_dropout) {
    check_gradients(true, false, false, 0.3f);
}
Test(attention, gradients_cross_masked_with_dropout) {
    check_gradients(false, true, true, 0.3f);
}

/* The bias is linear in its table, so <forward(table), dbias> = <table, backward(dbias)>. */
Test(attention, gradient_of_the_bias_table) {
    enum { HEADS = 2, LENGTH = 9, BUCKETS = 8 };
    for (int both_sides = 0; both_sides < 2; both_sides++) {
        struct position_buckets buckets = {BUCKETS, 16, both_sides};
        size_t span = HEADS * (2 * LENGTH - 1), table_size = BUCKETS * HEADS;
        float *table = random_numbers(table_size, "table", false),
              *dbias = random_numbers(span, "dbias", false);
        float *bias = numbers(span), *dtable = numbers(table_size);
        double forward = 0, backward = 0;
        position_bias_forward(bias, table, &buckets, HEADS, LENGTH);
        position_bias_backward(dtable, dbias, &buckets, HEADS, LENGTH);
        for (size_t i = 0; i < span; i++)
            forward += (double)bias[i] * (double)dbias[i];
        for (size_t i = 0; i < table_size; i++)
            backward += (double)table[i] * (double)dtable[i];
        cr_expect_float_eq(forward, backward, 1e-5);
        cr_expect_neq(forward, 0.0);
        free(table);
        free(dbias);
        free(bias);
        free(dtable);
    }
}

/* One key of score 0 and thirty-one of x: their sum, which is not rounded, shows the exponential. */
Test(attention, the_exponential_of_bf16_is_finer_than_its_rounding) {
    float scores[48], statistics[2];
    uint16_t p[48];
    struct lane_scores s = {.scores = scores, .rows = 1, .stride = 48, .columns = 32, .keys = 32, .seen = 32};
    for (float x = -3; x < 0; x += 0.01f) {
        scores[0] = 0;
        for (int j = 1; j < 32; j++)
            scores[j] = x;
        lane_ops->softmax_rows_bf16(&s, p, statistics, 2);
        cr_assert_eq(statistics[0], 0.0f);
        cr_assert_lt(fabs((1 / (double)statistics[1] - 1) / 31 / exp((double)x) - 1), 4e-6, "e^%g",
                     (double)x);
    }
    scores[1] = -88.0f;
    lane_ops->softmax_rows_bf16(&s, p, statistics, 2);
    cr_expect_eq(p[1], 0, "a hidden key has no weight at all");
}
