/* liblaconic's calls: streams, pieces, comments, limits on memory, arguments that make no sense. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "library_world.h"

TestSuite(library, .timeout = 240);

/* ---- callbacks that fail, and what is known of a stream ---- */

static ptrdiff_t read_wrong(void *context, void *bytes, size_t size) {
    (void)bytes;
    return *(const int *)context < 0 ? -1 : (ptrdiff_t)size + 1;
}

static int write_wrong(void *context, const void *bytes, size_t size) {
    (void)bytes;
    (void)size;
    errno = *(const int *)context;
    return 1;
}

Test(library, callbacks_may_fail) {
    laconic_model *model = open_one(1);
    int less = -1, more = 1, full = ENOSPC, silent = 0;
    struct stream stream = {.model = model, .wanted = look()};
    errno = ENOTTY; /* of something else, long ago */
    cr_assert_eq(laconic_compress_stream(model, NULL, read_wrong, &less, write_archive, &stream), LACONIC_IO);
    cr_assert(strstr(laconic_error(), strerror(EIO)), "%s", laconic_error());
    cr_assert_eq(laconic_compress_stream(model, NULL, read_wrong, &more, write_archive, &stream), LACONIC_IO);
    cr_assert_eq(laconic_decompress_stream(model, read_wrong, &more, NULL, NULL), LACONIC_IO);
    cr_assert_eq(laconic_compress_stream(model, NULL, read_text, &stream, write_wrong, &full), LACONIC_IO);
    stream.at = 0;
    cr_assert_eq(laconic_compress_stream(model, NULL, read_text, &stream, write_wrong, &silent), LACONIC_IO);
    stream.at = 0;
    cr_assert_eq(run_stream(&stream), LACONIC_OK, "and the model is free again: %s", laconic_error());
    laconic_close(model);
}

enum { LARGE = 300000 };
static char large[LARGE], large_archive[2][LARGE + LARGE / 8192 + 256];

static ptrdiff_t read_large(void *context, void *bytes, size_t size) {
    size_t *at = context, count = size < LARGE - *at ? size : LARGE - *at;
    memcpy(bytes, large + *at, count);
    *at += count;
    return (ptrdiff_t)count;
}

static int write_large(void *context, const void *bytes, size_t size) {
    size_t *at = context;
    memcpy(large_archive[1] + *at, bytes, size);
    *at += size;
    return 0;
}

/* A buffer is a stream whose size is known; more comes than was promised, or less: an error. */
Test(library, the_size_of_a_stream_may_be_told) {
    laconic_model *model = open_one(2);
    size_t packed = sizeof large_archive[0], none = 1;
    for (size_t i = 0; i < LARGE; i++)
        large[i] = "a few words to say again "[i % 25];
    cr_assert_eq(laconic_bound(LARGE), sizeof large_archive[0]);
    laconic_options options = {.level = 1};
    cr_assert_eq(laconic_compress(model, &options, large, LARGE, large_archive[0], &packed), LACONIC_OK);
    for (int off = -1; off <= 1; off++) {
        size_t at = 0, written = 0;
        options.content_size = (uint64_t)(LARGE + off);
        laconic_status status =
            laconic_compress_stream(model, &options, read_large, &at, write_large, &written);
        cr_assert_eq(status, off ? LACONIC_IO : LACONIC_OK, "%d: %s", off, laconic_error());
        if (off == 0)
            cr_assert(written == packed && memcmp(large_archive[0], large_archive[1], packed) == 0);
        else
            cr_assert(strstr(laconic_error(), "changed while it was read"), "%s", laconic_error());
    }
    cr_assert_eq(laconic_decompress(model, large_archive[0], packed, text, &none), LACONIC_LIMIT);
    size_t exact = packed;
    cr_assert_eq(
        laconic_compress(model, &(laconic_options){.level = 1}, large, LARGE, large_archive[1], &exact),
        LACONIC_OK, "as much room as is needed");
    exact = packed - 1;
    cr_assert_eq(
        laconic_compress(model, &(laconic_options){.level = 1}, large, LARGE, large_archive[1], &exact),
        LACONIC_LIMIT);
    laconic_close(model);
}

/* ---- pieces, comments, memory ---- */

