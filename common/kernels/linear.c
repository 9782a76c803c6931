/* Linear layers: one product each, and in float32 the passes that bf16 products do on their way out. */
#include "kernels/linear.h"
#include <assert.h>
#include "kernels/activation.h"
#include "kernels/dropout.h"
#include "kernels/gemm.h"
#include "kernels/vector.h"

static void drop(const struct gemm_result *r, float *y, size_t n) {
    if (r->dropout_rate > 0.0f)
        dropout_values((struct values){.f32 = y}, n, r->dropout_rate, r->dropout_key);
}

static bool scales(const struct gemm_result *r) {
    return r->scale != 0.0f && r->scale != 1.0f;
}

static void scale(const struct gemm_result *r, float *y, size_t n) {
    if (scales(r))
        vector_scale(y, r->scale, n);
}

/* What is left to do where the sums have been written, n numbers. */
static void finish_float(const struct gemm_result *r, float *sums, size_t n) {
    float *c = r->c.f32;
    switch (r->write) {
    case GEMM_STORE:
        drop(r, c, n);
        scale(r, c, n);
        break;
    case GEMM_ADD:
        drop(r, sums, n);
        scale(r, sums, n);
        vector_add(c, sums, n);
        break;
    case GEMM_RELU:
        relu_forward(c, c, n);
        drop(r, c, n);
        break;
    case GEMM_RELU_BACKWARD:
        drop(r, c, n);
        relu_backward(c, c, r->x.f32, n);
        break;
    case GEMM_GATED_GELU:
        gated_gelu_forward(c, r->x.f32, sums, n);
        drop(r, c, n);
        break;
    case GEMM_GATED_GELU_BACKWARD:
        drop(r, c, n);
        gated_gelu_backward(c, r->other.f32, c, r->x.f32, r->gate.f32, n);
        break;
    }
}

/* a [m, k] with W [n, k] transposed or W [k, n] into the result [m, n]. Sums go where the result leaves room:
 * to C itself, to the gate, or to `product` when C holds what they are added to. */
static void multiply_float(int m, int n, int k, const float *a, const float *w, bool transposed,
                           const struct gemm_result *r, float *product) {
    int ldw = transposed ? k : n;
    float *c = r->c.f32, *sums = c;
    assert(c && r->ldc == n);
    if (r->write == GEMM_ADD && r->dropout_rate == 0.0f && !scales(r)) {
        gemm(false, transposed, m, n, k, a, k, w, ldw, 1.0f, c, n);
        return;
    }
    if (r->write == GEMM_ADD)
        sums = product;
    else if (r->write == GEMM_GATED_GELU)
        sums = r->other.f32;
    else
        assert(c != r->x.f32 && c != r->gate.f32);
    assert(sums);
    gemm(false, transposed, m, n, k, a, k, w, ldw, 0.0f, sums, n);
    finish_float(r, sums, (size_t)m * (size_t)n);
}

void linear_forward(const struct linear *linear, struct values x, int tokens,
                    const struct gemm_result *result, const struct linear_scratch *scratch) {
    int in = linear->in, out = linear->out;
    if (linear->forward)
        gemm_bf16(tokens, out, in, gemm_bf16_rows(x.b16, (size_t)in), linear->forward, result);
    else
        multiply_float(tokens, out, in, x.f32, linear->w, true, result, scratch ? scratch->product : NULL);
}

void linear_backward_input(const struct linear *linear, struct values dy, int tokens,
                           const struct gemm_result *result, const struct linear_scratch *scratch) {
    int in = linear->in, out = linear->out;
    if (linear->forward)
        gemm_bf16(tokens, in, out, gemm_bf16_rows(dy.b16, (size_t)out), linear->backward, result);
    else
        multiply_float(tokens, in, out, dy.f32, linear->w, false, result, scratch ? scratch->product : NULL);
}

/* Both operands run over tokens, so both are packed along them. */
static void backward_weight_bf16(float *dw, int out, int in, const bf16 *dy, const bf16 *x, int tokens,
                                 const struct linear_scratch *scratch) {
    const struct gemm_result result = {.write = GEMM_ADD, .c.f32 = dw, .ldc = in};
    bf16_pack(scratch->packed_dy, dy, (size_t)out, tokens, out);
    bf16_pack(scratch->packed_x, x, (size_t)in, tokens, in);
    gemm_bf16(out, in, tokens, gemm_bf16_transposed(scratch->packed_dy), scratch->packed_x, &result);
}

void linear_backward_weight(float *dw, const struct linear *linear, struct values dy, struct values x,
                            int tokens, const struct linear_scratch *scratch) {
    int in = linear->in, out = linear->out;
    if (linear->forward)
        backward_weight_bf16(dw, out, in, dy.b16, x.b16, tokens, scratch);
    else
        gemm(true, false, out, in, tokens, dy.f32, out, x.f32, in, 1.0f, dw, in);
}
