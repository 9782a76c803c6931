/* What the tests of liblaconic share: a text, its archive, a stream that looks at the floating-point
 * environment of its callbacks, and a thread that compresses until it is told to stop. */
#ifndef LACONIC_TESTS_LIBRARY_WORLD_H
#define LACONIC_TESTS_LIBRARY_WORLD_H

#include <criterion/criterion.h>
#include <fenv.h>
#include <laconic.h>
#include <stdbool.h>
#include <string.h>

static const char model_path[] = TESTS_FOLDER "/formats/v1/model.h5";

enum { SIZE = 700, CAPACITY = 2048 };
static char text[SIZE];

struct archive {
    char bytes[CAPACITY];
    size_t size;
};

static inline void fill_text(void) {
    static const char words[] = "the cat sat on the mat and the dog sat on the log ";
    for (size_t i = 0; i < SIZE; i++)
        text[i] = i % 90 == 7 ? (char)(i * 37) : words[i % (sizeof words - 1)];
}

static inline laconic_model *open_one(int threads) {
    laconic_model *model;
    fill_text();
    cr_assert_eq(laconic_open(&model, model_path, threads), LACONIC_OK, "%s", laconic_error());
    return model;
}

static const laconic_options thorough = {.mode = LACONIC_AUTO, .level = 9};

static inline laconic_status compress(laconic_model *model, const laconic_options *options,
                                      struct archive *archive) {
    archive->size = sizeof archive->bytes;
    return laconic_compress(model, options, text, SIZE, archive->bytes, &archive->size);
}

static inline bool is_same(const struct archive *a, const struct archive *b) {
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static inline bool comes_back(laconic_model *model, const struct archive *archive) {
    char back[SIZE];
    size_t size = sizeof back;
    return laconic_decompress(model, archive->bytes, archive->size, back, &size) == LACONIC_OK &&
           size == SIZE && memcmp(back, text, SIZE) == 0;
}

/* ---- a stream ---- */

/* What a program sees of its environment. */
struct seen {
    uint64_t control, status, sse;
};

static inline struct seen look(void) {
    struct seen seen = {0};
#if defined(__x86_64__)
    uint32_t x87[7], mxcsr;
    __asm__ volatile("fnstenv %0\n\tfldenv %0\n\tstmxcsr %1" : "+m"(x87), "=m"(mxcsr));
    seen = (struct seen){x87[0] & 0xFFFF, x87[1] & 0xFFFF, mxcsr};
#elif defined(__aarch64__)
    __asm__ volatile("mrs %0, fpcr\n\tmrs %1, fpsr" : "=r"(seen.control), "=r"(seen.status));
#else
    seen.control = (uint64_t)fegetround();
#endif
    return seen;
}

struct stream {
    laconic_model *model; /* of the stream */
    void (*inside)(struct stream *stream);
    struct seen wanted;
    size_t at, calls, wrong;
    struct archive archive;
};

static inline ptrdiff_t read_text(void *context, void *bytes, size_t size) {
    struct stream *stream = context;
    struct seen now = look();
    size_t count = size < SIZE - stream->at ? size : SIZE - stream->at;
    stream->wrong += memcmp(&now, &stream->wanted, sizeof now) != 0;
    if (stream->inside && stream->calls == 0)
        stream->inside(stream);
    stream->calls++;
    memcpy(bytes, text + stream->at, count);
    stream->at += count;
    return (ptrdiff_t)count;
}

static inline int write_archive(void *context, const void *bytes, size_t size) {
    struct stream *stream = context;
    struct seen now = look();
    stream->calls++;
    stream->wrong += memcmp(&now, &stream->wanted, sizeof now) != 0;
    if (size > CAPACITY - stream->archive.size)
        return 1;
    memcpy(stream->archive.bytes + stream->archive.size, bytes, size);
    stream->archive.size += size;
    return 0;
}

static inline laconic_status run_stream(struct stream *stream) {
    return laconic_compress_stream(stream->model, &thorough, read_text, stream, write_archive, stream);
}

/* ---- a thread ---- */

struct worker {
    laconic_model *model;
    struct archive wanted;
    _Atomic bool stop;
    bool failed;
    int rounds;
};

static inline void *work(void *context) {
    struct worker *worker = context;
    struct archive archive;
    while (!worker->stop && !worker->failed) {
        worker->failed =
            compress(worker->model, &thorough, &archive) != LACONIC_OK || !is_same(&archive, &worker->wanted);
        worker->rounds++;
    }
    return NULL;
}

#endif
