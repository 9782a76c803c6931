/* The exact engine's operations: its innermost loops, compiled once per instruction set and chosen at run
 * time.
 *
 * All sets give the same bits: products of 8-bit integers are summed in 32-bit integers, which is exact in
 * any order; everything in float32 is IEEE addition, subtraction, multiplication, division and square root in
 * one written order (kernels/vec.h). The scalar set is the definition, docs/format.md puts it in
 * words.
 *
 * Numbers in 8 bits: a row x of floats becomes integers q in -127 .. 127 and a scale, x ~ scale q.
 */
#ifndef LACONIC_CODEC_EXACT_OPS_H
#define LACONIC_CODEC_EXACT_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __FAST_MATH__
#error "archives depend on IEEE arithmetic as written: compile without -ffast-math"
#endif

enum {
    EXACT_PANEL = 16,             /* outputs of a matrix side by side */
    EXACT_GROUP = 4,              /* numbers of k that a product takes at once */
    EXACT_DEPTH = 64,             /* k is padded with zeros to a multiple of this */
    EXACT_OUTPUTS = 64,           /* outputs to a multiple of this */
    EXACT_KEYS = 64,              /* keys of a cache come in blocks of so many */
    EXACT_HEAD_MAXIMUM = 256,     /* width of a head */
    EXACT_WIDTH_MAXIMUM = 1 << 16 /* of what a product sums over: below it 32 bits hold the sum */
};

/* A matrix [out, in] of weights: w(o, k) ~ scale[o] q(o, k). */
struct exact_matrix {
    int in, out;         /* as in the model */
    int depth, outputs;  /* padded */
    const int8_t *q;     /* [outputs / 16, depth / 4, 16, 4] */
    const float *scale;  /* [outputs] */
    const int32_t *sums; /* [outputs] sum of q over k */
};

/* Rows in 8 bits, as the set's products take them. */
struct exact_rows {
    uint8_t *q;   /* [rows, stride] */
    float *scale; /* [rows] */
    size_t stride;
    int rows;
};

/* One head's keys and values in blocks of EXACT_KEYS positions; position p is number p % EXACT_KEYS of block
 * p / EXACT_KEYS % ring. Widths are multiples of 16. */
struct exact_cache {
    uint8_t *keys;      /* [ring, 4, width / 4, 16, 4]: 16 keys side by side, 4 numbers of each */
    int8_t *values;     /* [ring, 16, width, 4]: 4 values side by side */
    float *key_scale;   /* [ring * EXACT_KEYS] */
    float *value_scale; /* [ring * EXACT_KEYS] */
    size_t ring, width;
};

/* What one query sees: keys [first, end), first a multiple of EXACT_KEYS. */
struct exact_view {
    size_t first, end;
    const float
        *bias;     /* bias[j - first] is added to the score of key j; readable in whole blocks; NULL: none */
    float *scores; /* scratch, whole blocks of [first, end) */
    uint8_t *weights; /* scratch, twice as many */
};

/* name, parameters: one row per operation. */
#define EXACT_OPS(X)                                                                                         \
    /* row r of `rows` = x [in] in 8 bits */                                                                 \
    X(quantise, (struct exact_rows * rows, int r, const float *x, size_t in))                                \
    /* y = weight (x / sqrt(mean of x^2 + epsilon)) */                                                       \
    X(norm, (float *y, const float *x, const float *weight, float epsilon, size_t n))                        \
    /* y [rows, y_stride] = or += x w^T, outputs [first, first + count), both multiples of EXACT_OUTPUTS;    \
       y's column 0 is output `first` */                                                                     \
    X(product, (float *y, size_t y_stride, bool add, const struct exact_matrix *w, size_t first,             \
                size_t count, const struct exact_rows *x))                                                   \
    X(relu, (float *x, size_t n))                                                                            \
    X(gated_gelu, (float *x, const float *gate, size_t n)) /* x = gelu(gate) x, T5's tanh form */            \
    X(add, (float *y, const float *x, size_t n))           /* y += x */                                      \
    X(scale, (float *x, float factor, size_t n))           /* x *= factor */                                 \
    /* position p of a cache = a key and a value [width] */                                                  \
    X(cache_store, (struct exact_cache * cache, size_t p, const float *key, const float *value))             \
    /* out [width] = sum over keys j of softmax(q . key j + bias)_j value j */                               \
    X(attend, (float *out, const float *q, const struct exact_cache *cache, const struct exact_view *view))  \
    /* frequencies [n] >= 1 of e^logit, sum at most `total`; n a multiple of 16, logits may change */        \
    X(frequencies, (uint32_t * frequency, float *logits, size_t n, uint32_t total))

struct exact_ops {
    const char *name;
#define EXACT_OPS_FIELD(field, parameters) void(*field) parameters;
    EXACT_OPS(EXACT_OPS_FIELD)
#undef EXACT_OPS_FIELD
};

/* The chosen set: the best this CPU has until exact_ops_select() says otherwise. */
extern const struct exact_ops *exact_ops;

/* "scalar", "avx2", "avx512" and "amx" as --cpu and LACONIC_CPU have them; "neon", which they do not know: it
 * is taken where the CPU has it. NULL if unknown or beyond this CPU, and then nothing changes. */
const struct exact_ops *exact_ops_select(const char *name);

/* What cpu_prepare() was told (kernels/cpu.h), NULL: LACONIC_CPU or the best: the set of this name, or the
 * next simpler one that this CPU has, since the names stand for several features. */
void exact_ops_prepare(const char *choice);

/* All that this CPU can run, NULL-ended, for tests. */
const struct exact_ops *const *exact_ops_available(void);

#endif
