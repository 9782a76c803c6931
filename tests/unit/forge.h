/* Archives put together by hand, with right checksums and whatever numbers a test wants: what a writer of
 * ours would never write, and an enemy would. And a small pair with random weights to read them with. */
#ifndef LACONIC_TESTS_FORGE_H
#define LACONIC_TESTS_FORGE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "codec/archive_bytes.h"
#include "codec/codec.h"
#include "codec/note.h"
#include "../small_pair.h"
#include "expect.h"

static inline void forge_open_pair(struct model_pair *pair, const char *chunking) {
    EXPECT_OK(small_pair_open(pair, NULL, chunking, 0));
}

static inline void forge_bytes(struct buffer *archive, const void *bytes, size_t size) {
    if (size > 0)
        EXPECT_OK(buffer_append(archive, bytes, size));
}

static inline void forge_varint(struct buffer *archive, uint64_t value) {
    uint8_t bytes[ARCHIVE_VARINT_MAXIMUM];
    forge_bytes(archive, bytes, archive_put_varint(bytes, value));
}

static inline void forge_number(struct buffer *archive, int size, uint64_t value) {
    uint8_t bytes[8];
    put_little_endian(bytes, size, value);
    forge_bytes(archive, bytes, (size_t)size);
}

/* The header of a frame of this pair. */
static inline struct archive_header forge_plain_header(const struct model_pair *pair) {
    struct archive_header header = {
        .chunking = pair->chunking, .window = 12, .content_size = CODEC_SIZE_UNKNOWN};
    model_pair_hash(pair, header.model_hash);
    return header;
}

/* Byte number `at` of the 39 set to `value`, and the check made right again; at < 0: as it is. */
static inline void forge_header(struct buffer *archive, const struct archive_header *header, int at,
                                uint8_t value) {
    uint8_t bytes[HEADER_SIZE];
    uint64_t written = 0;
    FILE *output = fmemopen(bytes, sizeof bytes, "wb");
    setvbuf(output, NULL, _IONBF, 0);
    EXPECT_OK(archive_write_header(output, header, &written));
    fclose(output);
    if (at >= 0)
        bytes[at] = value;
    put_little_endian(bytes + HEADER_CHECKED, CHECK_SIZE, check_of(bytes, HEADER_CHECKED, 0));
    forge_bytes(archive, bytes, sizeof bytes);
}

/* Numbers as they are to stand in the block, and as many bytes of payload as there shall be. */
struct forged_block {
    int method; /* with METHOD_RESTART */
    uint64_t raw, chunks, coded;
};

static inline void forge_block(struct buffer *archive, struct forged_block block, const void *payload,
                               size_t size) {
    struct buffer header = {0};
    EXPECT_OK(buffer_append_byte(&header, (uint8_t)block.method));
    forge_varint(&header, block.raw);
    forge_varint(&header, block.chunks);
    if ((block.method & ~METHOD_RESTART) != ARCHIVE_STORED)
        forge_varint(&header, block.coded);
    uint64_t seed = XXH64(header.data, header.size, 0);
    forge_bytes(archive, header.data, header.size);
    forge_bytes(archive, payload, size);
    forge_number(archive, CHECK_SIZE, check_of(payload, size, seed));
    buffer_free(&header);
}

static inline void forge_stored(struct buffer *archive, int flag, const void *content, size_t size) {
    forge_block(archive, (struct forged_block){ARCHIVE_STORED | flag, size, 1, size}, content, size);
}

static inline void forge_end(struct buffer *archive, uint64_t content_size, uint64_t hash) {
    EXPECT_OK(buffer_append_byte(archive, ARCHIVE_END));
    forge_varint(archive, content_size);
    forge_number(archive, HASH_SIZE, hash);
}

/* A note of ours; `again` is the length that stands behind the body. */
static inline void forge_note(struct buffer *archive, const char *tag, const void *body, size_t size,
                              uint32_t length, uint32_t again) {
    size_t begin = archive->size;
    forge_number(archive, 4, 0x184D2A50);
    forge_number(archive, 4, length);
    forge_bytes(archive, tag, 4);
    forge_bytes(archive, body, size);
    forge_number(archive, 4, again);
    forge_number(archive, CHECK_SIZE, check_of(archive->data + begin, archive->size - begin, 0));
}

static inline FILE *forge_open(const struct buffer *archive) {
    return archive->size ? fmemopen(archive->data, archive->size, "rb") : fopen("/dev/null", "rb");
}

/* The whole of it restored. */
static inline enum status forge_restore(struct codec *codec, const struct buffer *archive,
                                        struct buffer *back) {
    char *bytes;
    size_t size;
    FILE *input = forge_open(archive), *output = open_memstream(&bytes, &size);
    enum status status = codec_decompress(codec, input, output, NULL, NULL, NULL);
    fclose(input);
    fclose(output);
    back->size = 0;
    forge_bytes(back, bytes, size);
    free(bytes);
    return status;
}

#endif
