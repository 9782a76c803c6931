/* liblaconic: from one buffer to another, and what an archive in memory says of itself. */
#include "library/internal.h"

#include <stdio.h>
#include <string.h>

/* From one buffer into another. *written becomes what has been written: nothing. */
static enum status check_buffers(const void *from, size_t size, const void *to, size_t *written,
                                 size_t *capacity) {
    TRY(library_check_pointer(written, "output_size"));
    *capacity = *written;
    *written = 0;
    TRY(library_check_buffer(from, size, "the input"));
    TRY(library_check_buffer(to, *capacity, "the output"));
    uintptr_t a = (uintptr_t)from, b = (uintptr_t)to;
    if (size > 0 && *capacity > 0 && (a < b ? b - a < size : a - b < *capacity))
        return fail(STATUS_USAGE, "input and output overlap");
    return STATUS_OK;
}

struct source {
    const uint8_t *next;
    size_t left;
};

struct sink {
    uint8_t *bytes;
    size_t size, capacity;
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
    if (size > sink->capacity - sink->size) {
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
        status = fail(STATUS_LIMIT, "the output does not fit into %zu bytes", sink->capacity);
    return library_status(status);
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
    enum status status = check_buffers(input, size, output, output_size, &sink.capacity);
    if (status == STATUS_OK)
        status = library_settings(options, &settings);
    if (status == STATUS_OK) {
        settings.content_size = size;
        status = library_serve(model, &settings, &from, &to);
    }
    return finish(status, &sink, output_size);
}

laconic_status laconic_decompress(laconic_model *model, const void *archive, size_t size, void *output,
                                  size_t *output_size) {
    struct source source = {archive, size};
    struct sink sink = {.bytes = output};
    struct callbacks from = {.read = read_source, .context = &source};
    struct callbacks to = {.write = write_sink, .context = &sink};
    enum status status = check_buffers(archive, size, output, output_size, &sink.capacity);
    if (status == STATUS_OK)
        status = library_serve(model, NULL, &from, &to);
    return finish(status, &sink, output_size);
}

/* An archive in memory, which can be sought; the piece goes to the sink. */
static enum status extract(laconic_model *model, const void *archive, size_t size, uint64_t begin,
                           uint64_t end, struct sink *sink) {
    struct float_environment callers;
    struct callbacks to = {.write = write_sink, .context = sink, .callers = &callers};
    TRY(library_enter(model));
    float_environment_enter(&callers);
    FILE *input = NULL, *output = NULL;
    enum status status = library_open_streams(&(struct callbacks){0}, &to, &input, &output);
    if (status == STATUS_OK)
        input = size ? fmemopen((void *)(uintptr_t)archive, size, "rb") : fopen("/dev/null", "rb");
    if (status == STATUS_OK && !input)
        status = fail(STATUS_MEMORY, "no memory for a stream");
    if (status == STATUS_OK)
        status = codec_decompress_range(model->codec, input, output, begin, end, NULL, NULL, NULL);
    status = library_close_streams(input, output, status);
    float_environment_leave(&callers);
    library_leave(model);
    return status;
}

laconic_status laconic_decompress_range(laconic_model *model, const void *archive, size_t size,
                                        uint64_t begin, uint64_t end, void *output, size_t *output_size) {
    struct sink sink = {.bytes = output};
    enum status status = check_buffers(archive, size, output, output_size, &sink.capacity);
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
    enum status status = library_open_streams(&from, &to, &input, &output);
    if (status == STATUS_OK)
        status = codec_list(input, listing);
    status = library_close_streams(input, output, status);
    float_environment_leave(&callers);
    return status;
}

laconic_status laconic_content_size(const void *archive, size_t size, uint64_t *content) {
    struct codec_listing listing = {0};
    enum status status = library_check_pointer(content, "the place for the size");
    if (status == STATUS_OK)
        status = library_check_buffer(archive, size, "the archive");
    if (status == STATUS_OK)
        status = list(archive, size, &listing);
    if (content)
        *content = listing.content_bytes;
    return library_status(status);
}

laconic_status laconic_comment(const void *archive, size_t size, char text[LACONIC_COMMENT + 1]) {
    struct codec_listing listing = {0};
    enum status status = library_check_pointer(text, "the place for the comment");
    if (status == STATUS_OK)
        status = library_check_buffer(archive, size, "the archive");
    if (status == STATUS_OK)
        status = list(archive, size, &listing);
    if (text)
        memcpy(text, listing.comment, sizeof listing.comment);
    return library_status(status);
}

_Static_assert(sizeof((struct codec_listing *)0)->comment == LACONIC_COMMENT + 1, "a comment fits");
