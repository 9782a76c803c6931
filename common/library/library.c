/* liblaconic: models, and what every call of it looks at first.
 *
 * Whoever calls is not trusted: pointers are looked at first, a model admits one call at a time, and what
 * computes does so in our floating-point environment, callbacks of the caller in theirs.
 */
#include "library/internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/threads.h"
#include "codec/archive.h"
#include "codec/exact/ops.h"
#include "store/model_find.h"

_Static_assert((int)LACONIC_HASH_BYTES == (int)MODEL_HASH_BYTES, "one kind of hash");

const char *laconic_version(void) {
    return LACONIC_VERSION;
}

const char *laconic_error(void) {
    return fail_sentence();
}

laconic_status library_status(enum status status) {
    switch (status) {
    case STATUS_OK:
        return LACONIC_OK;
    case STATUS_USAGE:
        return LACONIC_ARGUMENT;
    case STATUS_IO:
    case STATUS_INTERRUPTED:
        return LACONIC_IO;
    case STATUS_MEMORY:
        return LACONIC_MEMORY;
    case STATUS_CONFIG:
        return LACONIC_CONFIG;
    case STATUS_FORMAT:
        return LACONIC_FORMAT;
    case STATUS_MISMATCH:
        return LACONIC_MISMATCH;
    case STATUS_LIMIT:
        return LACONIC_LIMIT;
    }
    return LACONIC_ARGUMENT;
}

/* ---- arguments and turns ---- */

enum status library_check_pointer(const void *pointer, const char *name) {
    return pointer ? STATUS_OK : fail(STATUS_USAGE, "%s is NULL", name);
}

enum status library_check_buffer(const void *bytes, size_t size, const char *name) {
    if (size > PTRDIFF_MAX)
        return fail(STATUS_USAGE, "no buffer has %zu bytes, as %s is said to have", size, name);
    return size > 0 ? library_check_pointer(bytes, name) : STATUS_OK;
}

enum status library_enter(laconic_model *model) {
    TRY(library_check_pointer(model, "the model"));
    if (atomic_exchange(&model->busy, true))
        return fail(STATUS_USAGE,
                    "the model is in use by another call: a model serves one at a time, so open "
                    "one for each thread, and another for a callback");
    return STATUS_OK;
}

void library_leave(laconic_model *model) {
    atomic_store(&model->busy, false);
}

/* ---- models ---- */

/* Guards HDF5, which is not for two threads at once, and the number of open models. */
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
static int open_models;

/* A fork waits for an opening under way. The pool's handlers come first, so that this lock is taken before
 * the pool's, as everywhere. */
static void before_fork(void) {
    pthread_mutex_lock(&opening);
}

static void after_fork(void) {
    pthread_mutex_unlock(&opening);
}

static void watch_forks(void) {
    threads_survive_fork();
    pthread_atfork(before_fork, after_fork, after_fork);
}

struct wanted {
    const char *path;    /* NULL: the default */
    const uint8_t *hash; /* NULL: whatever it is */
};

static enum status load_pair(const struct wanted *wanted, struct model_pair *pair) {
    char *path = NULL;
    if (wanted->path)
        return model_pair_load(wanted->path, pair);
    enum status status =
        wanted->hash ? model_load_by_hash(wanted->hash, pair, &path) : model_load_default(pair, &path);
    free(path);
    return status;
}

static enum status fill_model(struct laconic_model *model, const struct wanted *wanted, int threads) {
    if (open_models == 0) {
        exact_ops_prepare(NULL);
        TRY(threads_start(threads));
    }
    bool bare = wanted->hash && codec_is_bare(wanted->hash);
    enum status status = bare ? STATUS_OK : load_pair(wanted, &model->pair);
    if (status == STATUS_OK)
        status = codec_open(&model->codec, bare ? NULL : &model->pair);
    if (status == STATUS_OK && !bare)
        model_pair_hash(&model->pair, model->hash);
    else if (status != STATUS_OK && open_models == 0)
        threads_stop();
    return status;
}

static enum status open_model(laconic_model **out, const struct wanted *wanted, int threads) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct laconic_model *model = calloc(1, sizeof *model);
    if (!model)
        return fail(STATUS_MEMORY, "no memory for a model");
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&opening);
    enum status status = fill_model(model, wanted, threads);
    if (status == STATUS_OK)
        open_models++;
    pthread_mutex_unlock(&opening);
    if (status == STATUS_OK) {
        *out = model;
    } else {
        codec_close(model->codec);
        model_pair_free(&model->pair);
        free(model);
    }
    return status;
}

/* What every opening begins with. */
static enum status check_opening(laconic_model **model, int threads) {
    TRY(library_check_pointer(model, "the place for the model"));
    *model = NULL;
    return threads_check(threads);
}

laconic_status laconic_open(laconic_model **model, const char *path, int threads) {
    struct float_environment callers;
    float_environment_enter(&callers);
    enum status status = check_opening(model, threads);
    if (status == STATUS_OK)
        status = open_model(model, &(struct wanted){.path = path}, threads);
    float_environment_leave(&callers);
    return library_status(status);
}

/* What stands in the first frame's header. */
static enum status read_hash(const void *archive, size_t size, uint8_t hash[MODEL_HASH_BYTES]) {
    struct archive_reader reader;
    struct archive_header header;
    bool more;
    FILE *input = size ? fmemopen((void *)(uintptr_t)archive, size, "rb") : NULL;
    if (!input)
        return fail(STATUS_FORMAT, "this is not a laconic archive: it is empty");
    archive_reader_open(&reader, input);
    enum status status = archive_read_header(&reader, &header, &more);
    if (status == STATUS_OK)
        memcpy(hash, header.model_hash, MODEL_HASH_BYTES);
    archive_reader_close(&reader);
    fclose(input);
    return status;
}

laconic_status laconic_open_for(laconic_model **model, const void *archive, size_t size, int threads) {
    struct float_environment callers;
    uint8_t hash[MODEL_HASH_BYTES];
    float_environment_enter(&callers);
    enum status status = check_opening(model, threads);
    if (status == STATUS_OK)
        status = library_check_buffer(archive, size, "the archive");
    if (status == STATUS_OK)
        status = read_hash(archive, size, hash);
    if (status == STATUS_OK)
        status = open_model(model, &(struct wanted){.hash = hash}, threads);
    float_environment_leave(&callers);
    return library_status(status);
}

static void free_model(laconic_model *model) {
    struct float_environment callers;
    float_environment_enter(&callers);
    codec_close(model->codec);
    model_pair_free(&model->pair);
    free(model);
    pthread_mutex_lock(&opening);
    if (--open_models == 0)
        threads_stop();
    pthread_mutex_unlock(&opening);
    float_environment_leave(&callers);
}

laconic_status laconic_close(laconic_model *model) {
    if (!model)
        return LACONIC_OK;
    enum status status = library_enter(model);
    if (status == STATUS_OK)
        free_model(model);
    return library_status(status);
}

laconic_status laconic_limit_memory(laconic_model *model, uint64_t bytes) {
    enum status status = library_enter(model);
    if (status == STATUS_OK) {
        codec_set_memory_limit(model->codec, bytes);
        library_leave(model);
    }
    return library_status(status);
}

laconic_status laconic_hash(const laconic_model *model, uint8_t hash[LACONIC_HASH_BYTES]) {
    enum status status = library_check_pointer(hash, "the place for the hash");
    if (status == STATUS_OK)
        status = library_check_pointer(model, "the model");
    if (status == STATUS_OK)
        memcpy(hash, model->hash, MODEL_HASH_BYTES);
    return library_status(status);
}
