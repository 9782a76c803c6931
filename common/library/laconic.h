/* liblaconic: lossless compression with a trained pair of models.
 *
 *     laconic_model *model;
 *     if (laconic_open(&model, NULL, 0) != LACONIC_OK)           // NULL: the default model
 *         fprintf(stderr, "%s\n", laconic_error());
 *     size_t size = laconic_bound(length);                       // capacity of `archive`
 *     laconic_compress(model, NULL, text, length, archive, &size);
 *     ...
 *     laconic_close(model);
 *
 * Archives are those of the command: 'laconic decompress' reads what laconic_compress() wrote and the
 * other way round, on every machine, at any number of threads. Format: docs/format.md.
 *
 * Every function that can fail returns a status; laconic_error() then has a sentence for people. A pointer
 * that must not be NULL and is, a buffer no machine has, buffers that overlap: LACONIC_ARGUMENT.
 *
 * Threads. A model serves one call at a time; a second one while it is at work, from another thread or from
 * a callback, is refused with LACONIC_ARGUMENT. Several models may be used at once, and share the library's
 * worker threads, on which all signals are blocked.
 *
 * Callbacks run on the caller's thread and may use this library, with other models. They must return: no
 * longjmp, no exception through the library.
 *
 * fork(). A child may go on with inherited models, and close them; the library makes new worker threads
 * there when it needs them. Other threads may be inside the library meanwhile: fork() then waits for a model
 * that is being opened or closed, and for at most some milliseconds of work with one. A model that was at
 * work when another thread forked stays so in the child, where it can be neither used nor closed. After
 * vfork(), or clone() without fork's handlers, only exec() is safe.
 *
 * Floating point. Rounding modes, flush-to-zero and denormals-are-zero, traps: whatever the caller has set,
 * the result is the same, and so is the caller's environment afterwards, flags included. Callbacks run in
 * it.
 *
 * Signals. Nothing here prints, exits, installs a signal handler or starts another program. A handler must
 * not call the library. A call cannot be interrupted but by a callback that fails.
 *
 * Reading a model goes through HDF5: a program that calls HDF5 itself must not do so meanwhile, and finds
 * HDF5's own printing of errors turned off.
 */
#ifndef LACONIC_H
#define LACONIC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LACONIC_API __attribute__((visibility("default")))

#define LACONIC_VERSION_MAJOR 0
#define LACONIC_VERSION_MINOR 2
#define LACONIC_VERSION_PATCH 0
LACONIC_API const char *laconic_version(void); /* of the library: "0.2.0" */

/* ---- failures ---- */

typedef enum laconic_status {
    LACONIC_OK = 0,
    LACONIC_ARGUMENT = 1, /* an argument or an option makes no sense, the model is at work, or there is no
                             default model */
    LACONIC_IO = 2,       /* a file or a callback refused to be read or written */
    LACONIC_MEMORY = 3,
    LACONIC_CONFIG = 4,          /* this model cannot do what the options ask for */
    LACONIC_FORMAT = 5,          /* the archive or the model is damaged, cut off or something else */
    LACONIC_MISMATCH = 6,        /* the archive was written with another model */
    LACONIC_LIMIT = 7,           /* the output does not fit, or a size is beyond what is handled */
    LACONIC_ROOM = LACONIC_LIMIT /* as it was called before 0.2 */
} laconic_status;

/* The sentence of this thread's last failure, "" if there was none; valid until the next call of this
 * library. */
LACONIC_API const char *laconic_error(void);

/* ---- models ---- */

typedef struct laconic_model laconic_model;

enum { LACONIC_HASH_BYTES = 16 };

/* path NULL: the default model, which is the file LACONIC_MODEL of the environment, else default.h5 in the
 * models folder (LACONIC_MODELS, else PREFIX/share/laconic/models). threads: of the whole library, 1 to 64, 0
 * for all CPUs; the first opening decides while any model is open. On failure *model is NULL. */
LACONIC_API laconic_status laconic_open(laconic_model **model, const char *path, int threads);

/* The model that an archive, or its first 39 bytes, was written with: the default, or one of the models
 * folder. An archive that names none ('laconic compress -1') needs none: what opens decompresses such
 * archives, as every model does, and compresses at level 1; LACONIC_CONFIG else. Its hash is all zeros. */
LACONIC_API laconic_status laconic_open_for(laconic_model **model, const void *archive, size_t size,
                                            int threads);

