/* Chooses the instruction set of the exact operations. */
#include <stdlib.h>
#include <string.h>
#include "codec/exact/ops.h"
#include "kernels/cpu_features.h"

#if defined(__x86_64__)
extern const struct exact_ops exact_ops_avx2, exact_ops_avx512, exact_ops_amx;
#elif defined(__aarch64__)
extern const struct exact_ops exact_ops_neon;
#endif
extern const struct exact_ops exact_ops_scalar;

const struct exact_ops *exact_ops = &exact_ops_scalar;

/* The best first. */
static const struct set {
    const struct exact_ops *ops;
    bool (*has)(void);
} sets[] = {
#if defined(__x86_64__)
    {&exact_ops_amx, cpu_has_amx_int8},
    {&exact_ops_avx512, cpu_has_avx512_vnni},
    {&exact_ops_avx2, cpu_has_avx2},
#elif defined(__aarch64__)
    {&exact_ops_neon, cpu_has_arm_dot},
#endif
    {&exact_ops_scalar, NULL},
};
enum { SETS = sizeof sets / sizeof *sets };

const struct exact_ops *const *exact_ops_available(void) {
    static const struct exact_ops *list[SETS + 1];
    int count = 0;
    for (int i = 0; i < SETS; i++)
        if (!sets[i].has || sets[i].has())
            list[count++] = sets[i].ops;
    list[count] = NULL;
    return list;
}

const struct exact_ops *exact_ops_select(const char *name) {
    for (const struct exact_ops *const *set = exact_ops_available(); *set; set++)
        if (strcmp((*set)->name, name) == 0)
            return exact_ops = *set;
    return NULL;
}

void exact_ops_prepare(const char *choice) {
    const char *name = choice ? choice : getenv("LACONIC_CPU");
    bool reached = !name || !*name;
    for (int i = 0; i < SETS; i++) {
        reached = reached || strcmp(sets[i].ops->name, name) == 0;
        if (reached && (!sets[i].has || sets[i].has())) {
            exact_ops = sets[i].ops;
            return;
        }
    }
}

__attribute__((constructor)) static void choose_best(void) {
    exact_ops = exact_ops_available()[0];
}
