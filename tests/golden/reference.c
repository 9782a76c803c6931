/* T5 in double precision: Raffel et al. 2020 (arXiv 1910.10683), v1.1 after Shazeer 2020 (arXiv 2002.05202).
 */
#include "reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"

static void *take(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (!memory) {
        fprintf(stderr, "no memory for the reference\n");
        exit(1);
    }
    return memory;
}

static int *take_numbers(int count) {
    return take((size_t)count + 1, sizeof(int));
}

/* ---- parameters ---- */

/* Normal, of this deviation around this mean, and rounded to float32 as files hold it. */
static struct reference_parameter *make_parameter(struct reference *r, const char *name, int rows,
                                                  int columns, double mean, double deviation) {
    struct reference_parameter *p = &r->parameters[r->parameter_count++];
    struct rng rng;
    int count = (rows ? rows : 1) * columns;
    snprintf(p->name, sizeof p->name, "%s", name);
    p->rows = rows;
    p->columns = columns;
    p->first = -1;
    p->values = take((size_t)count, sizeof *p->values);
    rng_seed(&rng, r->seed, name);
    for (int i = 0; i < count; i++)
        p->values[i] = (float)(mean + deviation * rng_normal(&rng));
    return p;
}

/* Its first number on the tape. */
static int parameter(struct reference *r, const char *name, int rows, int columns, double mean,
                     double deviation) {
    struct reference_parameter *p = NULL;
    for (int i = 0; i < r->parameter_count && !p; i++)
        if (strcmp(r->parameters[i].name, name) == 0)
            p = &r->parameters[i];
    if (!p)
        p = make_parameter(r, name, rows, columns, mean, deviation);
    if (p->first < 0) {
        p->first = r->tape.count;
        for (int i = 0; i < (rows ? rows : 1) * columns; i++)
            tape_leaf(&r->tape, (double)p->values[i]);
    }
    return p->first;
}

/* "encoder.block.0.layer.1." and what stands behind it. */
struct name {
    char text[80];
};

static struct name name_of(const char *stack, int block, int layer, const char *rest) {
    struct name name;
    snprintf(name.text, sizeof name.text, "%s.block.%d.layer.%d.%s", stack, block, layer, rest);
    return name;
}

/* ---- dropout ---- */

