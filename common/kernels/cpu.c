/* Detects the CPU and makes OpenBLAS agree with what is found. */
#include "kernels/cpu.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/threads.h"
#include "kernels/blas.h"
#include "kernels/cpu_features.h"
#include "kernels/gemm.h"
#include "kernels/gemm_bf16.h"
#include "kernels/lane_ops.h"

static char description[96] = "not prepared";

/* What --cpu and LACONIC_CPU may say, and which kernels that means. */
static const struct choice {
    const char *name, *lane_ops;
    const char *bf16[2];  /* the first that this CPU has */
    const char *openblas; /* its core type; NULL: any */
    bool (*has)(void);    /* NULL: every CPU */
} choices[] = {
    {"scalar", "scalar", {"scalar"}, NULL, NULL},
#if defined(__x86_64__)
    {"avx2", "avx2", {"avx2"}, "HASWELL", cpu_has_avx2},
    {"avx512", "avx512", {"avx512bf16", "avx512"}, "SKYLAKEX", cpu_has_avx512},
    {"amx", "avx512", {"amx"}, "SKYLAKEX", cpu_has_amx},
#elif defined(__aarch64__)
    {"neon", "scalar", {"scalar"}, NULL, cpu_has_arm_dot},
#endif
};
enum { CHOICES = sizeof choices / sizeof *choices };

static const struct choice *find_choice(const char *name) {
    for (int i = 0; i < CHOICES; i++)
        if (strcmp(choices[i].name, name) == 0)
            return &choices[i];
    return NULL;
}

static bool select_kernels(const struct choice *choice) {
    bool found = false;
    for (int i = 0; i < 2 && choice->bf16[i] && !found; i++)
        found = gemm_bf16_select(choice->bf16[i]);
    return found && lane_ops_select(choice->lane_ops);
}

static bool core_uses_avx512(const char *running) {
    return strcasecmp(running, "SkylakeX") == 0 || strcasecmp(running, "Cooperlake") == 0 ||
           strcasecmp(running, "SapphireRapids") == 0;
}

/* Whether OpenBLAS runs what the choice means; one not forced is content with more. */
static bool openblas_suits(const struct choice *choice, bool forced, const char *running) {
    if (!choice->openblas)
        return true;
    if (strcmp(choice->lane_ops, "avx512") == 0)
        return core_uses_avx512(running);
    return !forced || strcasecmp(running, choice->openblas) == 0;
}

static bool is_here(const struct choice *choice) {
    return !choice->has || choice->has();
}

static enum status fail_missing(const char *name) {
    char names[64] = "";
    size_t used = 0;
    for (int i = 0; i < CHOICES; i++)
        if (is_here(&choices[i]))
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
                                     choices[i].name);
    return fail(STATUS_USAGE, "this CPU does not have %s; it has %s, or leave the choice to laconic", name,
                names);
}

static enum status force(const char *name, const struct choice **choice) {
    *choice = find_choice(name);
    if (!*choice)
        return fail(STATUS_USAGE, "unknown CPU back end '%s': use " CPU_NAMES, name);
    if (!is_here(*choice) || !select_kernels(*choice))
        return fail_missing(name);
    if (strcmp(name, "scalar") == 0)
        gemm_select(GEMM_PORTABLE);
    return STATUS_OK;
}

static enum status choose(const char *name, const struct choice **choice, bool *forced) {
    *choice = find_choice(lane_ops->name); /* the best there is, chosen at start-up */
    if (!name)
        name = getenv("LACONIC_CPU");
    *forced = name && *name;
    return *forced ? force(name, choice) : STATUS_OK;
}

enum status cpu_choose(const char *name) {
    const struct choice *choice;
    bool forced;
    return choose(name, &choice, &forced);
}

enum status cpu_prepare(const char *name) {
    const struct choice *choice;
    bool forced;
    TRY(choose(name, &choice, &forced));
    TRY(blas_load(NULL, threads_count()));
    if (!openblas_suits(choice, forced,
                        blas_core())) /* a version that does not know it stays: slower, not wrong */
        TRY(blas_load(choice->openblas, threads_count()));
    snprintf(description, sizeof description, "%s (OpenBLAS %s, bf16 by %s)", lane_ops->name, blas_core(),
             gemm_bf16_selected());
    return STATUS_OK;
}

const char *cpu_description(void) {
    return description;
}