Test(library, pieces_of_an_archive) {
    laconic_model *model = open_one(2);
    laconic_options options = {.level = 1, .restart = 4096, .comment = "of the tests"};
    size_t packed = sizeof large_archive[0], got;
    char comment[LACONIC_COMMENT + 1];
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)(i % 251 + i / 4096);
    cr_assert_eq(laconic_compress(model, &options, large, LARGE, large_archive[0], &packed), LACONIC_OK);
    static const uint64_t ranges[][2] = {
        {0, 1}, {0, 0}, {4095, 4097}, {200000, 200700}, {LARGE - 1, UINT64_MAX}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        uint64_t end = ranges[i][1] == UINT64_MAX ? LARGE : ranges[i][1];
        got = sizeof text;
        laconic_status status =
            laconic_decompress_range(model, large_archive[0], packed, ranges[i][0], ranges[i][1], text, &got);
        cr_assert_eq(status, LACONIC_OK, "%s", laconic_error());
        cr_assert(got == end - ranges[i][0] && memcmp(text, large + ranges[i][0], got) == 0);
    }
    got = sizeof text;
    cr_assert_eq(laconic_decompress_range(model, large_archive[0], packed, 0, LARGE + 1, text, &got),
                 LACONIC_LIMIT);
    got = 5;
    cr_assert_eq(laconic_decompress_range(model, large_archive[0], packed, 0, 6, text, &got), LACONIC_LIMIT);
    got = sizeof text;
    cr_assert_eq(laconic_decompress_range(model, large_archive[0], packed, 6, 5, text, &got),
                 LACONIC_ARGUMENT);
    cr_assert_eq(laconic_decompress_range(NULL, large_archive[0], packed, 0, 1, text, &got),
                 LACONIC_ARGUMENT);
    got = sizeof text;
    cr_assert_eq(laconic_decompress_range(model, NULL, 0, 0, 1, text, &got), LACONIC_FORMAT);
    cr_assert_eq(laconic_comment(large_archive[0], packed, comment), LACONIC_OK);
    cr_assert_str_eq(comment, "of the tests");
    cr_assert_eq(laconic_comment(large_archive[0], packed, NULL), LACONIC_ARGUMENT);
    cr_assert_eq(laconic_comment(NULL, 9, comment), LACONIC_ARGUMENT);
    options.restart = 4095;
    packed = sizeof large_archive[0];
    cr_assert_eq(laconic_compress(model, &options, large, LARGE, large_archive[0], &packed), LACONIC_LIMIT);
    laconic_close(model);
}

Test(library, memory_may_be_limited) {
    laconic_model *model = open_one(1);
    struct archive archive;
    cr_assert_eq(laconic_limit_memory(model, 1), LACONIC_OK);
    cr_assert_eq(compress(model, NULL, &archive), LACONIC_LIMIT);
    cr_assert(strstr(laconic_error(), "raise the limit"), "%s", laconic_error());
    cr_assert_eq(laconic_limit_memory(model, 0), LACONIC_OK);
    cr_assert_eq(compress(model, NULL, &archive), LACONIC_OK);
    cr_assert_eq(laconic_limit_memory(model, 1), LACONIC_OK);
    cr_assert_not(comes_back(model, &archive));
    cr_assert_eq(laconic_limit_memory(NULL, 1), LACONIC_ARGUMENT);
    laconic_close(model);
}

/* ---- arguments ---- */

static void expect_argument(laconic_status status, const char *what) {
    cr_assert_eq(status, LACONIC_ARGUMENT, "%s: %d %s", what, (int)status, laconic_error());
    cr_assert(laconic_error()[0]);
}

