/* Detects the CPU and makes OpenBLAS agree with what is found. */
#include "kernels/cpu.h"
#include <cblas.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "kernels/gemm.h"
#include "kernels/lanes.h"

static char description[96] = "not prepared";

/* The OpenBLAS kernels that use what `name` stands for. */
static const char *core_for(const char *name) {
    return strcmp(name, "avx512") == 0 ? "SKYLAKEX" : strcmp(name, "avx2") == 0 ? "HASWELL" : NULL;
}

static bool core_uses_avx512(const char *running) {
    return strcasecmp(running, "SkylakeX") == 0 || strcasecmp(running, "Cooperlake") == 0 ||
           strcasecmp(running, "SapphireRapids") == 0;
}

enum status cpu_prepare(const char *choice, char **argv) {
    if (!choice)
        choice = getenv("LACONIC_CPU");
    bool forced = choice && *choice;
    if (forced && strcmp(choice, "scalar") != 0 && strcmp(choice, "avx2") != 0 &&
        strcmp(choice, "avx512") != 0)
        return fail(STATUS_USAGE, "unknown CPU back end '%s': use scalar, avx2 or avx512", choice);
    if (forced && !lanes_select(choice))
        return fail(STATUS_USAGE,
                    "this CPU does not have %s: use another back end or leave the choice to laconic", choice);
    choice = lanes->name;
    if (forced && strcmp(choice, "scalar") == 0)
        gemm_select(GEMM_PORTABLE);

    const char *wanted = core_for(choice), *running = openblas_get_corename();
    bool suits = !wanted || (strcmp(choice, "avx512") == 0 ? core_uses_avx512(running)
                                                           : !forced || strcasecmp(running, wanted) == 0);
    const char *inherited = getenv("OPENBLAS_CORETYPE");
    if (!suits && !(inherited && strcmp(inherited, wanted) == 0)) {
        setenv("OPENBLAS_CORETYPE", wanted, 1);
        execv("/proc/self/exe", argv); /* comes back only if it failed: slower, not wrong */
    }
    snprintf(description, sizeof description, "%s (OpenBLAS %s)", choice, running);
    return STATUS_OK;
}

const char *cpu_description(void) {
    return description;
}
