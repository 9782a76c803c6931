/* What the files of liblaconic share; nothing of it is visible to programs. */
#ifndef LACONIC_LIBRARY_INTERNAL_H
#define LACONIC_LIBRARY_INTERNAL_H

#include <stdatomic.h>
#include "base/float_environment.h"
#include "base/status.h"
#include "codec/codec.h"
#include "library/laconic.h"
#include "store/model_file.h"

struct laconic_model {
    struct model_pair pair;
    struct codec *codec;
    uint8_t hash[MODEL_HASH_BYTES];
    atomic_bool busy; /* a call is at work with it */
};

laconic_status library_status(enum status status);

/* A pointer that must not be NULL; a buffer that may be, if it is empty. STATUS_USAGE. */
enum status library_check_pointer(const void *pointer, const char *name);
enum status library_check_buffer(const void *bytes, size_t size, const char *name);

/* A model admits one call at a time: STATUS_USAGE while another is at work. */
enum status library_enter(laconic_model *model);
void library_leave(laconic_model *model);

/* Callbacks behind a FILE, which is what the codec reads and writes. They run in the floating-point
 * environment of their program, and what they change in it lasts. */
struct callbacks {
    laconic_read *read;
    laconic_write *write;
    void *context;
    struct float_environment *callers;
};

/* NULL for a callback that is NULL. */
enum status library_open_streams(struct callbacks *from, struct callbacks *to, FILE **input, FILE **output);
/* `status`, or what closing met. */
enum status library_close_streams(FILE *input, FILE *output, enum status status);

/* Options as the codec has them; NULL: the defaults. */
enum status library_settings(const laconic_options *options, struct codec_settings *settings);
/* One stream through a model: compressed under the settings, or decompressed if they are NULL. */
enum status library_serve(laconic_model *model, const struct codec_settings *settings, struct callbacks *from,
                          struct callbacks *to);

#endif
