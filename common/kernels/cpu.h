/* Which CPU features the kernels use. */
#ifndef LACONIC_KERNELS_CPU_H
#define LACONIC_KERNELS_CPU_H

#include "base/status.h"

/* What --cpu and LACONIC_CPU may say on machines of this kind, for helps and sentences. With "neon" only the
 * codec's exact arithmetic is vectorised by hand. */
#if defined(__x86_64__)
#define CPU_NAMES "scalar, avx2, avx512 or amx"
#elif defined(__aarch64__)
#define CPU_NAMES "scalar or neon"
#else
#define CPU_NAMES "scalar"
#endif

/* The row of a cli_option table. */
#define CPU_OPTION(target)                                                                                   \
    { "cpu", 0, "NAME", CPU_NAMES " (default: LACONIC_CPU, else the best)", CLI_TEXT, target }

/* Chooses the kernels. `choice`: one of CPU_NAMES, or NULL for LACONIC_CPU from the
 * environment, or neither for the best this CPU has. Something this CPU lacks or unknown: STATUS_USAGE. */
enum status cpu_choose(const char *choice);

/* The same for a program that multiplies in float32, once threads have started (base/threads.h): loads
 * OpenBLAS too, with kernels that suit the choice and a buffer for every thread. "scalar" selects the
 * portable products (gemm.h). */
enum status cpu_prepare(const char *choice);

const char *cpu_description(void); /* "avx512 (OpenBLAS SkylakeX, bf16 by amx)"; static storage */

#endif
