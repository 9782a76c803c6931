/* Matrix products, the one contract behind which back ends stand.
 *
 * All matrices are float32, row-major. C = op(A) op(B) + beta C with op(A) [m, k], op(B) [k, n], C [m, n];
 * lda, ldb, ldc are row lengths of the arrays as stored, in floats. Work is cut over threads (base/threads.h)
 * in fixed parts. For training and evaluation: the codec multiplies integers (codec/exact).
 */
#ifndef LACONIC_KERNELS_GEMM_H
#define LACONIC_KERNELS_GEMM_H

#include <stdbool.h>

enum gemm_backend {
    GEMM_OPENBLAS, /* the reference for training and the default; plain C where it cannot be loaded, of which
                      cpu_prepare() tells (cpu.h) */
    GEMM_PORTABLE  /* every element is one sum in ascending k without fused multiply-add: the same bits on
                      every CPU, whatever m, the threads and the neighbours; what --cpu scalar takes */
};

void gemm_select(enum gemm_backend backend); /* process-wide; not while other threads compute */

void gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, int lda, const float *b,
          int ldb, float beta, float *c, int ldc);

/* The same on the calling thread alone, for use inside a task of threads_for(); the product is multiplied by
 * alpha before it is added. */
void gemm_serial(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a,
                 int lda, const float *b, int ldb, float beta, float *c, int ldc);

#endif
