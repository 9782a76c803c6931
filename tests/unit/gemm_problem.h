/* One bf16 product with all its arrays, for any back end, the AMX one on a model of its unit (amx_model.h)
 * included. Part of gemm_bf16_test.c. */
#ifndef LACONIC_TESTS_GEMM_PROBLEM_H
#define LACONIC_TESTS_GEMM_PROBLEM_H

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "base/threads.h"
#include "kernels/dropout.h"
#include "kernels/gemm_bf16.h"
#include "kernels/gemm_bf16_block.h"

extern const struct gemm_bf16_backend gemm_bf16_amx_model;

static const char *const backends[] = {"scalar", "avx2", "avx512", "avx512bf16", "amx", "amx_model"};
enum { BACKENDS = sizeof backends / sizeof *backends, WRITES = GEMM_GATED_GELU_BACKWARD + 1 };

/* The model stands behind no CPU feature, so the dispatcher does not know it. */
static const struct gemm_bf16_backend *model;

static inline bool use(const char *name) {
    model = strcmp(name, gemm_bf16_amx_model.name) == 0 ? &gemm_bf16_amx_model : NULL;
    return model || gemm_bf16_select(name);
}

static inline const char *used(void) {
    return model ? model->name : gemm_bf16_selected();
}

static void model_rows(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    const struct gemm_bf16_job *job = context;
    model->run(job, begin, end, 0, (job->n + BF16_PANEL - 1) / BF16_PANEL);
}

static void model_panels(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    const struct gemm_bf16_job *job = context;
    model->run(job, 0, job->m, begin, end);
}

static void multiply(int m, int n, int k, struct gemm_bf16_operand a, const bf16 *b,
                     const struct gemm_result *result) {
    struct gemm_bf16_job job = {(size_t)m, (size_t)n, (size_t)k, a, b, result};
    if (!model)
        gemm_bf16(m, n, k, a, b, result);
    else if (m >= n)
        threads_for(job.m, model->tile_rows, model_rows, &job);
    else
        threads_for((job.n + BF16_PANEL - 1) / BF16_PANEL, 1, model_panels, &job);
}

enum layout { ROWS, ODD_ROWS, SHIFTED_ROWS, PACKED, LAYOUTS };

struct problem {
    int m, n, k;
    enum layout layout;
    enum gemm_write write;
    bool c_in_bf16, x_in_bf16; /* in bf16; x stands for x, gate and other */
    float scale, dropout_rate;
};

/* Operands and arrays of one problem. C and its like have ldc > n and a row before and behind, filled with
 * numbers that must stay. */
struct arrays {
    struct rng rng;
    double *a, *b; /* [m, k], [k, n] */
    bf16 *room_a, *packed_b;
    struct gemm_bf16_operand operand;
    size_t ldc, size; /* numbers in each of c, x, gate, other */
    struct values c, x, gate, other;
    float *mask; /* [m, n]: 0 or 1 / (1 - rate) */
};

static float float_of_bf16(bf16 half) {
    uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static bf16 random_bf16(struct rng *rng) {
    float x = rng_normal(rng);
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (bf16)(bits >> 16);
}

static double value(struct values v, size_t at) {
    return (double)(v.f32 ? v.f32[at] : float_of_bf16(v.b16[at]));
}

static struct values random_values(struct rng *rng, size_t size, bool in_bf16) {
    struct values v = {0};
    if (in_bf16)
        v.b16 = malloc(size * sizeof *v.b16);
    else
        v.f32 = malloc(size * sizeof *v.f32);
    for (size_t i = 0; i < size; i++)
        if (in_bf16)
            v.b16[i] = random_bf16(rng);
        else
            v.f32[i] = rng_normal(rng);
    return v;
}

static struct values copy_values(struct values v, size_t size) {
    struct values copy = {0};
    if (v.f32)
        copy.f32 = memcpy(malloc(size * sizeof *v.f32), v.f32, size * sizeof *v.f32);
    else
        copy.b16 = memcpy(malloc(size * sizeof *v.b16), v.b16, size * sizeof *v.b16);
    return copy;
}

static bool same_bits(struct values v, struct values w, size_t at) {
    return v.f32 ? memcmp(v.f32 + at, w.f32 + at, sizeof *v.f32) == 0 : v.b16[at] == w.b16[at];
}

static void free_values(struct values v) {
    free(v.f32);
    free(v.b16);
}

/* The last row ends where the array ends, so that the sanitizer sees what is read beyond; between rows there
 * are not-a-numbers. */
static void make_a(struct arrays *s, const struct problem *p) {
    size_t m = (size_t)p->m, k = (size_t)p->k, shift = p->layout == SHIFTED_ROWS, lda = (k + 1) / 2 * 2;
    if (p->layout == ODD_ROWS)
        lda++;
    s->a = malloc(m * k * sizeof *s->a);
    size_t size = shift + (m - 1) * lda + k;
    s->room_a = malloc(size * sizeof *s->room_a);
    memset(s->room_a, 0xff, size * sizeof *s->room_a);
    bf16 *rows = s->room_a + shift;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < k; j++) {
            rows[i * lda + j] = random_bf16(&s->rng);
            s->a[i * k + j] = (double)float_of_bf16(rows[i * lda + j]);
        }
    s->operand = gemm_bf16_rows(rows, lda);
    if (p->layout != PACKED)
        return;
    bf16 *packed = malloc(bf16_packed_count(p->k, p->m) * sizeof *packed);
    bf16_pack_transposed(packed, rows, lda, p->k, p->m);
    free(s->room_a);
    s->room_a = packed;
    s->operand = gemm_bf16_transposed(packed);
}

