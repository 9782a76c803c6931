/* Every backward kernel against central finite differences of its forward kernel, on its own.
 *
 * The scalar loss is a fixed random weighting of the outputs; the directional derivative along a random
 * direction must match the gradient's inner product with that direction. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "base/rng.h"
#include "kernels/activation.h"
#include "kernels/dropout.h"
#include "kernels/embedding.h"
#include "kernels/loss.h"
#include "kernels/norm.h"
#include "t5/layer.h"

enum { CAPACITY = 4096 };

/* A function of `count` inputs with its gradients, all in flat arrays. */
struct probe {
    int count;
    float *input[8], *gradient[8];
    size_t size[8];
    double (*loss)(struct probe *);
    void *context;
};

static void fill(float *x, size_t n, struct rng *rng) {
    for (size_t i = 0; i < n; i++)
        x[i] = rng_normal(rng);
}

static void expect_gradients(struct probe *probe, double step, double tolerance) {
    struct rng rng;
    rng_seed(&rng, 7, "direction");
    for (int a = 0; a < probe->count; a++) {
        static float direction[CAPACITY], kept[CAPACITY];
        size_t bytes = probe->size[a] * sizeof(float);
        cr_assert_leq(probe->size[a], CAPACITY);
        memcpy(kept, probe->input[a], bytes);
        fill(direction, probe->size[a], &rng);
        double derivative = 0, loss[2];
        for (size_t i = 0; i < probe->size[a]; i++)
            derivative += (double)probe->gradient[a][i] * (double)direction[i];
        for (int side = 0; side < 2; side++) {
            for (size_t i = 0; i < probe->size[a]; i++)
                probe->input[a][i] = kept[i] + (float)((side ? step : -step) * (double)direction[i]);
            loss[side] = probe->loss(probe);
        }
        memcpy(probe->input[a], kept, bytes);
        double measured = (loss[1] - loss[0]) / (2 * step);
        cr_expect_lt(fabs(measured - derivative), tolerance * (fabs(measured) + fabs(derivative) + 1.0),
                     "input %d: gradient says %g, differences say %g", a, derivative, measured);
    }
}

static double weighted(const float *values, const float *weights, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)values[i] * (double)weights[i];
    return sum;
}

struct norm_case {
    int rows, width;
    float *y, *inv, *dy;
};

static double norm_loss(struct probe *p) {
    struct norm_case *c = p->context;
    norm_forward((struct values){.f32 = c->y}, c->inv, NULL, p->input[0], p->input[1], c->rows, c->width,
                 1e-6f);
    return weighted(c->y, c->dy, (size_t)(c->rows * c->width));
}

Test(gradients, norm) {
    const int shapes[][2] = {{1, 1}, {3, 5}, {4, 16}, {7, 33}, {2, 128}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        static float x[CAPACITY], w[CAPACITY], dx[CAPACITY], dw[CAPACITY], y[CAPACITY], dy[CAPACITY],
            inv[CAPACITY];
        struct norm_case c = {shapes[s][0], shapes[s][1], y, inv, dy};
        size_t n = (size_t)(c.rows * c.width);
        struct rng rng;
        rng_seed(&rng, s, "norm");
        fill(x, n, &rng);
        fill(w, (size_t)c.width, &rng);
        fill(dy, n, &rng);
        memset(dx, 0, sizeof dx);
        memset(dw, 0, sizeof dw);
        struct probe p = {2, {x, w}, {dx, dw}, {n, (size_t)c.width}, norm_loss, &c};
        norm_loss(&p);
        norm_backward(dx, dw, dy, x, inv, w, c.rows, c.width);
        expect_gradients(&p, 1e-3, 2e-3);
    }
}

struct elementwise_case {
    size_t n;
    bool gated;
    float *y, *dy;
};

static double activation_loss(struct probe *p) {
    struct elementwise_case *c = p->context;
    if (c->gated)
        gated_gelu_forward(c->y, p->input[0], p->input[1], c->n);
    else
        relu_forward(c->y, p->input[0], c->n);
    return weighted(c->y, c->dy, c->n);
}

Test(gradients, gated_gelu) {
    static float x[CAPACITY], gate[CAPACITY], dx[CAPACITY], dgate[CAPACITY], y[CAPACITY], dy[CAPACITY];
    for (size_t n = 1; n < 70; n += 17) {
        struct elementwise_case c = {n, true, y, dy};
        struct rng rng;
        rng_seed(&rng, n, "gelu");
        fill(x, n, &rng);
        fill(gate, n, &rng);
        fill(dy, n, &rng);
        gated_gelu_backward(dx, dgate, dy, x, gate, n);
        struct probe p = {2, {x, gate}, {dx, dgate}, {n, n}, activation_loss, &c};
        expect_gradients(&p, 1e-3, 2e-3);
    }
}

Test(gradients, relu) {
    static float x[CAPACITY], dx[CAPACITY], y[CAPACITY], dy[CAPACITY];
    struct elementwise_case c = {61, false, y, dy};
    struct rng rng;
    rng_seed(&rng, 1, "relu");
    fill(x, c.n, &rng);
    fill(dy, c.n, &rng);
    for (size_t i = 0; i < c.n; i++) /* keep away from the kink */
        x[i] += x[i] > 0 ? 0.1f : -0.1f;
    relu_backward(dx, dy, x, c.n);
    struct probe p = {1, {x}, {dx}, {c.n}, activation_loss, &c};
    expect_gradients(&p, 1e-3, 2e-3);
}

