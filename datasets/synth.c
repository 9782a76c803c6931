/* The table of generators, and writing what they make. */
#include "synth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct synth_generator *const synth_generators[] = {
    &synth_service_logs,
    &synth_doubled,
    NULL,
};

const struct synth_generator *synth_find(const char *name) {
    for (int i = 0; synth_generators[i]; i++)
        if (strcmp(synth_generators[i]->name, name) == 0)
            return synth_generators[i];
    return NULL;
}

enum status synth_write(const struct synth_generator *generator, uint64_t seed, uint64_t bytes,
                        FILE *stream) {
    char record[SYNTH_RECORD_CAPACITY];
    void *state = calloc(1, generator->state_size);
    if (!state)
        return fail(STATUS_MEMORY, "no memory for generating %s", generator->name);
    generator->begin(state, seed);
    enum status status = STATUS_OK;
    while (bytes > 0 && status == STATUS_OK) {
        size_t size = generator->record(state, record);
        if (size > bytes)
            size = (size_t)bytes;
        if (fwrite(record, 1, size, stream) != size)
            status = fail(STATUS_IO, "cannot write the generated text: %s", strerror(errno));
        bytes -= size;
    }
    free(state);
    return status;
}
