/* Kernels against plain definitions, instruction sets against each other, back ends against each other. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "base/threads.h"
#include "kernels/gemm.h"
#include "kernels/lane_ops.h"
#include "kernels/optimizer.h"
#include "kernels/position.h"
#include "kernels/sample.h"

enum { CAPACITY = 8192 };

static void fill(float *x, size_t n, const char *stream) {
    struct rng rng;
    rng_seed(&rng, 1, stream);
    for (size_t i = 0; i < n; i++)
        x[i] = rng_normal(&rng);
}

static float element(const float *x, int leading, bool transposed, int i, int j) {
    return transposed ? x[j * leading + i] : x[i * leading + j];
}

static void check_gemm(bool ta, bool tb, int m, int n, int k, float beta) {
    static float a[CAPACITY], b[CAPACITY], c[CAPACITY], expected[CAPACITY];
    int lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 1, ldc = n + 2;
    fill(a, CAPACITY, "a");
    fill(b, CAPACITY, "b");
    fill(c, CAPACITY, "c");
    memcpy(expected, c, sizeof c);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double sum = (double)beta * (double)c[i * ldc + j];
            for (int p = 0; p < k; p++)
                sum += (double)element(a, lda, ta, i, p) * (double)element(b, ldb, tb, p, j);
            expected[i * ldc + j] = (float)sum;
        }
    gemm(ta, tb, m, n, k, a, lda, b, ldb, beta, c, ldc);
    for (int i = 0; i < CAPACITY; i++)
        cr_assert_float_eq(c[i], expected[i], 1e-4f * (float)k, "m %d n %d k %d element %d", m, n, k, i);
}

static void check_gemm_shapes(enum gemm_backend backend) {
    const int shapes[][3] = {{1, 1, 1},    {1, 40, 7},  {5, 1, 3},  {4, 32, 16},
                             {67, 33, 19}, {9, 65, 70}, {3, 5, 600}};
    gemm_select(backend);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int transposed = 0; transposed < 4; transposed++)
            for (int beta = 0; beta < 2; beta++)
                check_gemm(transposed & 1, transposed & 2, shapes[s][0], shapes[s][1], shapes[s][2],
                           (float)beta);
    gemm_select(GEMM_OPENBLAS);
}

Test(kernels, gemm_openblas) {
    check_gemm_shapes(GEMM_OPENBLAS);
}
Test(kernels, gemm_portable) {
    check_gemm_shapes(GEMM_PORTABLE);
}

/* The bits of loop results under each instruction set this CPU has. */
static uint32_t lane_ops_fingerprint(const struct lane_ops *l) {
    static float x[CAPACITY], y[CAPACITY], z[CAPACITY], sums[GEMM_PANEL * 8];
    uint32_t hash = 2166136261u;
    for (size_t n = 1; n < 100; n += 7) {
        fill(x, CAPACITY, "x");
        fill(y, CAPACITY, "y");
        fill(z, CAPACITY, "z");
        x[0] *= 30; /* far ends of the exponential */
        float kept, scalars[] = {l->dot(x, y, n),
                                 l->max(x, n),
                                 l->exp_sum(x, z, l->max(x, n), n),
                                 (float)l->sum_of_squares(x, n),
                                 l->exp_scaled(y, z + 150, 0.7f, l->max(y, n), n),
                                 (float)l->count_from(y, 0.1f, &kept, n)};
        scalars[1] += kept;
        l->norm(z + 2100, x, y, 0.3f, n);
        l->norm_round((uint16_t *)(void *)(z + 2200), x, y, 0.3f, n);
        l->multiply_add(z + 2300, x, y, 0.3f, n);
        l->relu(z + 2400, y, n);
        l->relu_backward(z + 2500, x, y, n);
        l->axpy(z + 2600, 0.3f, y, n);
        l->scale(z + 2700, 0.3f, n);
        l->gated_gelu(z + 200, y, z, n);
        l->gated_gelu_backward(z + 400, z + 600, x, y, z, n);
        l->norm_backward(z + 800, y, z, x, 0.3f, n);
        l->dropout(z + 1000, y, n, 1u << 22, 1.25f, 77, 3);
        struct lane_adamw s = {0.9f, 0.98f, 1e-8f, 0.7f, 1e-3f, 50.0f, 0.999f};
        memset(z + 1400, 0, 200 * sizeof *z);
        l->adamw(z + 1200, z + 1400, z + 1500, y, n, &s);
        memset(sums, 0, sizeof sums);
        l->gemm_panel(sums, y, y + 4096, 3, 1, 7, n);
        l->attend(z + 1800, y, y + 100, y + 200, y + 300, z + 1900, n, 33, 33);
        const unsigned char *bytes[] = {(void *)scalars, (void *)x, (void *)z, (void *)sums};
        const size_t sizes[] = {sizeof scalars, sizeof x, sizeof z, sizeof sums};
        for (int part = 0; part < 4; part++)
            for (size_t i = 0; i < sizes[part]; i++)
                hash = (hash ^ bytes[part][i]) * 16777619u;
    }
    return hash;
}

