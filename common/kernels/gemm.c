/* The dispatcher of matrix products over OpenBLAS (blas.c) and plain C (gemm_portable.c). */
#include "kernels/gemm.h"
#include <stddef.h>
#include "base/threads.h"
#include "kernels/blas.h"
#include "kernels/gemm_portable.h"

static enum gemm_backend selected = GEMM_OPENBLAS;

void gemm_select(enum gemm_backend backend) {
    selected = backend;
}

void gemm_serial(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a,
                 int lda, const float *b, int ldb, float beta, float *c, int ldc) {
    if (m == 0 || n == 0)
        return;
    if (selected == GEMM_PORTABLE ||
        !blas_product(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc))
        gemm_portable(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

struct product {
    bool transpose_a, transpose_b, by_rows;
    int m, n, k, lda, ldb, ldc;
    const float *a, *b;
    float beta, *c;
};

static void product_task(void *context, size_t begin, size_t end, int worker) {
    (void)worker;
    const struct product *p = context;
    int first = (int)begin, size = (int)(end - begin);
    if (p->by_rows) {
        const float *a = p->a + (p->transpose_a ? (size_t)first : (size_t)first * (size_t)p->lda);
        gemm_serial(p->transpose_a, p->transpose_b, size, p->n, p->k, 1.0f, a, p->lda, p->b, p->ldb, p->beta,
                    p->c + (size_t)first * (size_t)p->ldc, p->ldc);
    } else {
        const float *b = p->b + (p->transpose_b ? (size_t)first * (size_t)p->ldb : (size_t)first);
        gemm_serial(p->transpose_a, p->transpose_b, p->m, size, p->k, 1.0f, p->a, p->lda, b, p->ldb, p->beta,
                    p->c + first, p->ldc);
    }
}

/* The longer side of C is cut; below about 20 microseconds of work a second thread costs more than it brings.
 */
void gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, int lda, const float *b,
          int ldb, float beta, float *c, int ldc) {
    struct product p = {transpose_a, transpose_b, m >= n, m, n, k, lda, ldb, ldc, a, b, beta, c};
    size_t longer = (size_t)(p.by_rows ? m : n), grain = 32;
    if ((double)m * n * k < 1e6)
        grain = longer;
    if (longer)
        threads_for(longer, grain, product_task, &p);
}
