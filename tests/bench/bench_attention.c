/* Attention of whole rows, forward and backward, in the encoder and behind the decoder's causal mask; and the
 * step of decoding over cached keys and values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/threads.h"
#include "kernel_case.h"
#include "kernels/attention_cache.h"
#include "kernels/attention.h"
#include "t5/layer.h"

/* The encoder's or the decoder's self-attention; arrays [tokens, inner] unless noted. */
struct self_attention {
    struct attention_shape shape;
    struct attention_operands in, gradient;
    struct attention_scratch scratch;
    int32_t *start;     /* [rows + 1] */
    int length, tokens; /* of a row, of all */
    size_t inner;
    bool in_bf16; /* in bf16 */
    struct values out, dout;
    float *statistics;   /* [tokens, heads, 2] */
    float *bias, *dbias; /* [heads, 2 length - 1] */
};

/* One query per row over `length` cached keys: the decoder's cross-attention. */
struct step_attention {
    struct attention_step_shape shape;
    struct attention_cache cache;
    int *slot, *count; /* [rows] */
    bool in_bf16;
    struct values q, out, token; /* [rows, inner], the same, [inner] */
    float *scratch;
};

struct attentions {
    struct arena arena;
    struct self_attention encoder[2], decoder[2]; /* float32, bf16 */
    struct step_attention step[2];
};

/* ---- kernels ---- */

static void run_forward(void *context) {
    struct self_attention *a = context;
    attention_forward(a->out, a->statistics, &a->in, &a->shape, &a->scratch);
}

/* The backward pass adds to the bias gradient. */
static void prepare_backward(void *context) {
    struct self_attention *a = context;
    memset(a->dbias, 0, (size_t)a->shape.heads * (2 * (size_t)a->length - 1) * sizeof *a->dbias);
    run_forward(context);
}

static void run_backward(void *context) {
    struct self_attention *a = context;
    attention_backward(&a->gradient, a->dbias, a->dout, a->out, a->statistics, &a->in, &a->shape,
                       &a->scratch);
}

static void run_step(void *context) {
    struct step_attention *a = context;
    attention_cache_step(a->out, a->q, &a->cache, &a->shape, a->scratch);
}

/* ---- cases ---- */

/* A pair of query and key costs a product of their width and one of the value's: two forward; backward these
 * again and three of the gradients. The causal mask leaves half of the pairs and the diagonal. */
static void add_self(struct kernel_table *table, struct self_attention *a, const char *forward,
                     const char *backward) {
    double length = a->length, rows = a->shape.rows;
    double array = (double)a->tokens * (double)a->inner * (a->in_bf16 ? sizeof(bf16) : sizeof(float));
    double pairs = rows * (a->shape.causal ? length * (length + 1) / 2 : length * length);
    const struct kernel_case cases[] = {
        {.kernel = forward, .flops = 4 * pairs * (double)a->inner, .bytes = 4 * array, .run = run_forward},
        {.kernel = backward,
         .flops = 10 * pairs * (double)a->inner,
         .bytes = 8 * array,
         .prepare = prepare_backward,
         .run = run_backward},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kernel_case *row = kernel_table_add(table);
        *row = cases[i];
        row->precision = a->in_bf16 ? "bf16" : "fp32";
        row->operands = a;
        if (!a->in_bf16) {
            row->result = i == 0 ? a->out.f32 : a->gradient.q.f32;
            row->result_size = (size_t)a->tokens * a->inner;
        }
        snprintf(row->shape, sizeof row->shape, "%d x %d, %d x %d", a->shape.rows, a->length, a->shape.heads,
                 a->shape.width);
    }
}

static void add_step(struct kernel_table *table, struct step_attention *a) {
    struct kernel_case *row = kernel_table_add(table);
    size_t inner = (size_t)a->cache.heads * (size_t)a->cache.width;
    double keys = (double)a->shape.rows * (double)a->cache.capacity * (double)inner;
    row->kernel = "attention step";
    row->precision = a->in_bf16 ? "bf16" : "fp32";
    row->flops = 4 * keys;
    row->bytes = 2 * keys * (a->in_bf16 ? sizeof(bf16) : sizeof(float));
    row->run = run_step;
    row->operands = a;
    if (!a->in_bf16) {
        row->result = a->out.f32;
        row->result_size = (size_t)a->shape.rows * inner;
    }
    snprintf(row->shape, sizeof row->shape, "%d x %d, %d x %d", a->shape.rows, a->cache.capacity,
             a->cache.heads, a->cache.width);
}

