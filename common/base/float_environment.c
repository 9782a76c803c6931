/* Registers rather than fegetenv() and fesetenv(): those keep some bits of FPCR, and fldenv raises what a
 * caller unmasked before it looked at the flags. */
#include "base/float_environment.h"

#if defined(__x86_64__)

enum { X87_PLAIN = 0x037F, MXCSR_PLAIN = 0x1F80 }; /* as a process begins: all masked, nearest, 64-bit x87 */

void float_environment_set(void) {
    const uint16_t x87 = X87_PLAIN;
    const uint32_t mxcsr = MXCSR_PLAIN;
    __asm__ volatile("fnclex\n\tfldcw %0\n\tldmxcsr %1" ::"m"(x87), "m"(mxcsr) : "memory");
}

/* fnstenv masks all traps, so that nothing pends when the rest is set. */
void float_environment_enter(struct float_environment *before) {
    __asm__ volatile("fnstenv %0\n\tstmxcsr %1" : "=m"(before->x87), "=m"(before->mxcsr)::"memory");
    float_environment_set();
}

void float_environment_leave(const struct float_environment *before) {
    __asm__ volatile("fldenv %0\n\tldmxcsr %1" ::"m"(before->x87), "m"(before->mxcsr) : "memory");
}

#elif defined(__aarch64__)

void float_environment_set(void) {
    __asm__ volatile("msr fpcr, %0\n\tmsr fpsr, %0" ::"r"(UINT64_C(0)) : "memory");
}

void float_environment_enter(struct float_environment *before) {
    __asm__ volatile("mrs %0, fpcr\n\tmrs %1, fpsr" : "=r"(before->control), "=r"(before->flags)::"memory");
    float_environment_set();
}

void float_environment_leave(const struct float_environment *before) {
    __asm__ volatile("msr fpcr, %0\n\tmsr fpsr, %1" ::"r"(before->control), "r"(before->flags) : "memory");
}

#else

void float_environment_set(void) {
    fesetenv(FE_DFL_ENV);
}

void float_environment_enter(struct float_environment *before) {
    feholdexcept(&before->standard);
    fesetenv(FE_DFL_ENV);
}

void float_environment_leave(const struct float_environment *before) {
    fesetenv(&before->standard);
}

#endif
