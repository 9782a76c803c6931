/* Between the dispatcher of bf16 products (gemm_bf16.c) and its back ends: one rectangle of C on one thread.
 */
#ifndef LACONIC_KERNELS_GEMM_BF16_BLOCK_H
#define LACONIC_KERNELS_GEMM_BF16_BLOCK_H

#include "kernels/gemm_bf16.h"

struct gemm_bf16_job {
    size_t m, n, k;
    struct gemm_bf16_operand a;
    const bf16 *b;
    const struct gemm_result *result;
};

struct gemm_bf16_backend {
    const char *name;
    size_t tile_rows; /* parts are cut at multiples of it */
    /* Rows [row, row_end) and columns of the panels [panel, panel_end). */
    void (*run)(const struct gemm_bf16_job *job, size_t row, size_t row_end, size_t panel, size_t panel_end);
    void (*attend)(const struct gemm_bf16_row *row, float *scores); /* gemm_bf16_attend() */
};

extern const struct gemm_bf16_backend gemm_bf16_scalar, gemm_bf16_avx2, gemm_bf16_avx512,
    gemm_bf16_avx512bf16, gemm_bf16_amx;

#endif
