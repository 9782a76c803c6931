/* liblaconic over the codec: handles, streams of callbacks, buffers.
 *
 * Whoever calls is not trusted: pointers are looked at first, a model admits one call at a time, and what
 * computes does so in our floating-point environment, callbacks of the caller in theirs.
 */
#include "library/laconic.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/float_environment.h"
#include "base/status.h"
#include "base/threads.h"
#include "codec/archive.h"
#include "codec/codec.h"
#include "codec/exact/loops.h"
#include "store/model_find.h"

struct laconic_model {
    struct model_pair pair;
    struct codec *codec;
    uint8_t hash[MODEL_HASH_BYTES];
    atomic_bool busy; /* a call is at work with it */
};

_Static_assert((int)LACONIC_HASH_BYTES == (int)MODEL_HASH_BYTES, "one kind of hash");

const char *laconic_version(void) {
    return LACONIC_VERSION;
}

const char *laconic_error(void) {
    return fail_sentence();
}

static laconic_status public_status(enum status status) {
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
        return LACONIC_ROOM;
    }
    return LACONIC_ARGUMENT;
}

/* ---- arguments ---- */

static enum status check_pointer(const void *pointer, const char *name) {
    return pointer ? STATUS_OK : fail(STATUS_USAGE, "%s is NULL", name);
}

static enum status check_buffer(const void *bytes, size_t size, const char *name) {
    if (size > PTRDIFF_MAX)
        return fail(STATUS_USAGE, "no buffer has %zu bytes, as %s is said to have", size, name);
    return size > 0 ? check_pointer(bytes, name) : STATUS_OK;
}

