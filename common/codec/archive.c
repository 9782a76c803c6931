/* Writing the parts of a frame, and the numbers in them. */
#include "codec/archive.h"

#include <errno.h>
#include <string.h>
#include "codec/archive_bytes.h"
#include "codec/note.h"

/* ---- numbers ---- */

size_t archive_put_varint(uint8_t bytes[ARCHIVE_VARINT_MAXIMUM], uint64_t value) {
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[size++] = (uint8_t)(value | 0x80);
    bytes[size++] = (uint8_t)value;
    return size;
}

enum status archive_append_varint(struct buffer *buffer, uint64_t value) {
    uint8_t bytes[ARCHIVE_VARINT_MAXIMUM];
    return buffer_append(buffer, bytes, archive_put_varint(bytes, value));
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

/* ---- writing ---- */

static enum status write_bytes(FILE *output, const void *bytes, size_t size, uint64_t *written) {
    if (fwrite(bytes, 1, size, output) != size)
        return fail(STATUS_IO, "cannot write the archive: %s", strerror(errno));
    *written += size;
    return STATUS_OK;
}

enum status archive_write_header(FILE *output, const struct archive_header *header, uint64_t *written) {
    uint8_t bytes[HEADER_SIZE] = {0};
    memcpy(bytes, archive_magic, MAGIC_SIZE);
    bytes[4] = ARCHIVE_VERSION;
    bytes[5] = (uint8_t)((header->no_check ? FLAG_NO_CHECK : 0) | (header->seek_table ? FLAG_SEEK_TABLE : 0));
    bytes[6] = (uint8_t)header->mode;
    bytes[7] = (uint8_t)header->chunking.kind;
    put_little_endian(bytes + 8, 2, (uint64_t)header->chunking.size);
    memcpy(bytes + 10, header->model_hash, 16);
    bytes[26] = (uint8_t)header->window;
    put_little_endian(bytes + 27, 8, header->content_size);
    put_little_endian(bytes + HEADER_CHECKED, CHECK_SIZE, check_of(bytes, HEADER_CHECKED, 0));
    return write_bytes(output, bytes, sizeof bytes, written);
}

enum status archive_write_block(FILE *output, const struct archive_block *block, bool restart,
                                const uint8_t *payload, uint64_t *written) {
    uint8_t bytes[1 + 3 * ARCHIVE_VARINT_MAXIMUM], check[CHECK_SIZE];
    size_t size = 0;
    bytes[size++] = (uint8_t)(block->method | (restart ? METHOD_RESTART : 0));
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
    return write_bytes(output, bytes, size + (end->no_check ? 0 : HASH_SIZE), written);
}

enum status archive_write_table(FILE *output, uint64_t frame_size, uint64_t content_size,
                                const struct buffer *points, uint64_t *written) {
    struct buffer note = {0};
    enum status status = note_make_table(frame_size, content_size, points, &note);
    if (status == STATUS_OK)
        status = write_bytes(output, note.data, note.size, written);
    buffer_free(&note);
    return status;
}

enum status archive_write_comment(FILE *output, const char *text, uint64_t *written) {
    struct buffer note = {0};
    enum status status = note_make_comment(text, &note);
    if (status == STATUS_OK)
        status = write_bytes(output, note.data, note.size, written);
    buffer_free(&note);
    return status;
}