/* ---- memory ---- */

/* Normal numbers times `scale`, in either precision. */
static enum status fill(struct values x, size_t n, float scale, const char *stream) {
    float *wide = x.f32 ? x.f32 : malloc(n * sizeof *wide);
    if (!wide)
        return fail(STATUS_MEMORY, "no memory to measure attention");
    kernel_fill(wide, n, stream);
    for (size_t i = 0; i < n; i++)
        wide[i] *= scale;
    if (x.b16) {
        bf16_from_float(x.b16, wide, n);
        free(wide);
    }
    return STATUS_OK;
}

static void shape_self(struct self_attention *a, const struct kernel_shape *shape, int length, bool causal,
                       bool in_bf16) {
    a->shape = (struct attention_shape){.rows = shape->rows,
                                        .heads = shape->config.num_heads,
                                        .width = shape->config.d_kv,
                                        .length = length,
                                        .causal = causal};
    a->length = length;
    a->tokens = shape->rows * length;
    a->inner = (size_t)a->shape.heads * (size_t)a->shape.width;
    a->in_bf16 = in_bf16;
}

static void lay_out_self(struct self_attention *a, struct arena *arena) {
    size_t array = (size_t)a->tokens * a->inner, length = (size_t)a->length, heads = (size_t)a->shape.heads;
    int stride = (int)a->inner;
    struct attention_limits limits = {.heads = a->shape.heads,
                                      .width = a->shape.width,
                                      .length = a->length,
                                      .queries = a->length,
                                      .keys = a->length,
                                      .threads = threads_count(),
                                      .bf16 = a->in_bf16,
                                      .backward = true};
    struct attention_operands *const operands[] = {&a->in, &a->gradient};
    for (int i = 0; i < 2; i++)
        *operands[i] = (struct attention_operands){t5_take_values(arena, a->in_bf16, array),
                                                   t5_take_values(arena, a->in_bf16, array),
                                                   t5_take_values(arena, a->in_bf16, array),
                                                   stride,
                                                   stride,
                                                   stride};
    a->out = t5_take_values(arena, a->in_bf16, array);
    a->dout = t5_take_values(arena, a->in_bf16, array);
    a->statistics = ARENA_TAKE(arena, float, 2 * heads * (size_t)a->tokens);
    a->bias = ARENA_TAKE(arena, float, heads *(2 * length - 1));
    a->dbias = ARENA_TAKE(arena, float, heads *(2 * length - 1));
    a->start = ARENA_TAKE(arena, int32_t, a->shape.rows + 1);
    attention_scratch_lay_out(&a->scratch, &limits, arena);
    a->shape.bias = a->bias;
    a->shape.q_start = a->shape.k_start = a->start;
}

static enum status fill_self(struct self_attention *a) {
    size_t array = (size_t)a->tokens * a->inner;
    TRY(fill(a->in.q, array, 1.0f / (float)a->shape.width,
             "q")); /* scores as T5's initial weights give them */
    TRY(fill(a->in.k, array, 1.0f, "k"));
    TRY(fill(a->in.v, array, 1.0f, "v"));
    TRY(fill(a->dout, array, 1.0f, "dout"));
    kernel_fill(a->bias, (size_t)a->shape.heads * (2 * (size_t)a->length - 1), "bias");
    bench_row_starts(a->start, a->shape.rows, a->length);
    return STATUS_OK;
}

static void shape_step(struct step_attention *a, const struct kernel_shape *shape, bool in_bf16) {
    int heads = shape->config.num_heads, width = shape->config.d_kv;
    a->in_bf16 = in_bf16;
    a->cache = (struct attention_cache){
        .slots = shape->rows, .capacity = shape->source, .heads = heads, .width = width};
    a->shape = (struct attention_step_shape){.rows = shape->rows, .q_stride = heads * width};
}

