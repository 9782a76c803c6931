/* From options and environment to a machine and a model made ready. */
#include "setup.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/threads.h"
#include "codec/exact/ops.h"
#include "kernels/cpu.h"
#include "store/model_find.h"

void setup_log(const struct setup *setup) {
    if (setup->quiet)
        log_set_level(LOG_WARNING);
    else if (setup->verbose)
        log_set_level(LOG_DETAIL);
}

enum status setup_machine(const struct setup *setup) {
    setup_log(setup);
    if (setup->threads < 0 || setup->threads > THREADS_MAXIMUM)
        return fail(STATUS_USAGE, "--threads takes 1 to %d, not %ld", THREADS_MAXIMUM, setup->threads);
    TRY(cpu_choose(setup->cpu));
    exact_ops_prepare(setup->cpu);
    return threads_start((int)setup->threads);
}

static void describe(const char *path, const struct model_pair *pair) {
    log_detail("model %s: %zu + %zu parameters, exact arithmetic by %s", path, pair->compressor.weight_count,
               pair->decompressor.weight_count, exact_ops->name);
}

static enum status load_given(const char *model, struct model_pair *pair, char **path) {
    TRY(model_pair_load(model, pair));
    *path = strdup(model);
    if (*path)
        return STATUS_OK;
    model_pair_free(pair);
    return fail(STATUS_MEMORY, "no memory for the path of a model");
}

enum status setup_model_file(const struct setup *setup, struct model_pair *pair, char **path) {
    *path = NULL;
    TRY(setup_machine(setup));
    TRY(setup->model ? load_given(setup->model, pair, path) : model_load_default(pair, path));
    describe(*path, pair);
    return STATUS_OK;
}

enum status setup_model(const struct setup *setup, struct model_pair *pair) {
    char *path = NULL;
    enum status status = setup_model_file(setup, pair, &path);
    free(path);
    return status;
}

enum status setup_model_by_hash(const uint8_t hash[MODEL_HASH_BYTES], struct model_pair *pair) {
    char *path = NULL;

    TRY(model_load_by_hash(hash, pair, &path));
    describe(path, pair);
    free(path);
    return STATUS_OK;
}
