/* Which set of loops runs. */
#include <stdlib.h>
#include <string.h>
#include "codec/exact/loops.h"
#include "kernels/cpu_features.h"

#if defined(__x86_64__)
extern const struct exact_loops exact_avx2, exact_avx512, exact_amx;
#elif defined(__aarch64__)
extern const struct exact_loops exact_neon;
#endif
extern const struct exact_loops exact_scalar;

const struct exact_loops *exact = &exact_scalar;

/* The best first. */
static const struct set {
    const struct exact_loops *loops;
    bool (*has)(void);
} sets[] = {
#if defined(__x86_64__)
    {&exact_amx, cpu_has_amx_int8},
    {&exact_avx512, cpu_has_avx512_vnni},
    {&exact_avx2, cpu_has_avx2},
#elif defined(__aarch64__)
    {&exact_neon, cpu_has_arm_dot},
#endif
    {&exact_scalar, NULL},
};
enum { SETS = sizeof sets / sizeof *sets };

const struct exact_loops *const *exact_available(void) {
    static const struct exact_loops *list[SETS + 1];
    int count = 0;
    for (int i = 0; i < SETS; i++)
        if (!sets[i].has || sets[i].has())
            list[count++] = sets[i].loops;
    list[count] = NULL;
    return list;
}

const struct exact_loops *exact_select(const char *name) {
    for (const struct exact_loops *const *set = exact_available(); *set; set++)
        if (strcmp((*set)->name, name) == 0)
            return exact = *set;
    return NULL;
}

void exact_prepare(const char *choice) {
    const char *name = choice ? choice : getenv("LACONIC_CPU");
    bool reached = !name || !*name;
    for (int i = 0; i < SETS; i++) {
        reached = reached || strcmp(sets[i].loops->name, name) == 0;
        if (reached && (!sets[i].has || sets[i].has())) {
            exact = sets[i].loops;
            return;
        }
    }
}

__attribute__((constructor)) static void choose_best(void) {
    exact = exact_available()[0];
}
