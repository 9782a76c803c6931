/* bf16 products of every back end this CPU has, and of the AMX back end on a model of its unit (amx_model.h),
 * against sums in double precision.
 *
 * What may differ. A product of two bf16 is exact in float32, so a sum of k products rounds at most k + 1
 * times, each time by at most u = 2^-24 of a partial sum that is at most S = sum |a||b|: the error is below
 * (k + 1) u S, and as roundings go up and down alike, below 8 sqrt(k + 1) u S but for one element in 10^13
 * (Higham and Mary 2019, theorem 2.4 with lambda = 8). The second is well below one forgotten product.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include "unit/gemm_problem.h"

#define ROUNDING 0x1p-24 /* u of float32 */
#define SUM_ERROR 8.0    /* times sqrt(k + 1) u S */
#define BF16_ROUNDING 0x1p-9
#define GELU_ERROR 1e-6       /* of vec.h's gelu, times 1 + |x| */
#define DERIVATIVE_ERROR 4e-6 /* of its derivative, times 1 + |x|^3 */

static double gelu(double x) {
    return x / 2 * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

static double gelu_derivative(double x) {
    double t = tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x));
    return (1 + t) / 2 + x / 2 * (1 - t * t) * sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
}

struct expected {
    double value, error;
};

/* What one sum with its error becomes in c; `before` is what c held. */
static struct expected expected_c(const struct problem *p, struct expected sum, double mask, double before,
                                  double x, double gate) {
    double scale = p->scale == 0.0f ? 1.0 : (double)p->scale, cube = 1 + fabs(x * x * x);
    struct expected kept = {sum.value * mask, sum.error * mask};
    switch (p->write) {
    case GEMM_STORE:
        return (struct expected){kept.value * scale, kept.error * scale};
    case GEMM_ADD:
        return (struct expected){before + kept.value * scale,
                                 kept.error * scale + 2 * ROUNDING * (p->k / 1024 + 1) * fabs(before)};
    case GEMM_RELU:
        return (struct expected){fmax(kept.value, 0), kept.error};
    case GEMM_RELU_BACKWARD:
        return x > 0 ? kept : (struct expected){0};
    case GEMM_GATED_GELU:
        return (struct expected){gelu(x) * kept.value,
                                 fabs(gelu(x)) * kept.error + GELU_ERROR * (1 + fabs(x)) * fabs(kept.value)};
    case GEMM_GATED_GELU_BACKWARD:
        return (struct expected){gelu_derivative(x) * gate * kept.value,
                                 fabs(gate) * (fabs(gelu_derivative(x)) * kept.error +
                                               DERIVATIVE_ERROR * cube * fabs(kept.value))};
    }
    return sum;
}

static struct expected expected_other(const struct problem *p, struct expected sum, double mask, double x) {
    if (p->write == GEMM_GATED_GELU)
        return sum;
    return (struct expected){gelu(x) * mask * sum.value,
                             mask *
                                 (fabs(gelu(x)) * sum.error + GELU_ERROR * (1 + fabs(x)) * fabs(sum.value))};
}

static void check_element(const struct problem *p, const char *array, double got, struct expected expected,
                          bool in_bf16, size_t i, size_t j) {
    double error = expected.error + fabs(expected.value) * 4 * ROUNDING;
    if (in_bf16)
        error += fabs(expected.value) * 2 * BF16_ROUNDING;
    cr_assert(fabs(got - expected.value) <= error + (double)FLT_MIN,
              "%s, m %d n %d k %d layout %d write %d dropout %g: %s(%zu, %zu) is %.9g, expected %.9g +- %.2g",
              used(), p->m, p->n, p->k, (int)p->layout, (int)p->write, (double)p->dropout_rate, array, i, j,
              got, expected.value, error);
}

static struct expected sum_of(const struct arrays *s, const struct problem *p, size_t i, size_t j) {
    double sum = 0, magnitude = 0;
    size_t n = (size_t)p->n, k = (size_t)p->k;
    for (size_t l = 0; l < k; l++) {
        double product = s->a[i * k + l] * s->b[l * n + j];
        sum += product;
        magnitude += fabs(product);
    }
    return (struct expected){sum, SUM_ERROR * sqrt((double)k + 1) * ROUNDING * magnitude};
}

static void check_untouched(const char *array, const struct problem *p, const struct arrays *s,
                            struct values now, struct values before, bool inside) {
    for (size_t at = 0; at < s->size; at++) {
        size_t row = at / s->ldc, column = at % s->ldc;
        bool in_matrix = row >= 1 && row <= (size_t)p->m && column < (size_t)p->n;
        if (!in_matrix || inside)
            cr_assert(same_bits(now, before, at), "%s, m %d n %d k %d write %d: %s changed at (%zu - 1, %zu)",
                      used(), p->m, p->n, p->k, (int)p->write, array, row, column);
    }
}

