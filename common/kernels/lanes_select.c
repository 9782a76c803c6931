/* Chooses the instruction set of the innermost loops. */
#include "kernels/lanes.h"
#include <stdbool.h>
#include <string.h>
#include "kernels/cpu_features.h"

const struct lanes *lanes = &lanes_scalar;

struct choice {
    const struct lanes *lanes;
    bool here; /* this CPU can run it */
};

const struct lanes *lanes_select(const char *name) {
    const struct choice choices[] = {
        {&lanes_scalar, true},
#if defined(__x86_64__)
        {&lanes_avx2, cpu_has_avx2()},
        {&lanes_avx512, cpu_has_avx512()},
#endif
    };
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (choices[i].here && strcmp(choices[i].lanes->name, name) == 0)
            return lanes = choices[i].lanes;
    return NULL;
}

__attribute__((constructor)) static void choose_best(void) {
    if (!lanes_select("avx512"))
        lanes_select("avx2");
}
