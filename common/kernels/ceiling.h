/* What this machine could do at most, measured: the figures that speeds are shares of.
 *
 * All threads of the pool (base/threads.h) work, with the instructions that the selected back ends use
 * (lane_ops.h, gemm_bf16.h), so prepare the CPU and start the threads first. The best of a few short runs
 * counts: neighbours on the machine can only slow a run down.
 */
#ifndef LACONIC_KERNELS_CEILING_H
#define LACONIC_KERNELS_CEILING_H

#include <stdbool.h>

/* Floating-point operations per second of multiply-adds (counted as two) that never leave the registers:
 * float32, or bf16 pairs with float32 sums where there are instructions for them. Takes 0.06 s. */
double ceiling_flops(bool in_bf16);

/* The instruction set measured: "scalar", "avx2", "avx512", "avx512bf16", "amx". */
const char *ceiling_name(bool in_bf16);

#endif