static void check(const struct problem *p) {
    struct arrays s = make_arrays(p);
    struct values c = copy_values(s.c, s.size), x = copy_values(s.x, s.size),
                  gate = copy_values(s.gate, s.size), other = copy_values(s.other, s.size);
    run(&s, p);
    check_untouched("c", p, &s, s.c, c, false);
    check_untouched("other", p, &s, s.other, other, p->write < GEMM_GATED_GELU);
    check_untouched("x", p, &s, s.x, x, true);
    check_untouched("gate", p, &s, s.gate, gate, true);
    for (size_t i = 0; i < (size_t)p->m; i++)
        for (size_t j = 0; j < (size_t)p->n; j++) {
            size_t at = (i + 1) * s.ldc + j;
            struct expected sum = sum_of(&s, p, i, j);
            double mask = (double)s.mask[i * (size_t)p->n + j], from = value(x, at);
            check_element(p, "c", value(s.c, at),
                          expected_c(p, sum, mask, value(c, at), from, value(gate, at)), p->c_in_bf16, i, j);
            if (p->write >= GEMM_GATED_GELU)
                check_element(p, "other", value(s.other, at), expected_other(p, sum, mask, from),
                              p->x_in_bf16, i, j);
        }
    free_values(c);
    free_values(x);
    free_values(gate);
    free_values(other);
    free_arrays(&s);
}

static int pick(struct rng *rng, const int *from, uint64_t count) {
    return from[rng_below(rng, count)];
}

enum depth { SMALL, MEDIUM, DEEP, DEPTHS };

/* Around the sizes at which tiles, panels, strips and copies end. */
static void pick_shape(struct problem *p, struct rng *rng, enum depth depth) {
    static const int sizes[] = {1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 97, 100, 129};
    static const int deep[] = {1023, 1024, 1025, 1026, 1056, 1500, 2047,
                               2048, 2049, 2111, 3100, 4096, 4130, 4160};
    const uint64_t until[DEPTHS] = {13, 20, 14};
    p->m = pick(rng, sizes, depth == DEEP ? 19 : until[depth]);
    p->n = pick(rng, sizes, until[depth]);
    p->k = depth == DEEP ? pick(rng, deep, sizeof deep / sizeof *deep) : pick(rng, sizes, 20);
}

static void check_random_shapes(void) {
    struct rng rng;
    rng_seed(&rng, 3, "shapes");
    for (int kind = 0; kind < LAYOUTS * WRITES * 2 * 2 * DEPTHS; kind++) {
        struct problem p = {.layout = (enum layout)(kind % LAYOUTS),
                            .write = (enum gemm_write)(kind / LAYOUTS % WRITES),
                            .dropout_rate = kind / (LAYOUTS * WRITES) % 2 ? 0.3f : 0.0f,
                            .c_in_bf16 = kind / (LAYOUTS * WRITES * 2) % 2,
                            .x_in_bf16 = rng_below(&rng, 2),
                            .scale = rng_below(&rng, 2) ? 0.25f : 0.0f};
        p.c_in_bf16 = p.c_in_bf16 && p.write != GEMM_ADD;
        pick_shape(&p, &rng, (enum depth)(kind / (LAYOUTS * WRITES * 4)));
        check(&p);
    }
}

Test(gemm_bf16, random_shapes) {
    for (int b = 0; b < BACKENDS; b++)
        if (use(backends[b]))
            check_random_shapes();
}

/* Neither the number of threads nor which side they cut shows in the bits. */
static void check_threads(struct problem p) {
    struct values first_c = {0}, first_other = {0};
    for (int t = 0; t < 3; t++) {
        const int threads[] = {1, 2, 5};
        struct arrays s = make_arrays(&p);
        cr_assert_eq(threads_start(threads[t]), STATUS_OK);
        run(&s, &p);
        threads_stop();
        if (t == 0) {
            first_c = copy_values(s.c, s.size);
            first_other = copy_values(s.other, s.size);
        }
        check_untouched("c over threads", &p, &s, s.c, first_c, true);
        check_untouched("other over threads", &p, &s, s.other, first_other, true);
        free_arrays(&s);
    }
    free_values(first_c);
    free_values(first_other);
}

Test(gemm_bf16, threads) {
    for (int b = 0; b < BACKENDS; b++)
        if (use(backends[b]))
            for (int write = 0; write < WRITES; write++)
                for (int layout = 0; layout < LAYOUTS; layout++) {
                    struct problem p = {170,   67,   131, (enum layout)layout, (enum gemm_write)write, false,
                                        false, 0.5f, 0.1f};
                    check_threads(p);
                    p.m = 67;
                    p.n = 170;
                    check_threads(p);
                }
}

