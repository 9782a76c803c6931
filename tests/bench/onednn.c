/* bf16 products beside oneDNN's (Intel's library, C API of version 2), for the shapes of T5 layers.
 *
 *     OMP_NUM_THREADS=2 LACONIC_THREADS=2 onednn
 *
 * Weights lie in the form each side likes best beforehand; the gradient of weights, whose operands are both
 * new every time, includes all rearranging. Both results are compared, then timed in turns: the median of
 * five turns counts.
 */
#include <math.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/rng.h"
#include "base/status.h"
#include "base/threads.h"
#include "kernels/gemm_bf16.h"

enum { TURNS = 5 };
#define WARMING_SECONDS 0.005
#define TURN_SECONDS 0.015
#define MOST_DIFFERENCE 0.02 /* per square root of k: bf16 results of operands from -1 to 1 */

#define DNNL(call)                                                                                           \
    do {                                                                                                     \
        dnnl_status_t dnnl_result = (call);                                                                  \
        if (dnnl_result != dnnl_success)                                                                     \
            return fail(STATUS_MISMATCH, "oneDNN: %s gives status %d", #call, (int)dnnl_result);             \
    } while (0)

struct layer {
    const char *model, *name;
    int tokens, in, out;
    bool backward, wide; /* trained; y in float32 */
};

static const struct layer layers[] = {
    {"t5-small", "q k v o", 2048, 512, 512, true, false}, {"t5-small", "wi", 2048, 512, 2048, true, false},
    {"t5-small", "wo", 2048, 2048, 512, true, false},     {"t5-small", "head", 256, 512, 32128, true, true},
    {"byte-8m", "q k v o", 2048, 256, 256, true, false},  {"byte-8m", "wi", 2048, 256, 1024, true, false},
    {"byte-8m", "wo", 2048, 1024, 256, true, false},      {"byte-8m", "head", 2048, 256, 1280, true, true},
    {"byte-1m", "q k v o", 2048, 128, 128, true, false},  {"byte-1m", "wi", 2048, 128, 512, true, false},
    {"byte-1m", "wo", 2048, 512, 128, true, false},       {"byte-1m", "head", 2048, 128, 1280, true, true},
    {"t5-small", "q k v o", 64, 512, 512, false, false},  {"t5-small", "wi", 64, 512, 2048, false, false},
    {"t5-small", "wo", 64, 2048, 512, false, false},      {"t5-small", "head", 64, 512, 32128, false, true},
    {"byte-8m", "q k v o", 64, 256, 256, false, false},   {"byte-8m", "wi", 64, 256, 1024, false, false},
    {"byte-8m", "wo", 64, 1024, 256, false, false},       {"byte-8m", "head", 64, 256, 1280, false, true},
    {"byte-1m", "q k v o", 64, 128, 128, false, false},   {"byte-1m", "wi", 64, 128, 512, false, false},
    {"byte-1m", "wo", 64, 512, 128, false, false},        {"byte-1m", "head", 64, 128, 1280, false, true},
};

enum pass { FORWARD, BACKWARD_INPUT, BACKWARD_WEIGHT, PASSES };

static const char *const pass_names[] = {"y = x W^T", "dx = dy W", "dW += dy^T x"};

/* C [m, n] = A [m, k] B [k, n]. Stored are x and dy by tokens, W [out, in]: so A of the gradient of weights
 * and B of the forward pass lie transposed. */
struct product {
    enum pass pass;
    int m, n, k;
    bool in_bf16; /* C in bf16 */
    bf16 *a, *b, *packed_a, *packed_b;
    struct values ours, theirs;
};

static bf16 *random_operand(size_t size) {
    struct rng rng;
    float *x = malloc(size * sizeof *x);
    bf16 *rounded = malloc(size * sizeof *rounded);
    rng_seed(&rng, size, "bench");
    for (size_t i = 0; x && i < size; i++)
        x[i] = 2.0f * rng_uniform(&rng) - 1.0f;
    if (x && rounded)
        bf16_from_float(rounded, x, size);
    free(x);
    return rounded;
}

static struct values zero_result(size_t size, bool in_bf16) {
    struct values v = {0};
    if (in_bf16)
        v.b16 = calloc(size, sizeof *v.b16);
    else
        v.f32 = calloc(size, sizeof *v.f32);
    return v;
}

static void *data_of(struct values v) {
    return v.f32 ? (void *)v.f32 : v.b16;
}

static void product_free(struct product *p) {
    free(p->a);
    free(p->b);
    free(p->packed_a);
    free(p->packed_b);
    free(data_of(p->ours));
    free(data_of(p->theirs));
}

static enum status product_make(struct product *p, const struct layer *l, enum pass pass) {
    *p = (struct product){.pass = pass, .m = l->tokens, .n = l->out, .k = l->in};
    if (pass == BACKWARD_INPUT)
        *p = (struct product){.pass = pass, .m = l->tokens, .n = l->in, .k = l->out};
    else if (pass == BACKWARD_WEIGHT)
        *p = (struct product){.pass = pass, .m = l->out, .n = l->in, .k = l->tokens};
    size_t m = (size_t)p->m, n = (size_t)p->n, k = (size_t)p->k;
    p->in_bf16 = pass != BACKWARD_WEIGHT && !(pass == FORWARD && l->wide);
    p->a = random_operand(m * k);
    p->b = random_operand(k * n);
    p->packed_a = malloc(bf16_packed_count(p->k, p->m) * sizeof *p->packed_a);
    p->packed_b = malloc(bf16_packed_count(p->k, p->n) * sizeof *p->packed_b);
    p->ours = zero_result(m * n, p->in_bf16);
    p->theirs = zero_result(m * n, p->in_bf16);
    if (!p->a || !p->b || !p->packed_a || !p->packed_b || !data_of(p->ours) || !data_of(p->theirs))
        return fail(STATUS_MEMORY, "memory ran out for a product of %d x %d x %d", p->m, p->n, p->k);
    if (pass == FORWARD)
        bf16_pack_transposed(p->packed_b, p->b, k, p->k, p->n);
    else
        bf16_pack(p->packed_b, p->b, n, p->k, p->n);
    return STATUS_OK;
}

static void multiply_ours(struct product *p) {
    struct gemm_result result = {.c = p->ours, .ldc = p->n};
    if (p->pass != BACKWARD_WEIGHT) {
        gemm_bf16(p->m, p->n, p->k, gemm_bf16_rows(p->a, (size_t)p->k), p->packed_b, &result);
        return;
    }
    result.write = GEMM_ADD;
    bf16_pack(p->packed_a, p->a, (size_t)p->m, p->k, p->m);
    bf16_pack(p->packed_b, p->b, (size_t)p->n, p->k, p->n);
    gemm_bf16(p->m, p->n, p->k, gemm_bf16_transposed(p->packed_a), p->packed_b, &result);
}

/* An operand as it lies and as the product wants it; `reorder` NULL: the same. */
struct dnnl_operand {
    dnnl_memory_t stored, wanted;
    dnnl_primitive_t reorder;
};

struct peer {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t product;
    struct dnnl_operand a, b;
    dnnl_memory_t c;
    bool reorder_each_time;
};

static enum status describe(dnnl_memory_desc_t *d, int rows, int columns, bool transposed,
                            dnnl_data_type_t type) {
    const dnnl_dims_t dims = {rows, columns}, strides = {transposed ? 1 : columns, transposed ? rows : 1};
    DNNL(dnnl_memory_desc_init_by_strides(d, 2, dims, type, strides));
    return STATUS_OK;
}

static enum status reorder(const struct peer *peer, const struct dnnl_operand *o) {
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, o->stored}, {DNNL_ARG_TO, o->wanted}};
    if (o->reorder)
        DNNL(dnnl_primitive_execute(o->reorder, peer->stream, 2, arguments));
    return STATUS_OK;
}

