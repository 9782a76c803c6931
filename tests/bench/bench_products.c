/* Matrix products of T5's linear layers, y = x W^T: forward, gradient of the input dx = dy W, gradient of the
 * weights dW += dy^T x, in float32 and bf16; and the packing that bf16 needs.
 *
 * Shapes: x dx [tokens, in], w dw [out, in], y [tokens, out], which serves as dy in the backward pass.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/threads.h"
#include "kernel_case.h"
#include "kernels/bf16.h"
#include "kernels/gemm.h"
#include "kernels/gemm_bf16.h"

enum { MOST_LAYERS = 8 };

/* One layer; its matrices are the beginnings of the family's arrays. */
struct layer {
    int tokens, in, out;
    const struct products *all;
};

struct products {
    struct arena arena;
    struct layer layers[MOST_LAYERS];
    int count;
    size_t x_size, w_size, y_size, packed_x_size, packed_w_size, packed_y_size; /* of the largest */
    float *x, *w, *y, *dx, *dw, *widened; /* widened: results in bf16 as float32 */
    bf16 *x16, *y16, *dx16;
    bf16 *w_forward, *w_backward; /* W packed as [in, out] and as [out, in] */
    bf16 *packed_x, *packed_y;
};

/* ---- float32 ---- */

static void forward(void *context) {
    const struct layer *l = context;
    const struct products *p = l->all;
    gemm(false, true, l->tokens, l->out, l->in, p->x, l->in, p->w, l->in, 0.0f, p->y, l->out);
}

static void input_gradient(void *context) {
    const struct layer *l = context;
    const struct products *p = l->all;
    gemm(false, false, l->tokens, l->in, l->out, p->y, l->out, p->w, l->in, 0.0f, p->dx, l->in);
}

static void weight_gradient(void *context) {
    const struct layer *l = context;
    const struct products *p = l->all;
    gemm(true, false, l->out, l->in, l->tokens, p->y, l->out, p->x, l->in, 1.0f, p->dw, l->in);
}

/* ---- bf16 ---- */

static void pack_weights(void *context) {
    const struct layer *l = context;
    bf16_pack_matrix(l->all->w_forward, l->all->w_backward, l->all->w, l->in, l->out);
}

static void round_input(void *context) {
    const struct layer *l = context;
    bf16_from_float(l->all->x16, l->all->x, (size_t)l->tokens * (size_t)l->in);
}

static void round_output(void *context) {
    const struct layer *l = context;
    bf16_from_float(l->all->y16, l->all->y, (size_t)l->tokens * (size_t)l->out);
}

static void pack_input(void *context) {
    const struct layer *l = context;
    bf16_pack(l->all->packed_x, l->all->x16, (size_t)l->in, l->tokens, l->in);
}

static void prepare_forward(void *context) {
    round_input(context);
    pack_weights(context);
}

static void prepare_input_gradient(void *context) {
    round_output(context);
    pack_weights(context);
}

static void prepare_weight_gradient(void *context) {
    const struct layer *l = context;
    round_input(context);
    round_output(context);
    pack_input(context);
    bf16_pack(l->all->packed_y, l->all->y16, (size_t)l->out, l->tokens, l->out);
}

static void forward_bf16(void *context) {
    const struct layer *l = context;
    const struct products *p = l->all;
    struct gemm_result result = {.write = GEMM_STORE, .c.b16 = p->y16, .ldc = l->out};
    gemm_bf16(l->tokens, l->out, l->in, gemm_bf16_rows(p->x16, (size_t)l->in), p->w_forward, &result);
}

static void input_gradient_bf16(void *context) {
    const struct layer *l = context;
    const struct products *p = l->all;
    struct gemm_result result = {.write = GEMM_STORE, .c.b16 = p->dx16, .ldc = l->in};
    gemm_bf16(l->tokens, l->in, l->out, gemm_bf16_rows(p->y16, (size_t)l->out), p->w_backward, &result);
}

static void weight_gradient_bf16(void *context) {
    const struct layer *l = context;
    const struct products *p = l->all;
    struct gemm_result result = {.write = GEMM_ADD, .c.f32 = p->dw, .ldc = l->in};
    gemm_bf16(l->out, l->in, l->tokens, gemm_bf16_transposed(p->packed_y), p->packed_x, &result);
}