/* A row computed alone has the bits that it has among others. */
static void check_rows_alone(struct problem p) {
    struct arrays s = make_arrays(&p);
    struct values among = copy_values(s.c, s.size);
    struct gemm_result r = result_of(&s, &p);
    r.c = behind_guard(among, s.ldc);
    multiply(p.m, p.n, p.k, s.operand, s.packed_b, &r);
    for (size_t i = 0; i < (size_t)p.m; i++) {
        struct gemm_bf16_operand row = gemm_bf16_rows(s.operand.data + i * s.operand.lda, s.operand.lda);
        r.c.f32 = s.c.f32 + (i + 1) * s.ldc;
        multiply(1, p.n, p.k, row, s.packed_b, &r);
    }
    check_untouched("c row by row", &p, &s, s.c, among, true);
    free_values(among);
    free_arrays(&s);
}

Test(gemm_bf16, rows_alone) {
    for (int b = 0; b < BACKENDS; b++)
        if (use(backends[b]))
            for (int layout = ROWS; layout < PACKED; layout++) {
                check_rows_alone((struct problem){.m = 45, .n = 70, .k = 96, .layout = (enum layout)layout});
                check_rows_alone((struct problem){.m = 45, .n = 70, .k = 97, .layout = (enum layout)layout});
                check_rows_alone((struct problem){.m = 5, .n = 40, .k = 1501, .layout = (enum layout)layout});
            }
}

/* Of a sum what the definition says: not-a-number of one or of infinity times zero, infinity of one. */
static void check_special(const struct problem *p, bf16 special_a, bf16 special_b) {
    struct arrays s = make_arrays(p);
    size_t ia = (size_t)p->m / 2, la = (size_t)p->k - 1, jb = (size_t)p->n - 1, lb = (size_t)p->k / 3;
    size_t packed_b = ((jb / 32 * bf16_packed_pairs(p->k) + lb / 2) * 32 + jb % 32) * 2 + lb % 2,
           packed_a = ((ia / 32 * bf16_packed_pairs(p->k) + la / 2) * 32 + ia % 32) * 2 + la % 2;
    size_t at = p->layout == PACKED ? packed_a : ia * s.operand.lda + la + (p->layout == SHIFTED_ROWS);
    s.room_a[at] = special_a;
    s.packed_b[packed_b] = special_b;
    s.a[ia * (size_t)p->k + la] = (double)float_of_bf16(special_a);
    s.b[lb * (size_t)p->n + jb] = (double)float_of_bf16(special_b);
    run(&s, p);
    for (size_t i = 0; i < (size_t)p->m; i++)
        for (size_t j = 0; j < (size_t)p->n; j++) {
            double got = value(s.c, (i + 1) * s.ldc + j), expected = sum_of(&s, p, i, j).value;
            if (isfinite(expected))
                cr_assert(isfinite(got), "%s layout %d: (%zu, %zu) is %g", used(), (int)p->layout, i, j, got);
            else
                cr_assert(isnan(expected) ? isnan(got) : got == expected,
                          "%s layout %d: (%zu, %zu) is %g not %g", used(), (int)p->layout, i, j, got,
                          expected);
        }
    free_arrays(&s);
}

Test(gemm_bf16, not_a_number_and_infinity) {
    const bf16 nan = 0x7fc0, infinity = 0x7f80, minus = 0x8000;
    for (int b = 0; b < BACKENDS; b++)
        if (use(backends[b]))
            for (int layout = 0; layout < LAYOUTS; layout++)
                for (int in_bf16 = 0; in_bf16 < 2; in_bf16++) {
                    struct problem p = {.m = 37, .n = 45, .k = 67, .layout = (enum layout)layout};
                    p.c_in_bf16 = in_bf16;
                    check_special(&p, nan, infinity);
                    check_special(&p, infinity | minus, nan);
                    check_special(&p, infinity, infinity | minus);
                    p.k = 64;
                    check_special(&p, infinity | minus, infinity);
                }
}

Test(gemm_bf16, empty) {
    for (int b = 0; b < BACKENDS; b++)
        if (gemm_bf16_select(backends[b])) {
            float c[2] = {1, 2};
            bf16 a[2] = {0}, packed[64] = {0};
            struct gemm_result r = {.write = GEMM_ADD, .c.f32 = c, .ldc = 1};
            gemm_bf16(0, 1, 1, gemm_bf16_rows(a, 1), packed, &r);
            gemm_bf16(1, 0, 1, gemm_bf16_rows(a, 1), packed, &r);
            gemm_bf16(2, 1, 0, gemm_bf16_rows(a, 2), packed, &r);
            cr_assert(c[0] == 1 && c[1] == 2);
        }
}

Test(gemm_bf16, unknown_backend) {
    const char *before = gemm_bf16_selected();
    cr_assert_not(gemm_bf16_select("abacus"));
    cr_assert_str_eq(gemm_bf16_selected(), before);
}
