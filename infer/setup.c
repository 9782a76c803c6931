/* From options and environment to a machine and a model made ready. */
#include "setup.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/threads.h"
#include "codec/exact/loops.h"
#include "kernels/cpu.h"

static char **arguments; /* a copy that no parser has touched; NULL when memory ran out */

void setup_keep_arguments(int argc, char **argv) {
    arguments = calloc((size_t)argc + 1, sizeof *arguments);
    if (arguments)
        memcpy(arguments, argv, (size_t)argc * sizeof *arguments);
}

void setup_log(const struct setup *setup) {
    if (setup->quiet)
        log_set_level(LOG_WARNING);
    else if (setup->verbose)
        log_set_level(LOG_DETAIL);
}

enum status setup_machine(const struct setup *setup) {
    setup_log(setup);
    if (!arguments)
        return fail(STATUS_MEMORY, "no memory for the arguments");
    if (setup->threads < 0 || setup->threads > THREADS_MAXIMUM)
        return fail(STATUS_USAGE, "--threads takes 1 to %d, not %ld", THREADS_MAXIMUM, setup->threads);
    TRY(cpu_prepare(setup->cpu, arguments));
    exact_prepare(setup->cpu);
    return threads_start((int)setup->threads);
}

enum status setup_model(const struct setup *setup, struct model_pair *pair) {
    const char *path = setup->model ? setup->model : getenv("LACONIC_MODEL");
    if (!path || !*path)
        return fail(STATUS_USAGE,
                    "which model? Give -m MODEL.h5 or set LACONIC_MODEL; 'laconic train' makes one");
    TRY(setup_machine(setup));
    TRY(model_pair_load(path, pair));
    log_detail("model %s: %zu + %zu parameters, %s, exact arithmetic by %s", path,
               pair->compressor.weight_count, pair->decompressor.weight_count, cpu_description(),
               exact->name);
    return STATUS_OK;
}
