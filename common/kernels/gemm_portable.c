/* Portable matrix product. Columns of C are the vector lanes, so the order of every sum is the same at any
 * vector width; B is packed in panels of GEMM_PANEL columns and DEPTH rows, sums continue from panel to
 * panel. */
#include "kernels/gemm_portable.h"
#include <stddef.h>
#include <string.h>
#include "kernels/lane_ops.h"

enum { DEPTH = 1024, SLAB = 64 };

struct strided {
    const float *base;
    size_t row, column; /* steps in floats */
};

static struct strided strided_of(const float *base, int leading, bool transposed) {
    return transposed ? (struct strided){base, 1, (size_t)leading}
                      : (struct strided){base, (size_t)leading, 1};
}

/* packed [depth, GEMM_PANEL] = B[k0 .. k0 + depth, j0 .. j0 + width], zeros behind width */
static void pack_panel(float *packed, struct strided b, size_t k0, size_t depth, size_t j0, size_t width) {
    for (size_t k = 0; k < depth; k++)
        for (size_t j = 0; j < GEMM_PANEL; j++)
            packed[k * GEMM_PANEL + j] = j < width ? b.base[(k0 + k) * b.row + (j0 + j) * b.column] : 0.0f;
}

static void store_slab(float *c, size_t ldc, const float *sums, size_t rows, size_t width, float alpha,
                       float beta) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < width; j++) {
            float product = alpha * sums[i * GEMM_PANEL + j];
            c[i * ldc + j] = beta == 0.0f ? product : product + beta * c[i * ldc + j];
        }
}

void gemm_portable(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a,
                   int lda, const float *b, int ldb, float beta, float *c, int ldc) {
    float packed[DEPTH * GEMM_PANEL], sums[SLAB * GEMM_PANEL];
    struct strided sa = strided_of(a, lda, transpose_a), sb = strided_of(b, ldb, transpose_b);
    size_t rows = (size_t)m, columns = (size_t)n, depth = (size_t)k;
    for (size_t j = 0; j < columns; j += GEMM_PANEL) {
        size_t width = columns - j < GEMM_PANEL ? columns - j : GEMM_PANEL;
        for (size_t i = 0; i < rows; i += SLAB) {
            size_t height = rows - i < SLAB ? rows - i : SLAB;
            memset(sums, 0, sizeof sums);
            for (size_t k0 = 0; k0 < depth; k0 += DEPTH) {
                size_t part = depth - k0 < DEPTH ? depth - k0 : DEPTH;
                if (i == 0 || depth > DEPTH) /* a panel that is deep enough to stay packed serves all slabs */
                    pack_panel(packed, sb, k0, part, j, width);
                lane_ops->gemm_panel(sums, packed, sa.base + i * sa.row + k0 * sa.column, sa.row, sa.column,
                                     height, part);
            }
            store_slab(c + i * (size_t)ldc + j, (size_t)ldc, sums, height, width, alpha, beta);
        }
    }
}