static enum status operand_make(struct dnnl_operand *o, const struct peer *peer,
                                const dnnl_memory_desc_t *stored, const dnnl_memory_desc_t *wanted,
                                bf16 *data) {
    dnnl_primitive_desc_t descriptor;
    DNNL(dnnl_memory_create(&o->stored, stored, peer->engine, data));
    if (dnnl_memory_desc_equal(stored, wanted)) {
        o->wanted = o->stored;
        return STATUS_OK;
    }
    DNNL(dnnl_memory_create(&o->wanted, wanted, peer->engine, DNNL_MEMORY_ALLOCATE));
    DNNL(dnnl_reorder_primitive_desc_create(&descriptor, stored, peer->engine, wanted, peer->engine, NULL));
    dnnl_status_t created = dnnl_primitive_create(&o->reorder, descriptor);
    dnnl_primitive_desc_destroy(descriptor);
    DNNL(created);
    return reorder(peer, o);
}

static void operand_free(struct dnnl_operand *o) {
    if (o->wanted != o->stored)
        dnnl_memory_destroy(o->wanted);
    dnnl_memory_destroy(o->stored);
    dnnl_primitive_destroy(o->reorder);
}

/* The product's descriptor; dW is added to what is there. */
static enum status product_describe(dnnl_primitive_desc_t *descriptor, const struct peer *peer,
                                    const struct product *p, const dnnl_memory_desc_t *a,
                                    const dnnl_memory_desc_t *b, const dnnl_memory_desc_t *c) {
    dnnl_matmul_desc_t matmul;
    dnnl_primitive_attr_t attributes;
    dnnl_post_ops_t after;
    DNNL(dnnl_primitive_attr_create(&attributes));
    DNNL(dnnl_post_ops_create(&after));
    if (p->pass == BACKWARD_WEIGHT)
        DNNL(dnnl_post_ops_append_sum(after, 1.0f));
    DNNL(dnnl_primitive_attr_set_post_ops(attributes, after));
    DNNL(dnnl_matmul_desc_init(&matmul, a, b, NULL, c));
    dnnl_status_t created = dnnl_primitive_desc_create(descriptor, &matmul, attributes, peer->engine, NULL);
    dnnl_post_ops_destroy(after);
    dnnl_primitive_attr_destroy(attributes);
    DNNL(created);
    return STATUS_OK;
}