static void make_b(struct arrays *s, const struct problem *p) {
    size_t n = (size_t)p->n, k = (size_t)p->k;
    bf16 *rows = malloc(k * n * sizeof *rows);
    s->b = malloc(k * n * sizeof *s->b);
    s->packed_b = malloc(bf16_packed_count(p->k, p->n) * sizeof *s->packed_b);
    for (size_t i = 0; i < k * n; i++) {
        rows[i] = random_bf16(&s->rng);
        s->b[i] = (double)float_of_bf16(rows[i]);
    }
    bf16_pack(s->packed_b, rows, n, p->k, p->n);
    free(rows);
}

static struct arrays make_arrays(const struct problem *p) {
    struct arrays s = {.ldc = (size_t)p->n + 3, .size = ((size_t)p->n + 3) * ((size_t)p->m + 2)};
    size_t numbers = (size_t)p->m * (size_t)p->n;
    rng_seed(&s.rng, (uint64_t)p->m * 1000003u + (uint64_t)p->n * 1009u + (uint64_t)p->k, "arrays");
    make_a(&s, p);
    make_b(&s, p);
    s.c = random_values(&s.rng, s.size, p->c_in_bf16);
    s.x = random_values(&s.rng, s.size, p->x_in_bf16);
    s.gate = random_values(&s.rng, s.size, p->x_in_bf16);
    s.other = random_values(&s.rng, s.size, p->x_in_bf16);
    s.mask = malloc(numbers * sizeof *s.mask);
    for (size_t i = 0; i < numbers; i++)
        s.mask[i] = 1.0f;
    if (p->dropout_rate > 0.0f)
        dropout_apply(s.mask, s.mask, numbers, p->dropout_rate, 99, 0);
    return s;
}

static void free_arrays(struct arrays *s) {
    free(s->a);
    free(s->b);
    free(s->room_a);
    free(s->packed_b);
    free_values(s->c);
    free_values(s->x);
    free_values(s->gate);
    free_values(s->other);
    free(s->mask);
}

static struct values behind_guard(struct values v, size_t ldc) {
    return (struct values){v.f32 ? v.f32 + ldc : NULL, v.b16 ? v.b16 + ldc : NULL};
}

static struct gemm_result result_of(const struct arrays *s, const struct problem *p) {
    struct gemm_result r = {.write = p->write,
                            .c = behind_guard(s->c, s->ldc),
                            .ldc = (int)s->ldc,
                            .scale = p->scale,
                            .dropout_rate = p->dropout_rate,
                            .dropout_key = 99};
    if (p->write == GEMM_RELU_BACKWARD || p->write >= GEMM_GATED_GELU)
        r.x = behind_guard(s->x, s->ldc);
    if (p->write == GEMM_GATED_GELU_BACKWARD)
        r.gate = behind_guard(s->gate, s->ldc);
    if (p->write >= GEMM_GATED_GELU)
        r.other = behind_guard(s->other, s->ldc);
    return r;
}

static void run(const struct arrays *s, const struct problem *p) {
    struct gemm_result r = result_of(s, p);
    multiply(p->m, p->n, p->k, s->operand, s->packed_b, &r);
}

#endif
