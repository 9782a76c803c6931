/* Detects the CPU and makes OpenBLAS agree with what is found. */
#include "kernels/cpu.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/threads.h"
#include "kernels/blas.h"
#include "kernels/gemm.h"
#include "kernels/gemm_bf16.h"
#include "kernels/lanes.h"

static char description[96] = "not prepared";

/* What --cpu and LACONIC_CPU may say, and which kernels that means. */
static const struct choice {
    const char *name, *lanes;
    const char *bf16[2];  /* the first that this CPU has */
    const char *openblas; /* its core type; NULL: any */
} choices[] = {
    {"scalar", "scalar", {"scalar"}, NULL},
    {"avx2", "avx2", {"avx2"}, "HASWELL"},
    {"avx512", "avx512", {"avx512bf16", "avx512"}, "SKYLAKEX"},
    {"amx", "avx512", {"amx"}, "SKYLAKEX"},
};

static const struct choice *find_choice(const char *name) {
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (strcmp(choices[i].name, name) == 0)
            return &choices[i];
    return NULL;
}

static bool select_kernels(const struct choice *choice) {
    bool found = false;
    for (int i = 0; i < 2 && choice->bf16[i] && !found; i++)
        found = gemm_bf16_select(choice->bf16[i]);
    return found && lanes_select(choice->lanes);
}

static bool core_uses_avx512(const char *running) {
    return strcasecmp(running, "SkylakeX") == 0 || strcasecmp(running, "Cooperlake") == 0 ||
           strcasecmp(running, "SapphireRapids") == 0;
}

/* Whether OpenBLAS runs what the choice means; one not forced is content with more. */
static bool openblas_suits(const struct choice *choice, bool forced, const char *running) {
    if (!choice->openblas)
        return true;
    if (strcmp(choice->lanes, "avx512") == 0)
        return core_uses_avx512(running);
    return !forced || strcasecmp(running, choice->openblas) == 0;
}

static enum status force(const char *name, const struct choice **choice) {
    *choice = find_choice(name);
    if (!*choice)
        return fail(STATUS_USAGE, "unknown CPU back end '%s': use scalar, avx2, avx512 or amx", name);
    if (!select_kernels(*choice))
        return fail(STATUS_USAGE,
                    "this CPU does not have %s: use another back end or leave the choice to laconic", name);
    if (strcmp(name, "scalar") == 0)
        gemm_select(GEMM_PORTABLE);
    return STATUS_OK;
}

static enum status choose(const char *name, const struct choice **choice, bool *forced) {
    *choice = find_choice(lanes->name); /* the best there is, chosen at start-up */
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
    snprintf(description, sizeof description, "%s (OpenBLAS %s, bf16 by %s)", lanes->name, blas_core(),
             gemm_bf16_selected());
    return STATUS_OK;
}

const char *cpu_description(void) {
    return description;
}
