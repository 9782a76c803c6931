/* Linear layers y = x W^T with W [out, in], forward and backward, in float32 or with bf16 operands.
 *
 * The result says what becomes of the product (gemm_bf16.h); float32 does the same in passes of its own
 * behind OpenBLAS. Activations x [tokens, in] and y [tokens, out] are contiguous.
 */
#ifndef LACONIC_KERNELS_LINEAR_H
#define LACONIC_KERNELS_LINEAR_H

#include "kernels/gemm_bf16.h"

struct linear {
    int in, out;
    const float *w;                 /* [out, in] */
    const bf16 *forward, *backward; /* W packed as [in, out] and as [out, in]; NULL: float32 */
};

/* Scratch for operands that must be rearranged; none of it is needed in a pass without backward and dropout.
 */
struct linear_scratch {
    float *product;  /* float32, GEMM_ADD with dropout or scale: as the result */
    bf16 *packed_x;  /* bf16: bf16_packed_count(tokens, in) */
    bf16 *packed_dy; /* bf16: bf16_packed_count(tokens, out) */
};

/* The result of x W^T, [tokens, out]. */
void linear_forward(const struct linear *linear, struct values x, int tokens,
                    const struct gemm_result *result, const struct linear_scratch *scratch);

/* The result of dy W, [tokens, in]: the gradient of x. */
void linear_backward_input(const struct linear *linear, struct values dy, int tokens,
                           const struct gemm_result *result, const struct linear_scratch *scratch);

/* dw [out, in] += dy^T x. */
void linear_backward_weight(float *dw, const struct linear *linear, struct values dy, struct values x,
                            int tokens, const struct linear_scratch *scratch);

#endif
