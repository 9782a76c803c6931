/* Writing and reading the parts of a frame. */
#include "codec/archive.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <xxhash.h>
#include "codec/byte_model.h"

enum { MAGIC_SIZE = 4, HEADER_SIZE = 39, HEADER_CHECKED = 35, CHECK_SIZE = 4, HASH_SIZE = 8 };

static const uint8_t magic[MAGIC_SIZE] = {'L', 'C', 'N', 0x1A};

/* ---- bytes ---- */

static void put_little_endian(uint8_t *bytes, int size, uint64_t value) {
    for (int i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get_little_endian(const uint8_t *bytes, int size) {
    uint64_t value = 0;
    for (int i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

size_t archive_put_varint(uint8_t bytes[ARCHIVE_VARINT_MAXIMUM], uint64_t value) {
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[size++] = (uint8_t)(value | 0x80);
    bytes[size++] = (uint8_t)value;
    return size;
}

/* Adds one group; returns false when the number is finished or wrong, which *good tells. */
static bool add_varint_group(uint64_t *value, int group, uint8_t byte, bool *good) {
    bool last_possible = group == ARCHIVE_VARINT_MAXIMUM - 1;
    *value |= (uint64_t)(byte & 0x7F) << 7 * group;
    *good = !(last_possible && byte > 1) && !(group > 0 && byte == 0);
    return *good && byte >= 0x80;
}

bool archive_get_varint(const uint8_t **bytes, const uint8_t *end, uint64_t maximum, uint64_t *value) {
    bool good = false, more = true;
    *value = 0;
    for (int group = 0; more; group++) {
        if (*bytes == end)
            return false;
        more = add_varint_group(value, group, *(*bytes)++, &good);
    }
    return good && *value <= maximum;
}

void archive_format_hash(const uint8_t hash[16], char text[33]) {
    model_hash_format(hash, text);
}

/* The low half of XXH64; `seed` chains pieces. */
static uint32_t check_of(const void *bytes, size_t size, uint64_t seed) {
    return (uint32_t)XXH64(bytes, size, seed);
}

/* ---- writing ---- */

static enum status write_bytes(FILE *output, const void *bytes, size_t size, uint64_t *written) {
    if (fwrite(bytes, 1, size, output) != size)
        return fail(STATUS_IO, "cannot write the archive: %s", strerror(errno));
    *written += size;
    return STATUS_OK;
}

enum status archive_write_header(FILE *output, const struct archive_header *header, uint64_t *written) {
    uint8_t bytes[HEADER_SIZE] = {0};
    memcpy(bytes, magic, MAGIC_SIZE);
    bytes[4] = ARCHIVE_VERSION;
    bytes[5] = 0; /* flags */
    bytes[6] = (uint8_t)header->mode;
    bytes[7] = (uint8_t)header->chunking.kind;
    put_little_endian(bytes + 8, 2, (uint64_t)header->chunking.size);
    memcpy(bytes + 10, header->model_hash, 16);
    bytes[26] = (uint8_t)header->window;
    put_little_endian(bytes + 27, 8, header->content_size);
    put_little_endian(bytes + HEADER_CHECKED, CHECK_SIZE, check_of(bytes, HEADER_CHECKED, 0));
    return write_bytes(output, bytes, sizeof bytes, written);
}

enum status archive_write_block(FILE *output, const struct archive_block *block, const uint8_t *payload,
                                uint64_t *written) {
    uint8_t bytes[1 + 3 * ARCHIVE_VARINT_MAXIMUM], check[CHECK_SIZE];
    size_t size = 0;
    bytes[size++] = (uint8_t)block->method;
    size += archive_put_varint(bytes + size, block->raw_size);
    size += archive_put_varint(bytes + size, block->chunk_count);
    if (block->method != ARCHIVE_STORED)
        size += archive_put_varint(bytes + size, block->coded_size);
    put_little_endian(check, CHECK_SIZE, check_of(payload, block->coded_size, XXH64(bytes, size, 0)));
    TRY(write_bytes(output, bytes, size, written));
    TRY(write_bytes(output, payload, block->coded_size, written));
    return write_bytes(output, check, sizeof check, written);
}

enum status archive_write_end(FILE *output, const struct archive_end *end, uint64_t *written) {
    uint8_t bytes[1 + ARCHIVE_VARINT_MAXIMUM + HASH_SIZE];
    size_t size = 0;
    bytes[size++] = ARCHIVE_END;
    size += archive_put_varint(bytes + size, end->content_size);
    put_little_endian(bytes + size, HASH_SIZE, end->content_hash);
    return write_bytes(output, bytes, size + HASH_SIZE, written);
}

/* ---- reading ---- */

void archive_reader_open(struct archive_reader *reader, FILE *input) {
    *reader = (struct archive_reader){.input = input};
}

void archive_reader_close(struct archive_reader *reader) {
    buffer_free(&reader->payload);
}

enum status archive_fail(const struct archive_reader *reader, const char *what) {
    return fail(STATUS_FORMAT,
                "the archive is damaged: %s (frame %" PRIu64 ", block %" PRIu64 ", before byte %" PRIu64
                "); nothing of this file is to be trusted, fetch it again",
                what, reader->frame, reader->block, reader->offset);
}

static enum status fail_short_read(const struct archive_reader *reader) {
    if (ferror(reader->input))
        return fail(STATUS_IO, "cannot read the archive: %s", strerror(errno));
    return fail(STATUS_FORMAT,
                "the archive is truncated: it ends at byte %" PRIu64 " inside frame %" PRIu64
                "; fetch the whole file again",
                reader->offset, reader->frame);
}

static enum status read_bytes(struct archive_reader *reader, void *bytes, size_t size) {
    size_t got = fread(bytes, 1, size, reader->input);
    reader->offset += got;
    return got == size ? STATUS_OK : fail_short_read(reader);
}

/* Reads a number in 0 .. maximum and appends its bytes to `header`, for the checksum. */
static enum status read_varint(struct archive_reader *reader, struct buffer *header, uint64_t maximum,
                               uint64_t *value, const char *damage) {
    bool good = false, more = true;
    *value = 0;
    for (int group = 0; more; group++) {
        uint8_t byte;
        TRY(read_bytes(reader, &byte, 1));
        TRY(buffer_append_byte(header, byte));
        more = add_varint_group(value, group, byte, &good);
    }
    return good && *value <= maximum ? STATUS_OK : archive_fail(reader, damage);
}

static enum status fail_magic(const struct archive_reader *reader) {
    if (reader->frame == 0)
        return fail(STATUS_FORMAT, "this is not a laconic archive (it does not begin with \"LCN\")");
    return fail(STATUS_FORMAT,
                "junk follows frame %" PRIu64 " at byte %" PRIu64
                ": an archive ends behind its last frame; cut the file there or fetch it again",
                reader->frame, reader->offset);
}

static enum status check_header(struct archive_reader *reader, const uint8_t *bytes,
                                struct archive_header *header) {
    if (bytes[4] != ARCHIVE_VERSION)
        return fail(STATUS_FORMAT, "the archive has format version %d and this program reads version %d",
                    bytes[4], ARCHIVE_VERSION);
    if (get_little_endian(bytes + HEADER_CHECKED, CHECK_SIZE) != check_of(bytes, HEADER_CHECKED, 0))
        return archive_fail(reader, "the checksum of the header does not match");
    uint64_t size = get_little_endian(bytes + 8, 2);
    if (bytes[5] != 0 || bytes[6] >= CODEC_MODES || bytes[7] > CHUNK_LINES || size < 1 ||
        size > CHUNK_MAXIMUM || bytes[26] < BYTE_MODEL_WINDOW_MINIMUM ||
        bytes[26] > BYTE_MODEL_WINDOW_MAXIMUM)
        return archive_fail(reader, "a field of the header is out of range");
    header->mode = (enum codec_mode)bytes[6];
    header->chunking = (struct chunking){.kind = (enum chunking_kind)bytes[7], .size = (int)size};
    memcpy(header->model_hash, bytes + 10, sizeof header->model_hash);
    header->window = bytes[26];
    header->content_size = get_little_endian(bytes + 27, 8);
    return STATUS_OK;
}

enum status archive_read_header(struct archive_reader *reader, struct archive_header *header, bool *more) {
    uint8_t bytes[HEADER_SIZE];
    size_t got = fread(bytes, 1, sizeof bytes, reader->input);
    *more = got > 0;
    if (ferror(reader->input))
        return fail_short_read(reader);
    if (got == 0 && reader->frame == 0)
        return fail(STATUS_FORMAT, "this is not a laconic archive: it is empty");
    if (got == 0)
        return STATUS_OK;
    if (memcmp(bytes, magic, got < MAGIC_SIZE ? got : MAGIC_SIZE) != 0)
        return fail_magic(reader);
    reader->offset += got;
    reader->frame++;
    reader->block = 0;
    if (got < sizeof bytes)
        return fail_short_read(reader);
    return check_header(reader, bytes, header);
}

static enum status read_end(struct archive_reader *reader, struct buffer *header, struct archive_end *end) {
    uint8_t hash[HASH_SIZE];
    TRY(read_varint(reader, header, UINT64_MAX, &end->content_size, "the content size is no number"));
    TRY(read_bytes(reader, hash, sizeof hash));
    end->content_hash = get_little_endian(hash, sizeof hash);
    return STATUS_OK;
}

static enum status read_sizes(struct archive_reader *reader, struct buffer *header,
                              struct archive_block *block) {
    uint64_t raw, chunks, coded;
    TRY(read_varint(reader, header, ARCHIVE_BLOCK_MAXIMUM, &raw, "a block is larger than blocks can be"));
    if (raw == 0)
        return archive_fail(reader, "a block is empty");
    TRY(read_varint(reader, header, raw, &chunks, "a block has more chunks than bytes"));
    coded = raw;
    if (block->method != ARCHIVE_STORED)
        TRY(read_varint(reader, header, raw - 1, &coded, "a coded block is not smaller than its content"));
    if (chunks == 0 || coded == 0)
        return archive_fail(reader, "a block is empty");
    block->raw_size = (uint32_t)raw;
    block->chunk_count = (uint32_t)chunks;
    block->coded_size = (uint32_t)coded;
    return STATUS_OK;
}

static enum status read_payload(struct archive_reader *reader, const struct buffer *header, uint32_t size) {
    uint8_t check[CHECK_SIZE];
    TRY(buffer_reserve(&reader->payload, size));
    TRY(read_bytes(reader, reader->payload.data, size));
    reader->payload.size = size;
    TRY(read_bytes(reader, check, sizeof check));
    uint64_t seed = XXH64(header->data, header->size, 0);
    if (get_little_endian(check, CHECK_SIZE) != check_of(reader->payload.data, size, seed))
        return archive_fail(reader, "the checksum of a block does not match");
    return STATUS_OK;
}

enum status archive_read_block(struct archive_reader *reader, struct archive_block *block,
                               struct archive_end *end) {
    struct buffer header = {0};
    uint8_t method;
    enum status status = read_bytes(reader, &method, 1);
    reader->block++;
    if (status == STATUS_OK && method >= ARCHIVE_METHODS)
        status = archive_fail(reader, "a block has an unknown method");
    if (status == STATUS_OK)
        status = buffer_append_byte(&header, method);
    if (status != STATUS_OK)
        goto done;
    *block = (struct archive_block){.method = (enum archive_method)method};
    if (method == ARCHIVE_END) {
        status = read_end(reader, &header, end);
    } else {
        status = read_sizes(reader, &header, block);
        if (status == STATUS_OK)
            status = read_payload(reader, &header, block->coded_size);
    }
done:
    buffer_free(&header);
    return status;
}
