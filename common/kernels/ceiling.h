/* What this machine could do at most, measured: the figures that speeds are shares of.
 *
 * All threads of the pool (base/threads.h) work, with the instructions that the selected back ends use
 * (lanes.h, gemm_bf16.h), so prepare the CPU and start the threads first. The best of a few short runs
 * counts: neighbours on the machine can only slow a run down.
 */
#ifndef LACONIC_KERNELS_CEILING_H
#define LACONIC_KERNELS_CEILING_H

#include <stdbool.h>
#include "base/status.h"

/* Floating-point operations per second of multiply-adds (counted as two) that never leave the registers:
 * float32, or bf16 pairs with float32 sums where there are instructions for them. Takes 0.06 s. */
double ceiling_flops(bool in_bf16);

/* The instruction set measured: "scalar", "avx2", "avx512", "avx512bf16", "amx". */
const char *ceiling_name(bool in_bf16);

/* Bytes per second between memory and the CPU, over 256 MiB. */
struct ceiling_memory {
    double read;  /* summing an array */
    double triad; /* a = b + s c, three arrays (McCalpin's STREAM, which does not count that a is read too) */
};
enum status ceiling_memory(struct ceiling_memory *memory);

#endif
