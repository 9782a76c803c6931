/* liblaconic: from one callback to another. */
#include "library/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

enum status library_open_streams(struct callbacks *from, struct callbacks *to, FILE **input, FILE **output) {
    *input = from->read ? fopencookie(from, "rb", (cookie_io_functions_t){.read = call_read}) : NULL;
    *output = to->write ? fopencookie(to, "wb", (cookie_io_functions_t){.write = call_write}) : NULL;
    if ((*input || !from->read) && (*output || !to->write))
        return STATUS_OK;
    return fail(STATUS_MEMORY, "no memory for a stream");
}

enum status library_close_streams(FILE *input, FILE *output, enum status status) {
    if (input)
        fclose(input);
    if (output && fclose(output) != 0 && status == STATUS_OK)
        status = fail(STATUS_IO, "cannot write: %s", strerror(errno));
    return status;
}

_Static_assert(sizeof(void *) != 8 || sizeof(laconic_options) == 64, "new options come out of `reserved`");

enum status library_settings(const laconic_options *options, struct codec_settings *settings) {
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
enum status library_serve(laconic_model *model, const struct codec_settings *settings, struct callbacks *from,
                          struct callbacks *to) {
    struct float_environment callers;
    FILE *input = NULL, *output = NULL;
    TRY(library_enter(model));
    float_environment_enter(&callers);
    from->callers = to->callers = &callers;
    enum status status = library_open_streams(from, to, &input, &output);
    if (status == STATUS_OK)
        status = settings ? codec_compress(model->codec, input, output, settings, NULL, NULL, NULL)
                          : codec_decompress(model->codec, input, output, NULL, NULL, NULL);
    status = library_close_streams(input, output, status);
    float_environment_leave(&callers);
    library_leave(model);
    return status;
}

laconic_status laconic_compress_stream(laconic_model *model, const laconic_options *options,
                                       laconic_read *read, void *read_context, laconic_write *write,
                                       void *write_context) {
    struct codec_settings settings;
    struct callbacks from = {.read = read, .context = read_context};
    struct callbacks to = {.write = write, .context = write_context};
    enum status status = read && write ? library_settings(options, &settings)
                                       : fail(STATUS_USAGE, "nothing to read from, or nothing to write to");
    return library_status(status == STATUS_OK ? library_serve(model, &settings, &from, &to) : status);
}

laconic_status laconic_decompress_stream(laconic_model *model, laconic_read *read, void *read_context,
                                         laconic_write *write, void *write_context) {
    struct callbacks from = {.read = read, .context = read_context};
    struct callbacks to = {.write = write, .context = write_context};
    enum status status = read ? STATUS_OK : fail(STATUS_USAGE, "nothing to read from");
    return library_status(status == STATUS_OK ? library_serve(model, NULL, &from, &to) : status);
}