Test(kernels, instruction_sets_agree_bit_for_bit) {
    uint32_t expected = lane_ops_fingerprint(&lane_ops_scalar);
    const char *names[] = {"avx2", "avx512"};
    for (int i = 0; i < 2; i++) {
        const struct lane_ops *l = lane_ops_select(names[i]);
        if (l)
            cr_expect_eq(lane_ops_fingerprint(l), expected, "%s", names[i]);
    }
}

Test(kernels, exponential_is_accurate) {
    for (float x = -87; x < 0; x += 0.37f) {
        float out[1];
        lane_ops->exp_sum(&x, out, 0.0f, 1);
        cr_expect_lt(fabs((double)out[0] / exp((double)x) - 1), 3e-7, "e^%g", (double)x);
    }
    float far = -3.0e38f, out[1];
    lane_ops->exp_sum(&far, out, 0.0f, 1);
    cr_expect_eq(out[0], 0.0f);
}

Test(kernels, position_buckets_match_published_ones) {
    /* T5's defaults: 32 buckets, distance 128 */
    struct position_buckets both = {32, 128, true}, before = {32, 128, false};
    const int both_expected[][2] = {{0, 0},   {-1, 1},  {1, 17},   {7, 23},    {8, 24},  {11, 24},
                                    {12, 25}, {16, 26}, {127, 31}, {1000, 31}, {-16, 10}};
    const int before_expected[][2] = {{0, 0}, {5, 0}, {-1, 1}, {-15, 15}, {-16, 16}, {-127, 31}, {-1000, 31}};
    for (size_t i = 0; i < sizeof both_expected / sizeof *both_expected; i++)
        cr_expect_eq(position_bucket(&both, both_expected[i][0]), both_expected[i][1], "distance %d",
                     both_expected[i][0]);
    for (size_t i = 0; i < sizeof before_expected / sizeof *before_expected; i++)
        cr_expect_eq(position_bucket(&before, before_expected[i][0]), before_expected[i][1], "distance %d",
                     before_expected[i][0]);
}

Test(kernels, position_buckets_of_any_number_stay_in_range) {
    for (int count = 4; count <= 40; count++)
        for (int both = 0; both < 2; both++) {
            struct position_buckets buckets = {count, count + 3, both};
            int last = 0;
            for (int distance = 0; distance < 200; distance++) {
                int bucket = position_bucket(&buckets, -distance);
                cr_assert(bucket >= last && bucket < count, "%d buckets, distance %d: %d", count, distance,
                          bucket);
                last = bucket;
            }
        }
}

Test(kernels, sampling_follows_the_distribution) {
    const float logits[] = {logf(0.5f), logf(0.3f), logf(0.15f), logf(0.05f)};
    float scratch[4], log_probability;
    int count[4] = {0}, kept_k[4] = {0}, kept_p[4] = {0};
    for (int i = 0; i < 1000; i++) {
        float u = ((float)i + 0.5f) / 1000;
        count[sample_token(logits, 4, 1.0f, 0, 1.0f, u, scratch, &log_probability)]++;
        kept_k[sample_token(logits, 4, 1.0f, 2, 1.0f, u, scratch, &log_probability)]++;
        kept_p[sample_token(logits, 4, 1.0f, 0, 0.9f, u, scratch, &log_probability)]++;
    }
    cr_expect_eq(count[0], 500);
    cr_expect_eq(count[3], 50);
    cr_expect_eq(kept_k[0], 625);
    cr_expect_eq(kept_k[2] + kept_k[3], 0);
    cr_expect_eq(kept_p[3], 0);
    cr_expect_gt(kept_p[2], 100);
    sample_token(logits, 4, 1.0f, 2, 1.0f, 0.1f, scratch, &log_probability);
    cr_expect_float_eq(log_probability, logf(0.625f), 1e-5f);
    const float tied[] = {1.0f, 3.0f, 3.0f};
    cr_expect_eq(sample_argmax(tied, 3), 1, "ties go to the smallest id");
}