Test(library, null_is_an_error) {
    laconic_model *model = open_one(2), *other = model;
    struct archive archive;
    struct stream stream = {.model = model};
    uint8_t hash[LACONIC_HASH_BYTES];
    uint64_t content;
    size_t size = CAPACITY;
    cr_assert_eq(compress(model, NULL, &archive), LACONIC_OK);
    expect_argument(laconic_open(NULL, model_path, 0), "open");
    expect_argument(laconic_open_for(NULL, archive.bytes, archive.size, 0), "open_for");
    expect_argument(laconic_open_for(&other, NULL, 39, 0), "open_for an archive");
    cr_assert_null(other);
    cr_assert_eq(laconic_open_for(&other, NULL, 0, 0), LACONIC_FORMAT);
    expect_argument(laconic_hash(NULL, hash), "hash");
    expect_argument(laconic_hash(model, NULL), "a place for the hash");
    expect_argument(laconic_compress(NULL, NULL, text, SIZE, archive.bytes, &size), "compress");
    cr_assert_eq(size, 0);
    size = CAPACITY;
    expect_argument(laconic_compress(model, NULL, NULL, SIZE, archive.bytes, &size), "its input");
    size = CAPACITY;
    expect_argument(laconic_compress(model, NULL, text, SIZE, NULL, &size), "its output");
    expect_argument(laconic_compress(model, NULL, text, SIZE, archive.bytes, NULL), "its size");
    size = CAPACITY;
    expect_argument(laconic_decompress(NULL, text, SIZE, archive.bytes, &size), "decompress");
    size = CAPACITY;
    expect_argument(laconic_decompress(model, NULL, SIZE, archive.bytes, &size), "its archive");
    size = CAPACITY;
    expect_argument(laconic_decompress(model, text, SIZE, NULL, &size), "its output");
    expect_argument(laconic_decompress(model, text, SIZE, archive.bytes, NULL), "its size");
    expect_argument(laconic_content_size(NULL, SIZE, &content), "content_size");
    cr_assert_eq(content, 0);
    expect_argument(laconic_content_size(archive.bytes, archive.size, NULL), "its answer");
    expect_argument(laconic_compress_stream(NULL, NULL, read_text, &stream, write_archive, &stream),
                    "a stream");
    expect_argument(laconic_compress_stream(model, NULL, NULL, &stream, write_archive, &stream), "read");
    expect_argument(laconic_compress_stream(model, NULL, read_text, &stream, NULL, NULL), "write");
    expect_argument(laconic_decompress_stream(NULL, read_text, &stream, write_archive, &stream), "a stream");
    expect_argument(laconic_decompress_stream(model, NULL, NULL, write_archive, &stream), "read");
    cr_assert_eq(laconic_close(NULL), LACONIC_OK);
    cr_assert_eq(laconic_close(model), LACONIC_OK);
}

Test(library, nothing_is_something_too) {
    laconic_model *model = open_one(1);
    char archive[64];
    size_t packed = sizeof archive, none = 0;
    uint64_t content = 9;
    cr_assert_eq(laconic_compress(model, NULL, NULL, 0, archive, &packed), LACONIC_OK, "%s", laconic_error());
    cr_assert_eq(laconic_content_size(archive, packed, &content), LACONIC_OK);
    cr_assert_eq(content, 0);
    cr_assert_eq(laconic_decompress(model, archive, packed, NULL, &none), LACONIC_OK, "%s", laconic_error());
    cr_assert_eq(none, 0);
    cr_assert_eq(laconic_compress(model, NULL, NULL, 0, NULL, &none), LACONIC_LIMIT);
    cr_assert_eq(laconic_decompress(model, NULL, 0, NULL, &none), LACONIC_FORMAT);
    cr_assert_eq(laconic_content_size(NULL, 0, &content), LACONIC_FORMAT);
    laconic_close(model);
}

Test(library, buffers_that_cannot_be_are_refused) {
    laconic_model *model = open_one(1), *other;
    struct archive archive;
    uint64_t content;
    static const size_t gaps[] = {0, 1, SIZE - 1};
    char both[3 * CAPACITY];
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
        size_t size = CAPACITY;
        expect_argument(laconic_compress(model, NULL, both, SIZE, both + gaps[i], &size), "input first");
        size = SIZE;
        expect_argument(laconic_compress(model, NULL, both + gaps[i], CAPACITY, both, &size), "output first");
    }
    size_t size = CAPACITY;
    memcpy(both, text, SIZE);
    cr_assert_eq(laconic_compress(model, NULL, both, SIZE, both + SIZE, &size), LACONIC_OK, "side by side");
    size = SIZE_MAX;
    expect_argument(laconic_compress(model, NULL, text, SIZE, archive.bytes, &size), "an endless output");
    size = CAPACITY;
    expect_argument(laconic_compress(model, NULL, text, (size_t)PTRDIFF_MAX + 1, archive.bytes, &size),
                    "an endless input");
    size = CAPACITY;
    expect_argument(laconic_decompress(model, text, SIZE_MAX, archive.bytes, &size), "an endless archive");
    expect_argument(laconic_content_size(text, SIZE_MAX, &content), "an endless archive");
    expect_argument(laconic_open_for(&other, text, SIZE_MAX, 0), "an endless archive");
    expect_argument(laconic_open(&other, model_path, -1), "threads");
    expect_argument(laconic_open(&other, model_path, 65), "threads");
    cr_assert_eq(laconic_bound(SIZE_MAX), 0);
    cr_assert_gt(laconic_bound(0), 48);
    laconic_close(model);
}

Test(library, options_that_make_no_sense_are_refused) {
    static const laconic_options wrong[] = {{.mode = (laconic_mode)4},
                                            {.mode = (laconic_mode)-1},
                                            {.level = -1},
                                            {.level = 10},
                                            {.reserved = {0, 1}}};
    laconic_model *model = open_one(1);
    struct archive archive;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_argument(compress(model, &wrong[i], &archive), "options");
    laconic_close(model);
}
