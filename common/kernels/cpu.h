/* Which CPU features the kernels use. */
#ifndef LACONIC_KERNELS_CPU_H
#define LACONIC_KERNELS_CPU_H

#include "base/status.h"

/* First thing in a main() that computes, once options are read. `choice`: "scalar", "avx2", "avx512", "amx",
 * or NULL for LACONIC_CPU from the environment, or neither for the best this CPU has. Something this CPU
 * lacks or unknown: STATUS_USAGE. "scalar" selects the portable products (gemm.h).
 *
 * OpenBLAS chooses its kernels when it is loaded, by its own detection or OPENBLAS_CORETYPE. Where that falls
 * short of what is chosen here, this sets the variable and executes the program again with the same
 * arguments; products run twice as fast for it. */
enum status cpu_prepare(const char *choice, char **argv);

const char *cpu_description(void); /* "avx512 (OpenBLAS SkylakeX, bf16 by amx)"; static storage */

#endif