static enum status peer_make(struct peer *peer, const struct product *p) {
    dnnl_memory_desc_t a, b, c, any_a, any_b;
    dnnl_primitive_desc_t descriptor;
    const dnnl_dims_t dims_a = {p->m, p->k}, dims_b = {p->k, p->n};
    peer->reorder_each_time = p->pass == BACKWARD_WEIGHT;
    TRY(describe(&a, p->m, p->k, p->pass == BACKWARD_WEIGHT, dnnl_bf16));
    TRY(describe(&b, p->k, p->n, p->pass == FORWARD, dnnl_bf16));
    TRY(describe(&c, p->m, p->n, false, p->in_bf16 ? dnnl_bf16 : dnnl_f32));
    any_a = a;
    if (p->pass == BACKWARD_WEIGHT)
        DNNL(dnnl_memory_desc_init_by_tag(&any_a, 2, dims_a, dnnl_bf16, dnnl_format_tag_any));
    DNNL(dnnl_memory_desc_init_by_tag(&any_b, 2, dims_b, dnnl_bf16, dnnl_format_tag_any));
    TRY(product_describe(&descriptor, peer, p, &any_a, &any_b, &c));
    const dnnl_memory_desc_t *wanted_a = dnnl_primitive_desc_query_md(descriptor, dnnl_query_src_md, 0),
                             *wanted_b = dnnl_primitive_desc_query_md(descriptor, dnnl_query_weights_md, 0);
    TRY(operand_make(&peer->a, peer, &a, wanted_a, p->a));
    TRY(operand_make(&peer->b, peer, &b, wanted_b, p->b));
    DNNL(dnnl_memory_create(&peer->c, &c, peer->engine, data_of(p->theirs)));
    DNNL(dnnl_primitive_create(&peer->product, descriptor));
    DNNL(dnnl_primitive_desc_destroy(descriptor));
    return STATUS_OK;
}

static void peer_free(struct peer *peer) {
    operand_free(&peer->a);
    operand_free(&peer->b);
    dnnl_memory_destroy(peer->c);
    dnnl_primitive_destroy(peer->product);
}

static enum status multiply_theirs(const struct peer *peer) {
    const dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_SRC, peer->a.wanted}, {DNNL_ARG_WEIGHTS, peer->b.wanted}, {DNNL_ARG_DST, peer->c}};
    if (peer->reorder_each_time) {
        TRY(reorder(peer, &peer->a));
        TRY(reorder(peer, &peer->b));
    }
    DNNL(dnnl_primitive_execute(peer->product, peer->stream, 3, arguments));
    DNNL(dnnl_stream_wait(peer->stream));
    return STATUS_OK;
}

