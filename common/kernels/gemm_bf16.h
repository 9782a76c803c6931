/* Products of bf16 matrices with float32 sums, C = op(A) B with B packed (bf16.h), op(A) [m, k], C [m, n].
 *
 * Every element is a sum over pairs of k in ascending order, in parts of at most 1024 pairs that are added
 * one after the other, so neither threads nor neighbours change its bits; back ends differ in how a pair is
 * added. What happens to a sum on its way out is the result's `write`.
 */
#ifndef LACONIC_KERNELS_GEMM_BF16_H
#define LACONIC_KERNELS_GEMM_BF16_H

#include <stdbool.h>
#include "kernels/bf16.h"

enum gemm_write {
    GEMM_STORE,               /* c = scale * sum */
    GEMM_ADD,                 /* c += scale * sum; c in float32 */
    GEMM_RELU,                /* c = max(sum, 0) */
    GEMM_RELU_BACKWARD,       /* c = x > 0 ? sum : 0, x what GEMM_RELU had written */
    GEMM_GATED_GELU,          /* other = sum (the gate), c = gelu(x) * sum */
    GEMM_GATED_GELU_BACKWARD, /* sum is d(loss)/d(active): other = gelu(x) sum, c = gelu'(x) gate sum */
};

struct gemm_result {
    enum gemm_write write;
    struct values c, x, gate, other; /* all [m, n] with rows ldc apart; those that `write` names */
    int ldc;
    float scale;          /* 0 counts as 1 */
    float dropout_rate;   /* of the sums (after relu and gelu's product), or 0; see dropout.h */
    uint64_t dropout_key; /* element (i, j) is number i n + j < 2^32 */
};

/* The sums as they are, written to C or added to it. */
static inline struct gemm_result gemm_into(struct values c, int ldc) {
    return (struct gemm_result){.write = GEMM_STORE, .c = c, .ldc = ldc};
}

static inline struct gemm_result gemm_onto(float *c, int ldc) {
    return (struct gemm_result){.write = GEMM_ADD, .c = {.f32 = c}, .ldc = ldc};
}

/* op(A): rows [m, k] as stored, lda apart; or, `packed`, the transposed of a packed [k, m]. */
struct gemm_bf16_operand {
    const bf16 *data;
    size_t lda;
    bool packed;
};

static inline struct gemm_bf16_operand gemm_bf16_rows(const bf16 *data, size_t lda) {
    return (struct gemm_bf16_operand){data, lda, false};
}

static inline struct gemm_bf16_operand gemm_bf16_transposed(const bf16 *packed) {
    return (struct gemm_bf16_operand){packed, 0, true};
}

/* Cut over threads; inside a task on the calling thread alone. If m, n or k is 0, C stays as it is. */
void gemm_bf16(int m, int n, int k, struct gemm_bf16_operand a, const bf16 *b,
               const struct gemm_result *result);

/* One query of one head over `count` packed keys [width, capacity] and values [capacity, width]:
 * out = sum over j of softmax(q . k_j + bias[j]) v_j. */
struct gemm_bf16_row {
    bf16 *out;
    const bf16 *q, *keys, *values; /* q and out [width]; width even, q 4-byte aligned */
    const float *bias;             /* [count] or NULL */
    int width, capacity;
    size_t count; /* at least one */
};

/* On the calling thread. scores [count rounded up to a panel]. */
void gemm_bf16_attend(const struct gemm_bf16_row *row, float *scores);

/* Back ends by name: "scalar", "avx2", "avx512" (splits pairs into float32), "avx512bf16", "amx".
 * Process-wide, the best this CPU has until chosen otherwise; not while other threads compute. False: unknown
 * or beyond this CPU. */
bool gemm_bf16_select(const char *name);
const char *gemm_bf16_selected(void);

#endif
