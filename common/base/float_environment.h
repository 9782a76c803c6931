/* The floating-point environment that all arithmetic here is written for: round to nearest, denormals kept,
 * no exception traps. A program, or a library that loads beside ours, may have set another one.
 *
 *     struct float_environment callers;
 *     float_environment_enter(&callers);
 *     ... arithmetic of ours ...
 *     float_environment_leave(&callers);
 *
 * The environment belongs to a thread, a new thread inherits that of its maker, and exec() sets the plain
 * one. What enter() keeps is whole: rounding, traps, how denormals are treated, and the flags of exceptions,
 * so that ours leave no trace in the caller's.
 */
#ifndef LACONIC_BASE_FLOAT_ENVIRONMENT_H
#define LACONIC_BASE_FLOAT_ENVIRONMENT_H

#include <fenv.h>
#include <stdint.h>

struct float_environment {
#if defined(__x86_64__)
    uint32_t x87[7], mxcsr; /* what fnstenv and stmxcsr store */
#elif defined(__aarch64__)
    uint64_t control, flags; /* FPCR, FPSR */
#else
    fenv_t standard;
#endif
};

/* Sets ours for this thread. */
void float_environment_set(void);
/* Keeps what this thread has, then sets ours. */
void float_environment_enter(struct float_environment *before);
void float_environment_leave(const struct float_environment *before);

#endif