struct loss_case {
    const int32_t *labels;
    const float *weights;
    int tokens, vocabulary;
    float *nll;
};

static double nll_loss(struct probe *p) {
    struct loss_case *c = p->context;
    loss_token_nll(p->input[0], c->labels, c->tokens, c->vocabulary, c->nll, NULL);
    return weighted(c->nll, c->weights, (size_t)c->tokens);
}

Test(gradients, cross_entropy) {
    static float logits[CAPACITY], gradient[CAPACITY], nll[CAPACITY];
    const int32_t labels[] = {3, -100, 0, 36, 12};
    const float weights[] = {1.0f, 1.0f, -0.5f, 2.0f, 0.25f};
    struct loss_case c = {labels, weights, 5, 37, nll};
    struct rng rng;
    rng_seed(&rng, 1, "loss");
    fill(logits, 5 * 37, &rng);
    memcpy(gradient, logits, sizeof logits);
    loss_weighted_nll(gradient, labels, weights, 5, 37, nll, NULL);
    struct probe p = {1, {logits}, {gradient}, {5 * 37}, nll_loss, &c};
    expect_gradients(&p, 1e-3, 2e-3);
    for (int i = 37; i < 74; i++)
        cr_expect_eq(gradient[i], 0.0f, "an ignored token has no gradient");
}

struct linear_case {
    int tokens, in, out;
    float *y, *dy;
};

static double linear_loss(struct probe *p) {
    struct linear_case *c = p->context;
    struct linear linear = {.in = c->in, .out = c->out, .w = p->input[1]};
    struct gemm_result result = {.write = GEMM_STORE, .c = {.f32 = c->y}, .ldc = c->out};
    linear_forward(&linear, (struct values){.f32 = p->input[0]}, c->tokens, &result,
                   &(struct linear_scratch){0});
    return weighted(c->y, c->dy, (size_t)(c->tokens * c->out));
}

Test(gradients, linear) {
    static float x[CAPACITY], w[CAPACITY], dx[CAPACITY], dw[CAPACITY], y[CAPACITY], dy[CAPACITY];
    struct linear_case c = {13, 7, 19, y, dy};
    struct rng rng;
    rng_seed(&rng, 1, "linear");
    fill(x, 13 * 7, &rng);
    fill(w, 7 * 19, &rng);
    fill(dy, 13 * 19, &rng);
    memset(dw, 0, sizeof dw);
    struct linear linear = {.in = 7, .out = 19, .w = w};
    struct gemm_result result = {.write = GEMM_STORE, .c = {.f32 = dx}, .ldc = 7};
    struct linear_scratch scratch = {0};
    linear_backward_input(&linear, (struct values){.f32 = dy}, 13, &result, &scratch);
    linear_backward_weight(dw, &linear, (struct values){.f32 = dy}, (struct values){.f32 = x}, 13, &scratch);
    struct probe p = {2, {x, w}, {dx, dw}, {13 * 7, 7 * 19}, linear_loss, &c};
    expect_gradients(&p, 1e-2, 2e-3);
}

struct embedding_case {
    const int32_t *ids, *start;
    float *out, *dout;
};

static double embedding_loss(struct probe *p) {
    struct embedding_case *c = p->context;
    embedding_forward(c->out, p->input[0], c->ids, 7, 5);
    positions_forward(c->out, p->input[1], c->start, 2, 5);
    return weighted(c->out, c->dout, 35);
}

Test(gradients, embedding_and_positions) {
    static float table[CAPACITY], positions[CAPACITY], dtable[CAPACITY], dpositions[CAPACITY], out[CAPACITY],
        dout[CAPACITY];
    const int32_t ids[] = {1, 0, 1, 3, 3, 3, 2}, start[] = {0, 3, 7};
    struct embedding_case c = {ids, start, out, dout};
    struct rng rng;
    rng_seed(&rng, 1, "embedding");
    fill(table, 20, &rng);
    fill(positions, 20, &rng);
    fill(dout, 35, &rng);
    memset(dtable, 0, sizeof dtable);
    memset(dpositions, 0, sizeof dpositions);
    embedding_backward(dtable, dout, ids, 7, 5);
    positions_backward(dpositions, dout, start, 2, 5);
    struct probe p = {2, {table, positions}, {dtable, dpositions}, {20, 20}, embedding_loss, &c};
    expect_gradients(&p, 1e-2, 2e-3);
}

struct dropout_case {
    float *y, *dy;
};

static double dropout_loss(struct probe *p) {
    struct dropout_case *c = p->context;
    dropout_apply(c->y, p->input[0], 100, 0.25f, 42, 0);
    return weighted(c->y, c->dy, 100);
}

Test(gradients, dropout) {
    static float x[CAPACITY], dx[CAPACITY], y[CAPACITY], dy[CAPACITY];
    struct dropout_case c = {y, dy};
    struct rng rng;
    rng_seed(&rng, 1, "dropout");
    fill(x, 100, &rng);
    fill(dy, 100, &rng);
    dropout_apply(dx, dy, 100, 0.25f, 42, 0);
    struct probe p = {1, {x}, {dx}, {100}, dropout_loss, &c};
    expect_gradients(&p, 1e-2, 2e-3);
}
