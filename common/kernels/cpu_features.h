/* What this CPU and its operating system offer. */
#ifndef LACONIC_KERNELS_CPU_FEATURES_H
#define LACONIC_KERNELS_CPU_FEATURES_H

#include <stdbool.h>

bool cpu_has_avx2(void);        /* with FMA */
bool cpu_has_avx512(void);      /* F, BW, DQ, VL */
bool cpu_has_avx512_bf16(void); /* these and BF16 */
bool cpu_has_avx512_vnni(void); /* F, BW, DQ, VL and VNNI */
/* These and AMX tiles for bf16 or int8, which the kernel must grant the process. */
bool cpu_has_amx(void);
bool cpu_has_amx_int8(void);
bool cpu_has_arm_dot(void); /* Armv8.2's dot products of bytes */

#endif