/* How often the ids 0 .. 3 of these probabilities come out, and that their probability is told exactly. */
static void check_exploring(float temperature, int top_k, float epsilon, const double expected[4]) {
    enum { DRAWS = 100000 };
    const float logits[] = {logf(0.5f), logf(0.3f), logf(0.15f), logf(0.05f)};
    float scratch[4], log_probability;
    int count[4] = {0};
    struct rng rng;
    rng_seed(&rng, 1, "exploring");
    for (int i = 0; i < DRAWS; i++) {
        int32_t id =
            sample_exploring(logits, 4, temperature, top_k, 1.0f, epsilon, &rng, scratch, &log_probability);
        cr_assert(id >= 0 && id < 4);
        cr_assert_float_eq(log_probability, log(expected[id]), 1e-6, "id %d: ln %g, not %g", id,
                           (double)log_probability, log(expected[id]));
        count[id]++;
    }
    for (int id = 0; id < 4; id++) { /* four standard deviations */
        double share = (double)count[id] / DRAWS, deviation = sqrt(expected[id] * (1 - expected[id]) / DRAWS);
        cr_expect_leq(fabs(share - expected[id]), 4 * deviation, "id %d: %g, not %g", id, share,
                      expected[id]);
    }
}

Test(kernels, exploring_mixes_the_distribution_with_the_uniform_one) {
    check_exploring(1.0f, 0, 0.2f, (double[4]){0.45, 0.29, 0.17, 0.09});
    check_exploring(1.0f, 2, 0.2f, (double[4]){0.55, 0.35, 0.05, 0.05});
    check_exploring(0.0f, 0, 0.2f, (double[4]){0.85, 0.05, 0.05, 0.05});
    check_exploring(1.0f, 0, 1.0f, (double[4]){0.25, 0.25, 0.25, 0.25});
    check_exploring(0.5f, 0, 0.1f,
                    (double[4]){0.025 + 0.9 * 0.25 / 0.365, 0.025 + 0.9 * 0.09 / 0.365,
                                0.025 + 0.9 * 0.0225 / 0.365, 0.025 + 0.9 * 0.0025 / 0.365});
}

/* Few ids in a large vocabulary, a small epsilon: all of them are reached alike. */
Test(kernels, exploring_reaches_the_whole_vocabulary) {
    enum { VOCABULARY = 32128, DRAWS = 400000 };
    static float logits[VOCABULARY], scratch[VOCABULARY];
    float log_probability;
    int explored = 0, upper = 0, odd = 0;
    struct rng rng;
    rng_seed(&rng, 2, "exploring");
    logits[7] = 50.0f;
    for (int i = 0; i < DRAWS; i++) {
        int32_t id =
            sample_exploring(logits, VOCABULARY, 0.0f, 0, 1.0f, 0.01f, &rng, scratch, &log_probability);
        explored += id != 7;
        upper += id != 7 && id >= VOCABULARY / 2;
        odd += id != 7 && id % 2;
    }
    cr_expect_lt(abs(explored - 4000), 260);
    cr_expect_lt(abs(upper - explored / 2), 130);
    cr_expect_lt(abs(odd - explored / 2), 130);
}

Test(kernels, adamw_matches_its_equations) {
    float w = 0.5f, m = 0, v = 0;
    double dw = 0.5, dm = 0, dv = 0;
    struct adamw s = {0.01f, 0.9f, 0.98f, 1e-8f, 0.1f};
    for (int step = 1; step <= 20; step++) {
        float g = sinf((float)step), h0 = g;
        adamw_update(&w, &m, &v, &g, 1, &s, step, 0.5f, NULL, 0);
        double h = 0.5 * (double)h0;
        cr_expect_eq(g, 0.0f, "the gradient is left zero");
        dm = 0.9 * dm + 0.1 * h;
        dv = 0.98 * dv + 0.02 * h * h;
        dw -=
            0.01 * 0.1 * dw + 0.01 * (dm / (1 - pow(0.9, step))) / (sqrt(dv / (1 - pow(0.98, step))) + 1e-8);
    }
    cr_expect_float_eq(w, (float)dw, 1e-5f);
}

Test(kernels, clipping_and_schedule) {
    const float gradient[] = {3.0f, 4.0f};
    cr_expect_float_eq(gradient_norm(gradient, 2), 5.0, 1e-12);
    cr_expect_float_eq(gradient_clip_scale(5.0, 1.0), 0.2f, 1e-7f);
    cr_expect_float_eq(gradient_clip_scale(0.5, 1.0), 1.0f, 0.0f);
    struct schedule s = {.peak = 1.0, .warmup = 0.1, .final_share = 0.1};
    cr_expect_float_eq(schedule_rate(&s, 0.05), 0.5, 1e-9);
    cr_expect_float_eq(schedule_rate(&s, 0.1), 1.0, 1e-9);
    cr_expect_float_eq(schedule_rate(&s, 0.55), 0.55, 1e-9);
    cr_expect_float_eq(schedule_rate(&s, 1.0), 0.1, 1e-9);
    cr_expect_float_eq(schedule_rate(&s, 2.0), 0.1, 1e-9);
}
