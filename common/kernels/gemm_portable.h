/* The plain C matrix product: every element of C is one sum in ascending k, multiply then add. */
#ifndef LACONIC_KERNELS_GEMM_PORTABLE_H
#define LACONIC_KERNELS_GEMM_PORTABLE_H

#include <stdbool.h>

/* C = alpha op(A) op(B) + beta C on the calling thread; shapes as in gemm.h. */
void gemm_portable(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a,
                   int lda, const float *b, int ldb, float beta, float *c, int ldc);

#endif
