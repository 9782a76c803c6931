/* liblaconic over the codec: handles, streams of callbacks, buffers. */
#include "library/laconic.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* ---- models ---- */

/* Guards HDF5, which is not for two threads at once, and the number of open models. */
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
static int open_models;

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

static laconic_status open_model(laconic_model **out, const struct wanted *wanted, int threads) {
    struct laconic_model *model = calloc(1, sizeof *model);
    *out = NULL;
    if (!model)
        return public_status(fail(STATUS_MEMORY, "no memory for a model"));
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
    return public_status(status);
}

laconic_status laconic_open(laconic_model **model, const char *path, int threads) {
    return open_model(model, &(struct wanted){.path = path}, threads);
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
    uint8_t hash[MODEL_HASH_BYTES];
    *model = NULL;
    enum status status = read_hash(archive, size, hash);
    return status == STATUS_OK ? open_model(model, &(struct wanted){.hash = hash}, threads)
                               : public_status(status);
}

void laconic_close(laconic_model *model) {
    if (!model)
        return;
    codec_close(model->codec);
    model_pair_free(&model->pair);
    free(model);
    pthread_mutex_lock(&opening);
    if (--open_models == 0)
        threads_stop();
    pthread_mutex_unlock(&opening);
}

void laconic_hash(const laconic_model *model, uint8_t hash[LACONIC_HASH_BYTES]) {
    memcpy(hash, model->hash, MODEL_HASH_BYTES);
}

/* ---- streams ---- */

/* Callbacks behind a FILE, which is what the codec reads and writes. */
struct callbacks {
    laconic_read *read;
    laconic_write *write;
    void *context;
};

static ssize_t call_read(void *cookie, char *bytes, size_t size) {
    const struct callbacks *self = cookie;
    ptrdiff_t got = self->read(self->context, bytes, size);
    return got < 0 || (size_t)got > size ? -1 : (ssize_t)got;
}

static ssize_t call_write(void *cookie, const char *bytes, size_t size) {
    const struct callbacks *self = cookie;
    return self->write(self->context, bytes, size) == 0 ? (ssize_t)size : 0; /* 0: failed */
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

static enum status settings_of(const laconic_options *options, struct codec_settings *settings) {
    static const enum codec_mode modes[] = {[LACONIC_AUTO] = CODEC_AUTO,
                                            [LACONIC_IR] = CODEC_IR,
                                            [LACONIC_LM] = CODEC_LM,
                                            [LACONIC_HYBRID] = CODEC_HYBRID};
    static const laconic_options defaults;
    const laconic_options *o = options ? options : &defaults;
    if ((unsigned)o->mode >= sizeof modes / sizeof *modes)
        return fail(STATUS_USAGE, "mode %d does not exist", (int)o->mode);
    if (o->level < 0 || o->level > CODEC_LEVEL_MAXIMUM)
        return fail(STATUS_USAGE, "level takes 1 to %d, or 0 for the default, not %d", CODEC_LEVEL_MAXIMUM,
                    o->level);
    *settings =
        (struct codec_settings){.mode = modes[o->mode],
                                .level = o->level ? o->level : CODEC_LEVEL_DEFAULT,
                                .content_size = o->content_size ? o->content_size : CODEC_SIZE_UNKNOWN};
    return STATUS_OK;
}

static enum status compress(laconic_model *model, const struct codec_settings *settings,
                            struct callbacks *from, struct callbacks *to) {
    FILE *input = NULL, *output = NULL;
    enum status status = open_streams(from, to, &input, &output);
    if (status == STATUS_OK)
        status = codec_compress(model->codec, input, output, settings, NULL, NULL, NULL);
    return close_streams(input, output, status);
}

static enum status decompress(laconic_model *model, struct callbacks *from, struct callbacks *to) {
    FILE *input = NULL, *output = NULL;
    enum status status = open_streams(from, to, &input, &output);
    if (status == STATUS_OK)
        status = codec_decompress(model->codec, input, output, NULL, NULL, NULL);
    return close_streams(input, output, status);
}

laconic_status laconic_compress_stream(laconic_model *model, const laconic_options *options,
                                       laconic_read *read, void *read_context, laconic_write *write,
                                       void *write_context) {
    struct codec_settings settings;
    struct callbacks from = {.read = read, .context = read_context};
    struct callbacks to = {.write = write, .context = write_context};
    enum status status = write ? settings_of(options, &settings) : fail(STATUS_USAGE, "nothing to write to");
    return public_status(status == STATUS_OK ? compress(model, &settings, &from, &to) : status);
}

laconic_status laconic_decompress_stream(laconic_model *model, laconic_read *read, void *read_context,
                                         laconic_write *write, void *write_context) {
    struct callbacks from = {.read = read, .context = read_context};
    struct callbacks to = {.write = write, .context = write_context};
    return public_status(decompress(model, &from, &to));
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
    struct sink sink = {.bytes = output, .room = *output_size};
    struct callbacks from = {.read = read_source, .context = &source};
    struct callbacks to = {.write = write_sink, .context = &sink};
    struct codec_settings settings;
    enum status status = settings_of(options, &settings);
    if (status == STATUS_OK) {
        settings.content_size = size;
        status = compress(model, &settings, &from, &to);
    }
    return finish(status, &sink, output_size);
}

laconic_status laconic_decompress(laconic_model *model, const void *archive, size_t size, void *output,
                                  size_t *output_size) {
    struct source source = {archive, size};
    struct sink sink = {.bytes = output, .room = *output_size};
    struct callbacks from = {.read = read_source, .context = &source};
    struct callbacks to = {.write = write_sink, .context = &sink};
    return finish(decompress(model, &from, &to), &sink, output_size);
}

laconic_status laconic_content_size(const void *archive, size_t size, uint64_t *content) {
    struct source source = {archive, size};
    struct callbacks from = {.read = read_source, .context = &source}, to = {0};
    struct codec_listing listing = {0};
    FILE *input = NULL, *output = NULL;
    enum status status = open_streams(&from, &to, &input, &output);
    if (status == STATUS_OK)
        status = codec_list(input, &listing);
    *content = listing.content_bytes;
    return public_status(close_streams(input, output, status));
}