/* ---- errors of bf16: the largest difference from float32 over the largest value there ---- */

static double relative_error(const float *reference, const float *result, size_t n) {
    double difference = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        difference = larger_or_nan(difference, fabs((double)result[i] - (double)reference[i]));
        largest = larger_or_nan(largest, fabs((double)reference[i]));
    }
    return difference / largest;
}

static double forward_error(void *context) {
    const struct layer *l = context;
    const struct products *p = l->all;
    size_t size = (size_t)l->tokens * (size_t)l->out;
    prepare_forward(context);
    forward_bf16(context);
    forward(context);
    bf16_to_float(p->widened, p->y16, size);
    return relative_error(p->y, p->widened, size);
}

static double input_gradient_error(void *context) {
    const struct layer *l = context;
    const struct products *p = l->all;
    size_t size = (size_t)l->tokens * (size_t)l->in;
    prepare_input_gradient(context);
    input_gradient_bf16(context);
    input_gradient(context);
    bf16_to_float(p->widened, p->dx16, size);
    return relative_error(p->dx, p->widened, size);
}

static double weight_gradient_error(void *context) {
    const struct layer *l = context;
    const struct products *p = l->all;
    size_t size = (size_t)l->out * (size_t)l->in;
    prepare_weight_gradient(context);
    memset(p->dw, 0, size * sizeof *p->dw);
    weight_gradient_bf16(context);
    memcpy(p->widened, p->dw, size * sizeof *p->dw);
    memset(p->dw, 0, size * sizeof *p->dw);
    weight_gradient(context);
    return relative_error(p->dw, p->widened, size);
}

/* ---- cases ---- */

struct kind {
    const char *kernel;
    bench_action *prepare, *run;
    double (*error)(void *operands);
    bool in_bf16, backward;
    double x, w, y; /* bytes per element that must move */
};

static const struct kind kinds[] = {
    {"linear forward", NULL, forward, NULL, false, false, 4, 4, 4},
    {"linear input gradient", NULL, input_gradient, NULL, false, true, 4, 4, 4},
    {"linear weight gradient", NULL, weight_gradient, NULL, false, true, 4, 8, 4},
    {"linear forward", prepare_forward, forward_bf16, forward_error, true, false, 2, 2, 2},
    {"linear input gradient", prepare_input_gradient, input_gradient_bf16, input_gradient_error, true, true,
     2, 2, 2},
    {"linear weight gradient", prepare_weight_gradient, weight_gradient_bf16, weight_gradient_error, true,
     true, 2, 8, 2},
};

static void add_kind(struct kernel_table *table, struct layer *layer, const struct kind *kind) {
    double tokens = layer->tokens, in = layer->in, out = layer->out;
    struct kernel_case *row = kernel_table_add(table);
    row->kernel = kind->kernel;
    row->precision = kind->in_bf16 ? "bf16" : "fp32";
    row->flops = 2 * tokens * in * out;
    row->bytes = kind->x * tokens * in + kind->w * in * out + kind->y * tokens * out;
    row->prepare = kind->prepare;
    row->run = kind->run;
    row->operands = layer;
    row->error = kind->error;
    snprintf(row->shape, sizeof row->shape, "%d x %d -> %d", layer->tokens, layer->in, layer->out);
}

static void add_layer(struct kernel_table *table, struct layer *layer, const struct kernel_shape *shape) {
    bool step = layer->tokens == shape->rows; /* of decoding: there is no backward pass */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if ((kinds[i].in_bf16 ? shape->bf16_products : shape->float_products) && !(step && kinds[i].backward))
            add_kind(table, layer, &kinds[i]);
}

/* Rearranging, on the layer into the feed-forward sublayer; its weights for both passes at once. */
static void add_packing(struct kernel_table *table, struct layer *layer) {
    const struct {
        const char *kernel;
        bench_action *prepare, *run;
        double elements, bytes;
        int rows, columns;
    } rows[] = {
        {"round to bf16", NULL, round_input, (double)layer->tokens * layer->in, 4 + 2, layer->tokens,
         layer->in},
        {"pack activations", round_input, pack_input, (double)layer->tokens * layer->in, 2 + 2, layer->tokens,
         layer->in},
        {"pack weights", NULL, pack_weights, (double)layer->in * layer->out, 4 + 2 + 2, layer->out,
         layer->in},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kernel_case *row = kernel_table_add(table);
        row->kernel = rows[i].kernel;
        row->precision = "bf16";
        row->bytes = rows[i].elements * rows[i].bytes;
        row->prepare = rows[i].prepare;
        row->run = rows[i].run;
        row->operands = layer;
        snprintf(row->shape, sizeof row->shape, "%d x %d", rows[i].rows, rows[i].columns);
    }
}