static double value(struct values v, size_t at) {
    if (v.f32)
        return (double)v.f32[at];
    uint32_t bits = (uint32_t)v.b16[at] << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return (double)x;
}

static enum status compare(const struct product *p) {
    for (size_t i = 0; i < (size_t)p->m * (size_t)p->n; i++) {
        double ours = value(p->ours, i), theirs = value(p->theirs, i);
        if (!(fabs(ours - theirs) <= MOST_DIFFERENCE * sqrt(p->k)))
            return fail(STATUS_MISMATCH, "%s, %d x %d x %d: element %zu is %g, oneDNN has %g",
                        pass_names[p->pass], p->m, p->n, p->k, i, ours, theirs);
    }
    return STATUS_OK;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* As many products as fit into `least` seconds, by `peer` or, NULL, by us; seconds of one. */
static enum status repeat(double *each, double least, struct product *p, const struct peer *peer) {
    double begin = seconds(), now = begin;
    int count = 0;
    while (now - begin < least) {
        if (peer)
            TRY(multiply_theirs(peer));
        else
            multiply_ours(p);
        count++;
        now = seconds();
    }
    *each = (now - begin) / count;
    return STATUS_OK;
}

/* The pause lets threads of the other side stop spinning, then those of this side wake and spread. */
static enum status time_turn(double *each, struct product *p, const struct peer *peer) {
    const struct timespec pause = {.tv_nsec = 6000000};
    nanosleep(&pause, NULL);
    TRY(repeat(each, WARMING_SECONDS, p, peer));
    return repeat(each, TURN_SECONDS, p, peer);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *times) {
    qsort(times, TURNS, sizeof *times, by_size);
    return times[TURNS / 2];
}

static enum status measure(const struct layer *l, struct product *p, const struct peer *peer) {
    double ours[TURNS], theirs[TURNS], operations = 2e-9 * p->m * p->n * p->k;
    multiply_ours(p);
    TRY(multiply_theirs(peer));
    TRY(compare(p));
    for (int t = 0; t < TURNS; t++) {
        TRY(time_turn(&ours[t], p, NULL));
        TRY(time_turn(&theirs[t], p, peer));
    }
    double our_rate = operations / median(ours), their_rate = operations / median(theirs);
    printf("| %s | %s | %s | %d | %d | %d | %s | %.1f | %.1f | %.2f |\n", l->model, l->name,
           pass_names[p->pass], p->m, p->n, p->k, p->in_bf16 ? "bf16" : "float32", our_rate, their_rate,
           our_rate / their_rate);
    return STATUS_OK;
}

static enum status run_one(struct peer *peer, const struct layer *l, enum pass pass) {
    struct product p;
    enum status status = product_make(&p, l, pass);
    if (status == STATUS_OK)
        status = peer_make(peer, &p);
    if (status == STATUS_OK)
        status = measure(l, &p, peer);
    peer_free(peer);
    *peer = (struct peer){.engine = peer->engine, .stream = peer->stream};
    product_free(&p);
    return status;
}

static enum status run(void) {
    struct peer peer = {0};
    const dnnl_version_t *version = dnnl_version();
    const char *their_threads = getenv("OMP_NUM_THREADS");
    TRY(threads_start(0));
    DNNL(dnnl_engine_create(&peer.engine, dnnl_cpu, 0));
    DNNL(dnnl_stream_create(&peer.stream, peer.engine, dnnl_stream_default_flags));
    printf("laconic's back end %s on %d threads, oneDNN %d.%d.%d on %s (OMP_NUM_THREADS)\n\n",
           gemm_bf16_selected(), threads_count(), version->major, version->minor, version->patch,
           their_threads ? their_threads : "all");
    printf("| model | layer | product | m | n | k | C | laconic, GFLOP/s | oneDNN, GFLOP/s | ratio |\n");
    printf("|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        for (enum pass pass = FORWARD; pass < (layers[i].backward ? PASSES : BACKWARD_INPUT); pass++)
            TRY(run_one(&peer, &layers[i], pass));
    dnnl_stream_destroy(peer.stream);
    dnnl_engine_destroy(peer.engine);
    threads_stop();
    return STATUS_OK;
}

int main(void) {
    return status_report("onednn", run());
}
