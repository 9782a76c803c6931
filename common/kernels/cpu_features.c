/* CPU detection, by the compiler's builtins where they know a feature and by CPUID where they do not. */
#include "kernels/cpu_features.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

bool cpu_has_avx2(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool cpu_has_avx512(void) {
    return cpu_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

bool cpu_has_avx512_bf16(void) {
    unsigned a, b, c, d;
    return cpu_has_avx512() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & (1u << 5));
}

bool cpu_has_avx512_vnni(void) {
    return cpu_has_avx512() && __builtin_cpu_supports("avx512vnni");
}

/* Linux hands out the tile registers' state on request only. */
static bool granted_tiles(void) {
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

bool cpu_has_amx(void) {
    enum { AMX_BF16 = 22, AMX_TILE = 24 };
    unsigned a, b, c, d;
    return cpu_has_avx512_bf16() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & (1u << AMX_BF16)) &&
           (d & (1u << AMX_TILE)) && granted_tiles();
}

bool cpu_has_amx_int8(void) {
    enum { AMX_TILE = 24, AMX_INT8 = 25 };
    unsigned a, b, c, d;
    return cpu_has_avx512_vnni() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & (1u << AMX_INT8)) &&
           (d & (1u << AMX_TILE)) && granted_tiles();
}

bool cpu_has_arm_dot(void) {
    return false;
}
#else
#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

bool cpu_has_arm_dot(void) {
#if defined(__aarch64__)
    enum { HAS_ASIMDDP = 1 << 20 };
    return getauxval(AT_HWCAP) & HAS_ASIMDDP;
#else
    return false;
#endif
}

bool cpu_has_avx2(void) {
    return false;
}

bool cpu_has_avx512(void) {
    return false;
}

bool cpu_has_avx512_bf16(void) {
    return false;
}

bool cpu_has_avx512_vnni(void) {
    return false;
}

bool cpu_has_amx(void) {
    return false;
}

bool cpu_has_amx_int8(void) {
    return false;
}
#endif
