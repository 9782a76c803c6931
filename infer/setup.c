/* From options and environment to a machine and a model made ready. */
#include "setup.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/threads.h"
#include "codec/exact/loops.h"
#include "codec/note.h"
#include "kernels/cpu.h"
#include "store/model_find.h"

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

static void describe(const char *path, const struct model_pair *pair) {
    log_detail("model %s: %zu + %zu parameters, %s, exact arithmetic by %s", path,
               pair->compressor.weight_count, pair->decompressor.weight_count, cpu_description(),
               exact->name);
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

/* The hash stands in the frame's header behind magic, version, flags, mode and chunking. */
enum { HASH_AT = 10, HEAD_BYTES = HASH_AT + MODEL_HASH_BYTES };

/* Puts bytes back where a stream cannot go back. C promises to take one; glibc takes all. */
static enum status put_back(FILE *input, const uint8_t *bytes, size_t size) {
    for (size_t i = size; i-- > 0;)
        if (ungetc(bytes[i], input) == EOF)
            return fail(STATUS_IO, "cannot look ahead in the input for the model's name; name the model with "
                                   "-m MODEL.h5");
    return STATUS_OK;
}

/* The first bytes of the first frame that is no note, as far as there are any. */
static size_t read_head(FILE *input, uint8_t head[HEAD_BYTES]) {
    for (;;) {
        size_t size = fread(head, 1, NOTE_HEAD, input);
        if (size < NOTE_HEAD || !note_is_magic(head, size))
            return size < NOTE_HEAD ? size : size + fread(head + size, 1, HEAD_BYTES - size, input);
        uint32_t left = head[4] | head[5] << 8 | head[6] << 16 | (uint32_t)head[7] << 24;
        while (left > 0 && getc(input) != EOF)
            left--;
    }
}

/* Reads ahead and goes back; a pipe loses the notes in front, which its reader would only pass over. */
enum status setup_model_of(FILE *input, uint8_t hash[MODEL_HASH_BYTES], bool *known) {
    static const uint8_t magic[] = {'L', 'C', 'N', 0x1A};
    uint8_t head[HEAD_BYTES];
    off_t begin = ftello(input);
    size_t size = read_head(input, head);

    clearerr(input); /* what is wrong with the stream, its reader will find again */
    if (begin < 0 || fseeko(input, begin, SEEK_SET) != 0)
        TRY(put_back(input, head, size));
    *known = size == HEAD_BYTES && memcmp(head, magic, sizeof magic) == 0;
    if (*known)
        memcpy(hash, head + HASH_AT, MODEL_HASH_BYTES);
    return STATUS_OK;
}

enum status setup_model_by_hash(const uint8_t hash[MODEL_HASH_BYTES], struct model_pair *pair) {
    char *path = NULL;

    TRY(model_load_by_hash(hash, pair, &path));
    describe(path, pair);
    free(path);
    return STATUS_OK;
}