/* The masks are our own and documented (kernels/dropout.h, t5/layer.h): a hash of key, place and element. */
static uint64_t mix_key(uint64_t key, uint32_t place) {
    uint64_t z = key + (uint64_t)(place + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool is_kept(const struct reference *r, int place, int element) {
    uint32_t seed = (uint32_t)mix_key(mix_key(r->dropout_key, (uint32_t)place), 0);
    uint32_t h = (uint32_t)element * 0x9e3779b9u + seed;
    h = (h ^ (h >> 16)) * 0x85ebca6bu;
    h = (h ^ (h >> 13)) * 0xc2b2ae35u;
    return (h ^ (h >> 16)) / 256 >= r->dropout_rate * 16777216.0;
}

static int dropped(struct reference *r, int x, int place, int element) {
    if (r->dropout_rate == 0)
        return x;
    return tape_scale(&r->tape, x, is_kept(r, place, element) ? 1 / (1 - r->dropout_rate) : 0);
}

/* Every sublayer has two places: its result, and what is inside it. */
struct places {
    int result, inside;
};

static struct places places_of(bool decoder, int block, int sublayer) {
    int number = (decoder ? 1 << 16 : 0) + 1 + 3 * block + sublayer;
    return (struct places){2 * number, 2 * number + 1};
}

static struct places places_of_stack(bool decoder) {
    int number = decoder ? 1 << 16 : 0;
    return (struct places){2 * number, 2 * number + 1}; /* its embeddings, its output */
}

static void drop_all(struct reference *r, int *x, int count, int place) {
    for (int i = 0; i < count; i++)
        x[i] = dropped(r, x[i], place, i);
}

/* ---- layers ---- */

/* y[t, o] = sum over i of w[o, i] x[t, i]; x is [tokens, in]. */
static int *linear(struct reference *r, int w, const int *x, int tokens, int in, int out) {
    int *y = take_numbers(tokens * out);
    for (int t = 0; t < tokens; t++)
        for (int o = 0; o < out; o++) {
            int sum = tape_multiply(&r->tape, w + o * in, x[t * in]);
            for (int i = 1; i < in; i++)
                sum = tape_add(&r->tape, sum, tape_multiply(&r->tape, w + o * in + i, x[t * in + i]));
            y[t * out + o] = sum;
        }
    return y;
}

static int *dense(struct reference *r, struct name name, const int *x, int tokens, int in, int out) {
    return linear(r, parameter(r, name.text, out, in, 0, 1 / sqrt(in)), x, tokens, in, out);
}

/* y = w x / sqrt(mean of x^2 + epsilon) */
static int *norm(struct reference *r, const char *name, const int *x, int tokens) {
    struct tape *t = &r->tape;
    int width = r->shape.width, w = parameter(r, name, 0, width, 1, 0.3);
    int *y = take_numbers(tokens * width);
    for (int token = 0; token < tokens; token++, x += width) {
        int sum = tape_multiply(t, x[0], x[0]);
        for (int i = 1; i < width; i++)
            sum = tape_add(t, sum, tape_multiply(t, x[i], x[i]));
        int root = tape_sqrt(t, tape_add(t, tape_scale(t, sum, 1.0 / width), tape_leaf(t, r->shape.epsilon)));
        for (int i = 0; i < width; i++)
            y[token * width + i] = tape_multiply(t, w + i, tape_divide(t, x[i], root));
    }
    return y;
}

/* Keys before and after have half of the buckets each in the encoder; the decoder has only keys before. Half
 * of a side's buckets are for one distance each, the others grow as its logarithm. */
static int bucket_of(const struct reference_shape *s, int distance, bool decoder) {
    int buckets = decoder ? s->buckets : s->buckets / 2, first = 0;
    if (!decoder && distance > 0)
        first = buckets;
    int far = decoder ? (distance < 0 ? -distance : 0) : abs(distance), exact = buckets / 2;
    if (far < exact)
        return first + far;
    double share = log((double)far / exact) / log((double)s->largest_distance / exact);
    int bucket = exact + (int)(share * (buckets - exact));
    return first + (bucket < buckets - 1 ? bucket : buckets - 1);
}

/* One attention: who asks, who answers, and what they may see. */
struct attention {
    int rows, queries, keys; /* of a row */
    const int *q, *k, *v;    /* [rows, length, heads, head width] */
    const int32_t *visible;  /* [rows, keys]; NULL: all */
    int bias;                /* first of [buckets, heads]; -1: none */
    bool causal;
    int place; /* of dropout */
};

static int dot(struct reference *r, const int *a, const int *b, int n) {
    int sum = tape_multiply(&r->tape, a[0], b[0]);
    for (int i = 1; i < n; i++)
        sum = tape_add(&r->tape, sum, tape_multiply(&r->tape, a[i], b[i]));
    return sum;
}

static bool may_see(const struct attention *a, int row, int query, int key) {
    return !(a->causal && key > query) && !(a->visible && !a->visible[row * a->keys + key]);
}

/* The context of one query in one head: the mean of the values, weighed by the softmax of the scores, which
 * T5 does not scale. */
static void attend(struct reference *r, const struct attention *a, int row, int head, int query,
                   int *context) {
    const struct reference_shape *s = &r->shape;
    struct tape *t = &r->tape;
    int n = s->head_width, stride = s->heads * n, total = -1;
    int *weight = take_numbers(a->keys);
    const int *q = a->q + (row * a->queries + query) * stride + head * n;
    for (int key = 0; key < a->keys; key++) {
        if (!may_see(a, row, query, key))
            continue;
        int score = dot(r, q, a->k + (row * a->keys + key) * stride + head * n, n);
        if (a->bias >= 0)
            score = tape_add(t, score, a->bias + bucket_of(s, key - query, a->causal) * s->heads + head);
        weight[key] = tape_exp(t, score);
        total = total < 0 ? weight[key] : tape_add(t, total, weight[key]);
    }
    for (int i = 0; i < n; i++)
        context[i] = tape_leaf(t, 0);
    for (int key = 0; key < a->keys; key++) {
        if (!may_see(a, row, query, key))
            continue;
        int element = ((row * s->heads + head) * a->queries + query) * a->keys + key;
        int share = dropped(r, tape_divide(t, weight[key], total), a->place, element);
        for (int i = 0; i < n; i++)
            context[i] = tape_add(
                t, context[i], tape_multiply(t, share, a->v[(row * a->keys + key) * stride + head * n + i]));
    }
    free(weight);
}

static int *attend_all(struct reference *r, const struct attention *a) {
    int stride = r->shape.heads * r->shape.head_width;
    int *context = take_numbers(a->rows * a->queries * stride);
    for (int row = 0; row < a->rows; row++)
        for (int head = 0; head < r->shape.heads; head++)
            for (int query = 0; query < a->queries; query++)
                attend(r, a, row, head, query,
                       context + (row * a->queries + query) * stride + head * r->shape.head_width);
    return context;
}

/* gelu(x) = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
static int gelu(struct tape *t, int x) {
    int cube = tape_multiply(t, x, tape_multiply(t, x, x));
    int inner = tape_scale(t, tape_add(t, x, tape_scale(t, cube, 0.044715)), sqrt(2 / M_PI));
    return tape_multiply(t, tape_scale(t, x, 0.5), tape_add(t, tape_leaf(t, 1), tape_tanh(t, inner)));
}

/* ---- stacks ---- */

/* Where a stack is in its pass. */
struct stack {
    const char *name; /* "encoder" */
    bool decoder;
    int rows, length, blocks;
    int *x;            /* [rows, length, width] the residual stream */
    const int *memory; /* the encoder's output; NULL in the encoder */
    int memory_length;
    const int32_t *visible; /* of the source */
};

/* x += dropout(result) */
static void join(struct reference *r, struct stack *s, int *result, int place) {
    for (int i = 0; i < s->rows * s->length * r->shape.width; i++)
        s->x[i] = tape_add(&r->tape, s->x[i], dropped(r, result[i], place, i));
    free(result);
}

static void add_attention(struct reference *r, struct stack *s, int block, int layer, bool cross) {
    const struct reference_shape *shape = &r->shape;
    const char *kind = cross ? "EncDecAttention" : "SelfAttention";
    int tokens = s->rows * s->length, keys = cross ? s->memory_length : s->length;
    int inner = shape->heads * shape->head_width, width = shape->width;
    struct places places = places_of(s->decoder, block, cross ? 1 : 0);
    char q[32], k[32], v[32], o[32], bias[80];
    snprintf(q, sizeof q, "%s.q.weight", kind);
    snprintf(k, sizeof k, "%s.k.weight", kind);
    snprintf(v, sizeof v, "%s.v.weight", kind);
    snprintf(o, sizeof o, "%s.o.weight", kind);
    snprintf(bias, sizeof bias, "%s.block.0.layer.0.SelfAttention.relative_attention_bias.weight", s->name);

    int *normed = norm(r, name_of(s->name, block, layer, "layer_norm.weight").text, s->x, tokens);
    const int *from = cross ? s->memory : normed;
    int *queries = dense(r, name_of(s->name, block, layer, q), normed, tokens, width, inner);
    int *heads_k = dense(r, name_of(s->name, block, layer, k), from, s->rows * keys, width, inner);
    int *heads_v = dense(r, name_of(s->name, block, layer, v), from, s->rows * keys, width, inner);
    struct attention attention = {
        .rows = s->rows,
        .queries = s->length,
        .keys = keys,
        .q = queries,
        .k = heads_k,
        .v = heads_v,
        .visible = cross || !s->decoder ? s->visible : NULL,
        .bias = cross ? -1 : parameter(r, bias, shape->buckets, shape->heads, 0, 1), /* all blocks share it */
        .causal = s->decoder && !cross,
        .place = places.inside};
    int *context = attend_all(r, &attention);
    int *result = dense(r, name_of(s->name, block, layer, o), context, tokens, inner, width);
    join(r, s, result, places.result);
    free(context);
    free(heads_v);
    free(heads_k);
    free(queries);
    free(normed);
}

static void add_feed_forward(struct reference *r, struct stack *s, int block, int layer) {
    const struct reference_shape *shape = &r->shape;
    int tokens = s->rows * s->length, hidden = shape->hidden, width = shape->width;
    struct places places = places_of(s->decoder, block, 2);
    int *normed = norm(r, name_of(s->name, block, layer, "layer_norm.weight").text, s->x, tokens);
    const char *first = shape->gated_gelu ? "DenseReluDense.wi_0.weight" : "DenseReluDense.wi.weight";
    int *active = dense(r, name_of(s->name, block, layer, first), normed, tokens, width, hidden);
    int *gate = shape->gated_gelu ? dense(r, name_of(s->name, block, layer, "DenseReluDense.wi_1.weight"),
                                          normed, tokens, width, hidden)
                                  : NULL;
    for (int i = 0; i < tokens * hidden; i++)
        active[i] = gate ? tape_multiply(&r->tape, gelu(&r->tape, active[i]), gate[i])
                         : tape_positive(&r->tape, active[i]);
    drop_all(r, active, tokens * hidden, places.inside);
    int *result =
        dense(r, name_of(s->name, block, layer, "DenseReluDense.wo.weight"), active, tokens, hidden, width);
    join(r, s, result, places.result);
    free(gate);
    free(active);
    free(normed);
}

/* The residual stream becomes the stack's output. */
static int *run_stack(struct reference *r, struct stack *s, const int32_t *ids) {
    int width = r->shape.width, tokens = s->rows * s->length;
    int embedding = parameter(r, "shared.weight", r->shape.vocabulary, width, 0, 1);
    char last[80];
    s->x = take_numbers(tokens * width);
    for (int i = 0; i < tokens * width; i++)
        s->x[i] = embedding + ids[i / width] * width + i % width;
    drop_all(r, s->x, tokens * width, places_of_stack(s->decoder).result);
    for (int block = 0; block < s->blocks; block++) {
        int layer = 0;
        add_attention(r, s, block, layer++, false);
        if (s->decoder)
            add_attention(r, s, block, layer++, true);
        add_feed_forward(r, s, block, layer);
    }
    snprintf(last, sizeof last, "%s.final_layer_norm.weight", s->name);
    int *output = norm(r, last, s->x, tokens);
    drop_all(r, output, tokens * width, places_of_stack(s->decoder).inside);
    free(s->x);
    return output;
}

/* ---- the pass ---- */

/* The tied head reads the output times width^-0.5. */
static int *run_head(struct reference *r, int *output, int tokens) {
    int width = r->shape.width, vocabulary = r->shape.vocabulary;
    const char *name = r->shape.tied ? "shared.weight" : "lm_head.weight";
    if (r->shape.tied)
        for (int i = 0; i < tokens * width; i++)
            output[i] = tape_scale(&r->tape, output[i], 1 / sqrt(width));
    return linear(r, parameter(r, name, vocabulary, width, 0, 1 / sqrt(width)), output, tokens, width,
                  vocabulary);
}

/* -ln softmax(logits)[label], the mean over labels that count. */
static int mean_loss(struct reference *r, const int *logits, const int32_t *labels, int tokens) {
    struct tape *t = &r->tape;
    int vocabulary = r->shape.vocabulary, loss = tape_leaf(t, 0), counted = 0;
    for (int token = 0; token < tokens; token++, logits += vocabulary) {
        if (labels[token] < 0)
            continue;
        int total = tape_exp(t, logits[0]);
        for (int i = 1; i < vocabulary; i++)
            total = tape_add(t, total, tape_exp(t, logits[i]));
        int nll = tape_add(t, tape_log(t, total), tape_scale(t, logits[labels[token]], -1));
        loss = tape_add(t, loss, nll);
        counted++;
    }
    return tape_scale(t, loss, counted ? 1.0 / counted : 0);
}

void reference_run(struct reference *r, const struct reference_batch *batch, struct reference_pass *pass) {
    struct stack encoder = {.name = "encoder",
                            .rows = batch->rows,
                            .length = batch->source_length,
                            .blocks = r->shape.encoder_blocks,
                            .visible = batch->visible};
    pass->encoded = run_stack(r, &encoder, batch->source);
    struct stack decoder = {.name = "decoder",
                            .decoder = true,
                            .rows = batch->rows,
                            .length = batch->target_length,
                            .blocks = r->shape.decoder_blocks,
                            .memory = pass->encoded,
                            .memory_length = batch->source_length,
                            .visible = batch->visible};
    int *output = run_stack(r, &decoder, batch->target);
    int tokens = batch->rows * batch->target_length;
    pass->logits = run_head(r, output, tokens);
    pass->loss = batch->labels ? mean_loss(r, pass->logits, batch->labels, tokens) : -1;
    free(output);
}

void reference_pass_free(struct reference_pass *pass) {
    free(pass->encoded);
    free(pass->logits);
    *pass = (struct reference_pass){0};
}

void reference_clear(struct reference *r) {
    tape_clear(&r->tape);
    for (int i = 0; i < r->parameter_count; i++)
        r->parameters[i].first = -1;
}

void reference_free(struct reference *r) {
    for (int i = 0; i < r->parameter_count; i++)
        free(r->parameters[i].values);
    tape_free(&r->tape);
    *r = (struct reference){0};
}
