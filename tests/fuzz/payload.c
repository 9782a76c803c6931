/* Blocks with right checksums and any payload.
 *
 * The input: one byte of the header (window, mode, a second frame), then blocks of method (1 byte), raw size
 * (2), chunk count (2), coded size (2, cut to what is left), payload. The frame's end promises what the
 * blocks promise.
 */
#include <stdlib.h>
#include <string.h>
#include "codec/archive.h"
#include "codec/byte_model.h"
#include "targets.h"
#include "toy.h"

enum { BLOCK_HEAD = 7, RAW_MAXIMUM = 2048 };

static uint32_t two_bytes(const uint8_t *data) {
    return (uint32_t)data[0] | (uint32_t)data[1] << 8;
}

/* Fields within what the container allows; what they promise may be nonsense. Returns the bytes read. */
static size_t read_block(const uint8_t *data, size_t size, struct archive_block *block) {
    uint32_t left = (uint32_t)(size - BLOCK_HEAD);
    block->method = (enum archive_method)(1 + data[0] % (ARCHIVE_METHODS - 1));
    block->raw_size = 2 + two_bytes(data + 1) % (RAW_MAXIMUM - 1);
    block->chunk_count = 1 + two_bytes(data + 3) % block->raw_size;
    block->coded_size = 1 + two_bytes(data + 5) % (block->raw_size - 1);
    if (block->method == ARCHIVE_STORED)
        block->coded_size = block->raw_size;
    else if (block->coded_size > left)
        block->coded_size = left;
    return BLOCK_HEAD + (block->coded_size < left ? block->coded_size : left);
}

static void write_archive(FILE *output, const struct toy *toy, const uint8_t *data, size_t size) {
    struct archive_header header = {.mode = (enum codec_mode)(data[0] % CODEC_MODES),
                                    .chunking = toy->pair.chunking,
                                    .content_size = CODEC_SIZE_UNKNOWN,
                                    .window = BYTE_MODEL_WINDOW_MINIMUM + data[0] / 4 % 4};
    struct archive_end end = {0};
    uint64_t written = 0;
    model_pair_hash(&toy->pair, header.model_hash);
    if (archive_write_header(output, &header, &written) != STATUS_OK)
        abort();
    for (size_t at = 1; size - at > BLOCK_HEAD;) {
        struct archive_block block = {0};
        uint8_t payload[RAW_MAXIMUM] = {0};
        size_t used = read_block(data + at, size - at, &block);
        memcpy(payload, data + at + BLOCK_HEAD, used - BLOCK_HEAD);
        if (archive_write_block(output, &block, false, payload, &written) != STATUS_OK)
            abort();
        end.content_size += block.raw_size;
        at += used;
    }
    if (archive_write_end(output, &end, &written) != STATUS_OK)
        abort();
}

int FUZZ_TARGET(const uint8_t *data, size_t size) {
    static struct toy toys[2];
    if (!toys[0].codec) {
        toy_open(&toys[0], "lines:32", 0);
        toy_open(&toys[1], "40", 1);
    }
    if (size < 2)
        return 0;
    struct toy *toy = &toys[data[0] >> 7];
    struct toy_bytes archive = {0}, content;
    FILE *output = open_memstream(&archive.data, &archive.size);
    if (!output)
        abort();
    write_archive(output, toy, data, size);
    fclose(output);
    if (toy_decompress(toy->codec, archive.data, archive.size, &content) != STATUS_OK && !*fail_sentence())
        abort();
    free(content.data);
    free(archive.data);
    return 0;
}