/* NULL is fine. LACONIC_ARGUMENT: the model is at work, and stays open. */
LACONIC_API laconic_status laconic_close(laconic_model *model);

/* Calls that would need more memory than this, the model and the process included, are refused with
 * LACONIC_LIMIT and a sentence that says how much they need. 0: no limit. */
LACONIC_API laconic_status laconic_limit_memory(laconic_model *model, uint64_t bytes);

/* What archives call the model; as hexadecimal digits 'laconic inspect' shows it. */
LACONIC_API laconic_status laconic_hash(const laconic_model *model, uint8_t hash[LACONIC_HASH_BYTES]);

/* ---- buffers ---- */

typedef enum laconic_mode {
    LACONIC_AUTO = 0,  /* per block the smallest of what the level tries */
    LACONIC_IR = 1,    /* codes of the compressor wherever the decompressor rebuilds the text from them */
    LACONIC_LM = 2,    /* the decompressor as a language model */
    LACONIC_HYBRID = 3 /* codes, then the text under the decompressor given them */
} laconic_mode;

/* Zeros mean defaults; a NULL pointer to options means all defaults. */
typedef struct laconic_options {
    laconic_mode mode;
    int level;             /* 1 (fast, without the models) to 9 (tries most); 0: 3 */
    uint64_t content_size; /* of a stream, where it is known; 0: until its end */
    uint64_t restart; /* content bytes after which the models start anew, so that a piece can be decompressed
                         without what stands before; at least 4096; 0: never */
    const char *comment;  /* of 1 to LACONIC_COMMENT bytes, put behind the content; NULL: none */
    uint64_t reserved[4]; /* zero */
} laconic_options;

enum { LACONIC_COMMENT = 4096 };

/* The most bytes that `size` bytes can become; 0: too many to count. */
LACONIC_API size_t laconic_bound(size_t size);

/* *output_size: capacity of `output` in bytes before, bytes written after. LACONIC_LIMIT: it did not fit.
 * What stands in `output` after a failure is not to be trusted. The buffers must not overlap. A buffer of no
 * bytes may be NULL. */
LACONIC_API laconic_status laconic_compress(laconic_model *model, const laconic_options *options,
                                            const void *input, size_t size, void *output,
                                            size_t *output_size);
LACONIC_API laconic_status laconic_decompress(laconic_model *model, const void *archive, size_t size,
                                              void *output, size_t *output_size);

/* Content bytes begin to end - 1 alone (end UINT64_MAX: to the last). Only the blocks from the last new start
 * of the models before `begin` on are decoded (option restart). LACONIC_LIMIT: the range goes beyond the
 * content, or does not fit. */
LACONIC_API laconic_status laconic_decompress_range(laconic_model *model, const void *archive, size_t size,
                                                    uint64_t begin, uint64_t end, void *output,
                                                    size_t *output_size);

/* The comments of an archive, a line each, cut to fit, and a NUL; needs no model. */
LACONIC_API laconic_status laconic_comment(const void *archive, size_t size, char text[LACONIC_COMMENT + 1]);

/* Bytes that an archive decompresses to, by a walk over its blocks that checks their checksums; needs no
 * model.
 */
LACONIC_API laconic_status laconic_content_size(const void *archive, size_t size, uint64_t *content);

/* ---- streams ---- */

/* Up to `size` bytes into `bytes`; returns how many, 0 at the end, negative on failure. A callback
 * that sets errno when it fails finds the reason in laconic_error(). */
typedef ptrdiff_t laconic_read(void *context, void *bytes, size_t size);
/* Takes all `size` bytes and returns 0, or something else on failure. */
typedef int laconic_write(void *context, const void *bytes, size_t size);

/* From one callback to the other until the end of the input. Each compressed stream is a frame; frames may be
 * concatenated, and decompressing reads all of them. Memory does not grow with the stream. Output that was
 * written before a failure is not to be trusted; `write` NULL only tests an archive. The callbacks are called
 * on the caller's thread. */
LACONIC_API laconic_status laconic_compress_stream(laconic_model *model, const laconic_options *options,
                                                   laconic_read *read, void *read_context,
                                                   laconic_write *write, void *write_context);
LACONIC_API laconic_status laconic_decompress_stream(laconic_model *model, laconic_read *read,
                                                     void *read_context, laconic_write *write,
                                                     void *write_context);

#ifdef __cplusplus
}
#endif

#endif
