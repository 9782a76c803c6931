/* The kernels that laconic bench kernels measures: one case per row of its table, in families that share
 * memory. */
#ifndef LACONIC_TESTS_KERNEL_CASE_H
#define LACONIC_TESTS_KERNEL_CASE_H

#include <stdbool.h>
#include "base/arena.h"
#include "bench.h"
#include "t5/config.h"

struct kernel_case {
    const char *kernel, *precision;
    char shape[40];
    double flops, bytes; /* of a run; bytes: what must move at least, each operand once */
    bench_action *prepare,
        *run; /* prepare: brings operands and result into their first state; NULL: they keep it */
    void *operands;
    /* The error is either what the case itself finds, or how far the scalar instructions are from the result.
     */
    double (*error)(void *operands);
    const float *result;
    size_t result_size; /* 0: no error to tell */
};

enum { KERNEL_CASES = 64 };

struct kernel_table {
    struct kernel_case cases[KERNEL_CASES];
    int count;
};

/* The next row, empty. */
struct kernel_case *kernel_table_add(struct kernel_table *table);

/* A T5 and the batch that its kernels see. */
struct kernel_shape {
    struct t5_config config;
    int rows, source, target; /* tokens per row */
    bool float_products, bf16_products;
};

/* Opens its memory and adds its cases, whose operands stay valid until it is closed. close: NULL is fine. */
struct kernel_family {
    enum status (*open)(void **family, const struct kernel_shape *shape, struct kernel_table *table);
    void (*close)(void *family);
};

extern const struct kernel_family bench_products, bench_layers, bench_attention;

/* The larger of the two; not a number as soon as one is not, which fmax() would pass over. */
static inline double larger_or_nan(double a, double b) {
    return b <= a ? a : b;
}

/* x = standard normal numbers; nothing while an arena is being measured (x NULL). */
void kernel_fill(float *x, size_t n, const char *stream);

#endif