static void lay_out_step(struct step_attention *a, struct arena *arena) {
    size_t rows = (size_t)a->shape.rows, inner = (size_t)a->cache.heads * (size_t)a->cache.width;
    a->q = t5_take_values(arena, a->in_bf16, rows * inner);
    a->out = t5_take_values(arena, a->in_bf16, rows * inner);
    a->token = t5_take_values(arena, a->in_bf16, inner);
    attention_cache_lay_out(&a->cache, a->in_bf16, arena);
    a->scratch = ARENA_TAKE(arena, float, (size_t)threads_count() * attention_cache_scratch_count(&a->cache));
    a->slot = ARENA_TAKE(arena, int, rows);
    a->count = ARENA_TAKE(arena, int, rows);
    a->shape.slot = a->slot;
    a->shape.count = a->count;
}

static enum status fill_step(struct step_attention *a) {
    size_t inner = (size_t)a->cache.heads * (size_t)a->cache.width;
    TRY(fill(a->q, (size_t)a->shape.rows * inner, 1.0f / (float)a->cache.width, "q"));
    TRY(fill(a->token, inner, 1.0f, "keys"));
    for (int r = 0; r < a->shape.rows; r++) {
        a->slot[r] = r;
        a->count[r] = a->cache.capacity;
        attention_cache_fill(&a->cache, r, a->cache.capacity, a->token, a->token,
                             0); /* one token everywhere */
    }
    return STATUS_OK;
}

/* Whether a precision is asked for and possible. */
static bool wants(const struct kernel_shape *shape, bool in_bf16) {
    return in_bf16 ? shape->bf16_products && shape->config.d_kv % 2 == 0 : shape->float_products;
}

static void lay_out(struct attentions *a, const struct kernel_shape *shape, struct arena *arena) {
    for (int in_bf16 = 0; in_bf16 < 2; in_bf16++) {
        if (!wants(shape, in_bf16))
            continue;
        lay_out_self(&a->encoder[in_bf16], arena);
        lay_out_self(&a->decoder[in_bf16], arena);
        lay_out_step(&a->step[in_bf16], arena);
    }
}

static void close_attentions(void *family) {
    struct attentions *a = family;
    if (a)
        arena_close(&a->arena);
    free(a);
}

/* The cases of one precision. */
static enum status add_precision(struct attentions *a, bool in_bf16, struct kernel_table *table) {
    TRY(fill_self(&a->encoder[in_bf16]));
    TRY(fill_self(&a->decoder[in_bf16]));
    TRY(fill_step(&a->step[in_bf16]));
    add_self(table, &a->encoder[in_bf16], "attention", "attention backward");
    add_self(table, &a->decoder[in_bf16], "causal attention", "causal backward");
    add_step(table, &a->step[in_bf16]);
    return STATUS_OK;
}

static enum status open_attentions(void **family, const struct kernel_shape *shape,
                                   struct kernel_table *table) {
    struct attentions *a = calloc(1, sizeof *a);
    struct arena measuring = arena_measuring();
    if (!a)
        return fail(STATUS_MEMORY, "no memory to measure attention");
    for (int in_bf16 = 0; in_bf16 < 2; in_bf16++) {
        shape_self(&a->encoder[in_bf16], shape, shape->source, false, in_bf16);
        shape_self(&a->decoder[in_bf16], shape, shape->target, true, in_bf16);
        shape_step(&a->step[in_bf16], shape, in_bf16);
    }
    lay_out(a, shape, &measuring);
    enum status status = arena_open(&a->arena, measuring.used, "the arrays of attention");
    if (status == STATUS_OK)
        lay_out(a, shape, &a->arena);
    for (int in_bf16 = 0; in_bf16 < 2 && status == STATUS_OK; in_bf16++)
        if (wants(shape, in_bf16))
            status = add_precision(a, in_bf16, table);
    if (status != STATUS_OK) {
        close_attentions(a);
        return status;
    }
    *family = a;
    return STATUS_OK;
}

const struct kernel_family bench_attention = {open_attentions, close_attentions};
