/* Chooses the instruction set of the innermost loops. */
#include "kernels/lane_ops.h"
#include <stdbool.h>
#include <string.h>
#include "kernels/cpu_features.h"

const struct lane_ops *lane_ops = &lane_ops_scalar;

struct choice {
    const struct lane_ops *lane_ops;
    bool here; /* this CPU can run it */
};

const struct lane_ops *lane_ops_select(const char *name) {
    const struct choice choices[] = {
        {&lane_ops_scalar, true},
#if defined(__x86_64__)
        {&lane_ops_avx2, cpu_has_avx2()},
        {&lane_ops_avx512, cpu_has_avx512()},
#endif
    };
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (choices[i].here && strcmp(choices[i].lane_ops->name, name) == 0)
            return lane_ops = choices[i].lane_ops;
    return NULL;
}

__attribute__((constructor)) static void choose_best(void) {
    if (!lane_ops_select("avx512"))
        lane_ops_select("avx2");
}
