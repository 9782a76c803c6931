/* Which CPU features the kernels use. */
#ifndef LACONIC_KERNELS_CPU_H
#define LACONIC_KERNELS_CPU_H

#include "base/status.h"

/* First thing in a main() that computes, once options are read. `choice`: "scalar", "avx2", "avx512", or NULL for
 * LACONIC_CPU from the environment, or neither for the best this CPU has. Something this CPU lacks or unknown:
 * STATUS_USAGE. "scalar" selects the portable products (gemm.h).
 *
 * OpenBLAS reads OPENBLAS_CORETYPE when it is loaded, and its releases before 0.3.22 take AVX-512 CPUs of AMD's for
 * AVX2 ones at half the speed; so this may set the variable and execute the program again with the same arguments.
 * OpenBLAS itself is held to one thread: base/threads.h does the splitting. */
enum status cpu_prepare(const char *choice, char **argv);

const char *cpu_description(void); /* "avx512 (OpenBLAS SkylakeX)"; static storage */

#endif