/* ---- memory ---- */

static void grow(size_t *size, size_t wanted) {
    *size = *size > wanted ? *size : wanted;
}

static void choose_layers(struct products *p, const struct kernel_shape *shape) {
    const struct t5_config *c = &shape->config;
    int d = c->d_model, ff = c->d_ff, inner = c->num_heads * c->d_kv;
    int source = shape->rows * shape->source, target = shape->rows * shape->target;
    const struct layer layers[] = {
        {source, d, ff, p},      {source, d, inner, p},
        {source, ff, d, p},      {target, d, c->vocab_size, p},
        {shape->rows, d, ff, p}, {shape->rows, d, c->vocab_size, p},
    };
    p->count = sizeof layers / sizeof *layers;
    memcpy(p->layers, layers, sizeof layers);
    for (int i = 0; i < p->count; i++) {
        int tokens = layers[i].tokens, in = layers[i].in, out = layers[i].out;
        grow(&p->x_size, (size_t)tokens * (size_t)in);
        grow(&p->w_size, (size_t)in * (size_t)out);
        grow(&p->y_size, (size_t)tokens * (size_t)out);
        grow(&p->packed_x_size, bf16_packed_count(tokens, in));
        grow(&p->packed_y_size, bf16_packed_count(tokens, out));
        grow(&p->packed_w_size, bf16_packed_count(in, out));
        grow(&p->packed_w_size, bf16_packed_count(out, in));
    }
}

static void lay_out(struct products *p, struct arena *arena, const struct kernel_shape *shape) {
    size_t largest = p->x_size;
    grow(&largest, p->w_size);
    grow(&largest, p->y_size);
    p->x = ARENA_TAKE(arena, float, p->x_size);
    p->w = ARENA_TAKE(arena, float, p->w_size);
    p->y = ARENA_TAKE(arena, float, p->y_size);
    p->dx = ARENA_TAKE(arena, float, p->x_size);
    p->dw = ARENA_TAKE(arena, float, p->w_size);
    if (!shape->bf16_products)
        return;
    p->widened = ARENA_TAKE(arena, float, largest);
    p->x16 = ARENA_TAKE(arena, bf16, p->x_size);
    p->y16 = ARENA_TAKE(arena, bf16, p->y_size);
    p->dx16 = ARENA_TAKE(arena, bf16, p->x_size);
    p->w_forward = ARENA_TAKE(arena, bf16, p->packed_w_size);
    p->w_backward = ARENA_TAKE(arena, bf16, p->packed_w_size);
    p->packed_x = ARENA_TAKE(arena, bf16, p->packed_x_size);
    p->packed_y = ARENA_TAKE(arena, bf16, p->packed_y_size);
}

static void close_products(void *family) {
    struct products *p = family;
    if (p)
        arena_close(&p->arena);
    free(p);
}

static enum status open_products(void **family, const struct kernel_shape *shape,
                                 struct kernel_table *table) {
    struct products *p = calloc(1, sizeof *p);
    struct arena measuring = arena_measuring();
    if (!p)
        return fail(STATUS_MEMORY, "no memory to measure matrix products");
    choose_layers(p, shape);
    lay_out(p, &measuring, shape);
    enum status status = arena_open(&p->arena, measuring.used, "the matrices of the products");
    if (status != STATUS_OK) {
        close_products(p);
        return status;
    }
    lay_out(p, &p->arena, shape);
    kernel_fill(p->x, p->x_size, "x");
    kernel_fill(p->w, p->w_size, "w");
    kernel_fill(p->y, p->y_size, "y");
    for (int i = 0; i < p->count; i++)
        add_layer(table, &p->layers[i], shape);
    if (shape->bf16_products)
        add_packing(table, &p->layers[0]);
    *family = p;
    return STATUS_OK;
}

const struct kernel_family bench_products = {open_products, close_products};
