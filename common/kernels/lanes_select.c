/* Chooses the instruction set of the innermost loops. */
#include "kernels/lanes.h"
#include <stdbool.h>
#include <string.h>

const struct lanes *lanes = &lanes_scalar;

struct choice {
    const struct lanes *lanes;
    bool here; /* this CPU can run it */
};

const struct lanes *lanes_select(const char *name) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const struct choice choices[] = {
        {&lanes_scalar, true},
        {&lanes_avx2, __builtin_cpu_supports("avx2")},
        {&lanes_avx512, __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")}};
#else
    const struct choice choices[] = {{&lanes_scalar, true}};
#endif
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (choices[i].here && strcmp(choices[i].lanes->name, name) == 0)
            return lanes = choices[i].lanes;
    return NULL;
}

__attribute__((constructor)) static void choose_best(void) {
    if (!lanes_select("avx512"))
        lanes_select("avx2");
}
