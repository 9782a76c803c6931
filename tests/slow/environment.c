/* Preloaded into a program: the floating-point environment that a library built with fast-math, or of another
 * mind, leaves behind before main(). FLOAT_ENVIRONMENT is downward, upward or towardzero; denormals are
 * flushed. */
#include <fenv.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

__attribute__((constructor)) static void set_environment(void) {
    const char *name = getenv("FLOAT_ENVIRONMENT");
    if (!name)
        return;
    fesetround(strcmp(name, "downward") == 0 ? FE_DOWNWARD
               : strcmp(name, "upward") == 0 ? FE_UPWARD
                                             : FE_TOWARDZERO);
#if defined(__SSE__)
    _mm_setcsr(_mm_getcsr() | 0x8040); /* FTZ, DAZ */
#endif
}
