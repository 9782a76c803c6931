/* OpenBLAS, loaded when it is needed: a program that never multiplies in float32 has neither its code nor its
 * buffers. Threads of its own it never gets; ours (base/threads.h) cut the products.
 *
 * OpenBLAS asks the system for its buffers again and again until it gets them. So they are reserved before
 * the work begins, after a look whether there is room.
 */
#ifndef LACONIC_KERNELS_BLAS_H
#define LACONIC_KERNELS_BLAS_H

#include <stdbool.h>
#include "base/status.h"

/* Loads it, for a core type (OPENBLAS_CORETYPE) or, with NULL, for the one it finds, with buffers for
 * products of so many threads at the same time; loads it again where it runs another type. A later call needs
 * no product to be under way. STATUS_CONFIG: it is not installed, STATUS_MEMORY: it does not fit. */
enum status blas_load(const char *core, int threads);

const char *blas_core(void); /* the type it runs; "none" while it is not loaded */

/* C = alpha op(A) op(B) + beta C on the calling thread, as gemm.h has it; loads it where nobody has. False:
 * it cannot be loaded, and C is as it was. */
bool blas_product(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a,
                  int lda, const float *b, int ldb, float beta, float *c, int ldc);

#endif
