/* Which CPU features the kernels use. */
#ifndef LACONIC_KERNELS_CPU_H
#define LACONIC_KERNELS_CPU_H

#include "base/status.h"

/* Chooses the kernels. `choice`: "scalar", "avx2", "avx512", "amx", or NULL for LACONIC_CPU from the
 * environment, or neither for the best this CPU has. Something this CPU lacks or unknown: STATUS_USAGE. */
enum status cpu_choose(const char *choice);

/* The same for a program that multiplies in float32, once threads have started (base/threads.h): loads
 * OpenBLAS too, with kernels that suit the choice and a buffer for every thread. "scalar" selects the
 * portable products (gemm.h). */
enum status cpu_prepare(const char *choice);

const char *cpu_description(void); /* "avx512 (OpenBLAS SkylakeX, bf16 by amx)"; static storage */

#endif