/* From one buffer into another. *written becomes what has been written: nothing. */
static enum status check_buffers(const void *from, size_t size, const void *to, size_t *written,
                                 size_t *room) {
    TRY(check_pointer(written, "output_size"));
    *room = *written;
    *written = 0;
    TRY(check_buffer(from, size, "the input"));
    TRY(check_buffer(to, *room, "the output"));
    uintptr_t a = (uintptr_t)from, b = (uintptr_t)to;
    if (size > 0 && *room > 0 && (a < b ? b - a < size : a - b < *room))
        return fail(STATUS_USAGE, "input and output overlap");
    return STATUS_OK;
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

static enum status enter_model(laconic_model *model) {
    TRY(check_pointer(model, "the model"));
    if (atomic_exchange(&model->busy, true))
        return fail(STATUS_USAGE,
                    "the model is in use by another call: a model serves one at a time, so open "
                    "one for each thread, and another for a callback");
    return STATUS_OK;
}

static void leave_model(laconic_model *model) {
    atomic_store(&model->busy, false);
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
        exact_prepare(NULL);
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
    TRY(check_pointer(model, "the place for the model"));
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
    return public_status(status);
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
        status = check_buffer(archive, size, "the archive");
    if (status == STATUS_OK)
        status = read_hash(archive, size, hash);
    if (status == STATUS_OK)
        status = open_model(model, &(struct wanted){.hash = hash}, threads);
    float_environment_leave(&callers);
    return public_status(status);
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
    enum status status = enter_model(model);
    if (status == STATUS_OK)
        free_model(model);
    return public_status(status);
}

laconic_status laconic_limit_memory(laconic_model *model, uint64_t bytes) {
    enum status status = enter_model(model);
    if (status == STATUS_OK) {
        codec_set_memory_limit(model->codec, bytes);
        leave_model(model);
    }
    return public_status(status);
}

laconic_status laconic_hash(const laconic_model *model, uint8_t hash[LACONIC_HASH_BYTES]) {
    enum status status = check_pointer(hash, "the place for the hash");
    if (status == STATUS_OK)
        status = check_pointer(model, "the model");
    if (status == STATUS_OK)
        memcpy(hash, model->hash, MODEL_HASH_BYTES);
    return public_status(status);
}

/* ---- streams ---- */

/* Callbacks behind a FILE, which is what the codec reads and writes. They run in the floating-point
 * environment of their program, and what they change in it lasts. */
struct callbacks {
    laconic_read *read;
    laconic_write *write;
    void *context;
    struct float_environment *callers;
};

/* The reason in a sentence of ours is the callback's errno, if it set one. */
static void begin_callback(const struct callbacks *self) {
    errno = 0;
    float_environment_leave(self->callers);
}

static void end_callback(const struct callbacks *self, bool failed) {
    float_environment_enter(self->callers);
    if (failed && errno == 0)
        errno = EIO;
}

static ssize_t call_read(void *cookie, char *bytes, size_t size) {
    const struct callbacks *self = cookie;
    begin_callback(self);
    ptrdiff_t got = self->read(self->context, bytes, size);
    bool failed = got < 0 || (size_t)got > size;
    end_callback(self, failed);
    return failed ? -1 : (ssize_t)got;
}

static ssize_t call_write(void *cookie, const char *bytes, size_t size) {
    const struct callbacks *self = cookie;
    begin_callback(self);
    bool failed = self->write(self->context, bytes, size) != 0;
    end_callback(self, failed);
    return failed ? 0 : (ssize_t)size;
}

static enum status open_streams(struct callbacks *from, struct callbacks *to, FILE **input, FILE **output) {
    *input = fopencookie(from, "rb", (cookie_io_functions_t){.read = call_read});
    *output = to->write ? fopencookie(to, "wb", (cookie_io_functions_t){.write = call_write}) : NULL;
    if (*input && (*output || !to->write))
        return STATUS_OK;
    return fail(STATUS_MEMORY, "no memory for a stream");
}

static enum status close_streams(FILE *input, FILE *output, enum status status) {
    if (input)
        fclose(input);
    if (output && fclose(output) != 0 && status == STATUS_OK)
        status = fail(STATUS_IO, "the output was not taken");
    return status;
}

_Static_assert(sizeof(void *) != 8 || sizeof(laconic_options) == 64, "new options come out of `reserved`");

static enum status settings_of(const laconic_options *options, struct codec_settings *settings) {
    static const enum codec_mode modes[] = {[LACONIC_AUTO] = CODEC_AUTO,
                                            [LACONIC_IR] = CODEC_IR,
                                            [LACONIC_LM] = CODEC_LM,
                                            [LACONIC_HYBRID] = CODEC_HYBRID};
    static const laconic_options defaults;
    const laconic_options *o = options ? options : &defaults;
    for (size_t i = 0; i < sizeof o->reserved / sizeof *o->reserved; i++)
        if (o->reserved[i])
            return fail(STATUS_USAGE, "the options ask for what this version does not know: zero all fields");
    if ((unsigned)o->mode >= sizeof modes / sizeof *modes)
        return fail(STATUS_USAGE, "mode %d does not exist", (int)o->mode);
    if (o->level < 0 || o->level > CODEC_LEVEL_MAXIMUM)
        return fail(STATUS_USAGE, "level takes 1 to %d, or 0 for the default, not %d", CODEC_LEVEL_MAXIMUM,
                    o->level);
    *settings =
        (struct codec_settings){.mode = modes[o->mode],
                                .level = o->level ? o->level : CODEC_LEVEL_DEFAULT,
                                .content_size = o->content_size ? o->content_size : CODEC_SIZE_UNKNOWN,
                                .restart = o->restart,
                                .comment = o->comment};
    return STATUS_OK;
}

/* What a model is asked for: settings NULL: to decompress. */
static enum status serve(laconic_model *model, const struct codec_settings *settings, struct callbacks *from,
                         struct callbacks *to) {
    struct float_environment callers;
    FILE *input = NULL, *output = NULL;
    TRY(enter_model(model));
    float_environment_enter(&callers);
    from->callers = to->callers = &callers;
    enum status status = open_streams(from, to, &input, &output);
    if (status == STATUS_OK)
        status = settings ? codec_compress(model->codec, input, output, settings, NULL, NULL, NULL)
                          : codec_decompress(model->codec, input, output, NULL, NULL, NULL);
    status = close_streams(input, output, status);
    float_environment_leave(&callers);
    leave_model(model);
    return status;
}

laconic_status laconic_compress_stream(laconic_model *model, const laconic_options *options,
                                       laconic_read *read, void *read_context, laconic_write *write,
                                       void *write_context) {
    struct codec_settings settings;
    struct callbacks from = {.read = read, .context = read_context};
    struct callbacks to = {.write = write, .context = write_context};
    enum status status = read && write ? settings_of(options, &settings)
                                       : fail(STATUS_USAGE, "nothing to read from, or nothing to write to");
    return public_status(status == STATUS_OK ? serve(model, &settings, &from, &to) : status);
}

laconic_status laconic_decompress_stream(laconic_model *model, laconic_read *read, void *read_context,
                                         laconic_write *write, void *write_context) {
    struct callbacks from = {.read = read, .context = read_context};
    struct callbacks to = {.write = write, .context = write_context};
    enum status status = read ? STATUS_OK : fail(STATUS_USAGE, "nothing to read from");
    return public_status(status == STATUS_OK ? serve(model, NULL, &from, &to) : status);
}

/* ---- buffers ---- */

struct source {
    const uint8_t *next;
    size_t left;
};

struct sink {
    uint8_t *bytes;
    size_t size, room;
    bool full;
};

static ptrdiff_t read_source(void *context, void *bytes, size_t size) {
    struct source *source = context;
    size_t count = size < source->left ? size : source->left;
    if (count > 0)
        memcpy(bytes, source->next, count);
    source->next += count;
    source->left -= count;
    return (ptrdiff_t)count;
}

static int write_sink(void *context, const void *bytes, size_t size) {
    struct sink *sink = context;
    if (size > sink->room - sink->size) {
        sink->full = true;
        return 1;
    }
    memcpy(sink->bytes + sink->size, bytes, size);
    sink->size += size;
    return 0;
}

static laconic_status finish(enum status status, const struct sink *sink, size_t *output_size) {
    if (output_size)
        *output_size = sink->size;
    if (status != STATUS_OK && sink->full)
        status = fail(STATUS_LIMIT, "the output does not fit into %zu bytes", sink->room);
    return public_status(status);
}

/* Growth is at most 58 bytes and 11 for each block of at least 252 KiB (docs/format.md); this leaves a
 * margin. */
size_t laconic_bound(size_t size) {
    size_t bound;
    return __builtin_add_overflow(size, size / 8192 + 256, &bound) ? 0 : bound;
}

laconic_status laconic_compress(laconic_model *model, const laconic_options *options, const void *input,
                                size_t size, void *output, size_t *output_size) {
    struct source source = {input, size};
    struct sink sink = {.bytes = output};
    struct callbacks from = {.read = read_source, .context = &source};
    struct callbacks to = {.write = write_sink, .context = &sink};
    struct codec_settings settings;
    enum status status = check_buffers(input, size, output, output_size, &sink.room);
    if (status == STATUS_OK)
        status = settings_of(options, &settings);
    if (status == STATUS_OK) {
        settings.content_size = size;
        status = serve(model, &settings, &from, &to);
    }
    return finish(status, &sink, output_size);
}

laconic_status laconic_decompress(laconic_model *model, const void *archive, size_t size, void *output,
                                  size_t *output_size) {
    struct source source = {archive, size};
    struct sink sink = {.bytes = output};
    struct callbacks from = {.read = read_source, .context = &source};
    struct callbacks to = {.write = write_sink, .context = &sink};
    enum status status = check_buffers(archive, size, output, output_size, &sink.room);
    if (status == STATUS_OK)
        status = serve(model, NULL, &from, &to);
    return finish(status, &sink, output_size);
}

/* An archive in memory, which can be sought; the piece goes to the sink. */
static enum status extract(laconic_model *model, const void *archive, size_t size, uint64_t begin,
                           uint64_t end, struct sink *sink) {
    struct float_environment callers;
    struct callbacks to = {.write = write_sink, .context = sink, .callers = &callers};
    TRY(enter_model(model));
    float_environment_enter(&callers);
    FILE *input = size ? fmemopen((void *)(uintptr_t)archive, size, "rb") : fopen("/dev/null", "rb");
    FILE *output = fopencookie(&to, "wb", (cookie_io_functions_t){.write = call_write});
    enum status status =
        input && output ? codec_decompress_range(model->codec, input, output, begin, end, NULL, NULL, NULL)
                        : fail(STATUS_MEMORY, "no memory for a stream");
    status = close_streams(input, output, status);
    float_environment_leave(&callers);
    leave_model(model);
    return status;
}

laconic_status laconic_decompress_range(laconic_model *model, const void *archive, size_t size,
                                        uint64_t begin, uint64_t end, void *output, size_t *output_size) {
    struct sink sink = {.bytes = output};
    enum status status = check_buffers(archive, size, output, output_size, &sink.room);
    if (status == STATUS_OK && begin > end)
        status = fail(STATUS_USAGE, "the range ends before it begins");
    if (status == STATUS_OK)
        status = extract(model, archive, size, begin, end, &sink);
    return finish(status, &sink, output_size);
}

static enum status list(const void *archive, size_t size, struct codec_listing *listing) {
    struct float_environment callers;
    struct source source = {archive, size};
    struct callbacks from = {.read = read_source, .context = &source, .callers = &callers}, to = {0};
    FILE *input = NULL, *output = NULL;
    float_environment_enter(&callers);
    enum status status = open_streams(&from, &to, &input, &output);
    if (status == STATUS_OK)
        status = codec_list(input, listing);
    status = close_streams(input, output, status);
    float_environment_leave(&callers);
    return status;
}

laconic_status laconic_content_size(const void *archive, size_t size, uint64_t *content) {
    struct codec_listing listing = {0};
    enum status status = check_pointer(content, "the place for the size");
    if (status == STATUS_OK)
        status = check_buffer(archive, size, "the archive");
    if (status == STATUS_OK)
        status = list(archive, size, &listing);
    if (content)
        *content = listing.content_bytes;
    return public_status(status);
}

laconic_status laconic_comment(const void *archive, size_t size, char text[LACONIC_COMMENT + 1]) {
    struct codec_listing listing = {0};
    enum status status = check_pointer(text, "the place for the comment");
    if (status == STATUS_OK)
        status = check_buffer(archive, size, "the archive");
    if (status == STATUS_OK)
        status = list(archive, size, &listing);
    if (text)
        memcpy(text, listing.comment, sizeof listing.comment);
    return public_status(status);
}

_Static_assert(sizeof((struct codec_listing *)0)->comment == LACONIC_COMMENT + 1, "a comment fits");
