/* Between ceiling.c and its loops: multiply-adds in registers on one thread, once per instruction set. */
#ifndef LACONIC_KERNELS_CEILING_LOOP_H
#define LACONIC_KERNELS_CEILING_LOOP_H

#include <stddef.h>

struct ceiling_loop {
    const char *name;
    double flops;                /* of a round */
    float (*run)(size_t rounds); /* returns what keeps the work from being left out */
};

extern const struct ceiling_loop ceiling_scalar, ceiling_avx2, ceiling_avx512, ceiling_avx512bf16,
    ceiling_amx;

#endif
