/* Reading the parts of a frame, and what stands between frames. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "codec/archive_bytes.h"
#include "codec/byte_model.h"
#include "codec/note.h"

void archive_reader_open(struct archive_reader *reader, FILE *input) {
    *reader = (struct archive_reader){.input = input};
}

void archive_reader_close(struct archive_reader *reader) {
    buffer_free(&reader->payload);
    buffer_free(&reader->points);
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
    if (bytes[5] & ~(FLAG_NO_CHECK | FLAG_SEEK_TABLE))
        return fail(STATUS_FORMAT,
                    "the archive uses something that this program does not know (flags %02x); a newer "
                    "laconic may read it",
                    bytes[5]);
    if (bytes[6] >= CODEC_MODES || bytes[7] > CHUNK_LINES || size < 1 || size > CHUNK_MAXIMUM ||
        bytes[26] < BYTE_MODEL_WINDOW_MINIMUM || bytes[26] > BYTE_MODEL_WINDOW_MAXIMUM)
        return archive_fail(reader, "a field of the header is out of range");
    header->mode = (enum codec_mode)bytes[6];
    header->chunking = (struct chunking){.kind = (enum chunking_kind)bytes[7], .size = (int)size};
    memcpy(header->model_hash, bytes + 10, sizeof header->model_hash);
    header->window = bytes[26];
    header->content_size = get_little_endian(bytes + 27, 8);
    header->no_check = bytes[5] & FLAG_NO_CHECK;
    header->seek_table = bytes[5] & FLAG_SEEK_TABLE;
    return STATUS_OK;
}

/* Reads the next magic; *more false: the input ended properly behind a frame. */
static enum status read_magic(struct archive_reader *reader, uint8_t magic[MAGIC_SIZE], bool *more) {
    size_t got = fread(magic, 1, MAGIC_SIZE, reader->input);
    *more = got > 0;
    if (ferror(reader->input))
        return fail_short_read(reader);
    if (got == 0 && reader->frame == 0)
        return fail(STATUS_FORMAT, reader->offset ? "this is not a laconic archive: no frame is in it"
                                                  : "this is not a laconic archive: it is empty");
    if (got == 0)
        return STATUS_OK;
    if (memcmp(magic, archive_magic, got) != 0 && !note_is_magic(magic, got))
        return fail_magic(reader);
    reader->offset += got;
    return got == MAGIC_SIZE ? STATUS_OK : fail_short_read(reader);
}

static enum status pass_over(struct archive_reader *reader, uint64_t size) {
    uint8_t scratch[4096];
    while (size > 0) {
        size_t step = size < sizeof scratch ? (size_t)size : sizeof scratch;
        TRY(read_bytes(reader, scratch, step));
        size -= step;
    }
    return STATUS_OK;
}

/* A comment is checked and handed on; what is not ours, and tables out of place, are passed over. */
static enum status read_note(struct archive_reader *reader, const uint8_t magic[MAGIC_SIZE]) {
    uint8_t note[NOTE_BARE + COMMENT_MAXIMUM];
    memcpy(note, magic, MAGIC_SIZE);
    TRY(read_bytes(reader, note + MAGIC_SIZE, NOTE_HEAD - MAGIC_SIZE));
    uint64_t length = get_little_endian(note + MAGIC_SIZE, 4), size = NOTE_HEAD + length;
    reader->notes++;
    reader->note_bytes += size;
    if (length < NOTE_TAG)
        return pass_over(reader, length);
    TRY(read_bytes(reader, note + NOTE_HEAD, NOTE_TAG));
    if (note_claim(note, size) != NOTE_COMMENT)
        return pass_over(reader, length - NOTE_TAG);
    if (size > sizeof note)
        return archive_fail(reader, "a comment is longer than comments can be");
    TRY(read_bytes(reader, note + NOTE_BODY_OFFSET, (size_t)size - NOTE_BODY_OFFSET));
    if (note_kind(note, (size_t)size) != NOTE_COMMENT)
        return archive_fail(reader, "the checksum of a comment does not match");
    if (reader->comment)
        reader->comment(reader->comment_context, (const char *)note + NOTE_BODY_OFFSET,
                        (size_t)size - NOTE_BARE);
    return STATUS_OK;
}

enum status archive_read_header(struct archive_reader *reader, struct archive_header *header, bool *more) {
    uint8_t bytes[HEADER_SIZE];
    for (;;) {
        TRY(read_magic(reader, bytes, more));
        if (!*more || memcmp(bytes, archive_magic, MAGIC_SIZE) == 0)
            break;
        TRY(read_note(reader, bytes));
    }
    if (!*more)
        return STATUS_OK;
    reader->begin = reader->offset - MAGIC_SIZE;
    reader->frame++;
    reader->block = reader->content = 0;
    reader->points.size = 0;
    reader->whole = true;
    TRY(read_bytes(reader, bytes + MAGIC_SIZE, HEADER_SIZE - MAGIC_SIZE));
    TRY(check_header(reader, bytes, header));
    reader->no_check = header->no_check;
    reader->seek_table = header->seek_table;
    return STATUS_OK;
}

/* The table that belongs to the frame just read is known: every byte must be as expected. */
static enum status check_table(struct archive_reader *reader, uint64_t content_size) {
    struct buffer wanted = {0};
    uint8_t scratch[4096];
    enum status status =
        note_make_table(reader->offset - reader->begin, content_size, &reader->points, &wanted);
    for (size_t at = 0; at < wanted.size && status == STATUS_OK; at += sizeof scratch) {
        size_t step = wanted.size - at < sizeof scratch ? wanted.size - at : sizeof scratch;
        status = read_bytes(reader, scratch, step);
        if (status == STATUS_OK && memcmp(scratch, wanted.data + at, step) != 0)
            status = archive_fail(reader, "the seek table is not that of its frame");
    }
    reader->notes++;
    reader->note_bytes += wanted.size;
    buffer_free(&wanted);
    return status;
}

static enum status read_end(struct archive_reader *reader, struct buffer *header, struct archive_end *end) {
    uint8_t hash[HASH_SIZE] = {0};
    *end = (struct archive_end){.no_check = reader->no_check};
    TRY(read_varint(reader, header, UINT64_MAX, &end->content_size, "the content size is no number"));
    if (!end->no_check)
        TRY(read_bytes(reader, hash, sizeof hash));
    end->content_hash = get_little_endian(hash, sizeof hash);
    return reader->seek_table && reader->whole ? check_table(reader, end->content_size) : STATUS_OK;
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

enum status archive_seek(struct archive_reader *reader, uint64_t offset) {
    if (fseeko(reader->input, reader->origin + (off_t)offset, SEEK_SET) != 0)
        return fail(STATUS_IO, "cannot seek in the archive: %s", strerror(errno));
    reader->offset = offset;
    return STATUS_OK;
}

/* Moves behind the payload unread. Past the end of the file the next read fails. */
static enum status skip_payload(struct archive_reader *reader, uint32_t size) {
    return archive_seek(reader, reader->offset + size + CHECK_SIZE);
}

/* Where the models start anew: the frame's first block, and those that say so. */
static enum status note_point(struct archive_reader *reader, uint64_t at) {
    const struct seek_point point = {reader->content, at - reader->begin};
    bool first = reader->block == 1;
    if (!reader->seek_table || !reader->whole || !(first || reader->restart))
        return STATUS_OK;
    return seek_points_add(&reader->points, point);
}

static enum status read_method(struct archive_reader *reader, struct buffer *header,
                               struct archive_block *block) {
    uint8_t byte;
    TRY(read_bytes(reader, &byte, 1));
    reader->block++;
    reader->restart = byte & METHOD_RESTART;
    int method = byte & ~METHOD_RESTART;
    if (method >= ARCHIVE_METHODS || (reader->restart && method == ARCHIVE_END))
        return archive_fail(reader, "a block has an unknown method");
    *block = (struct archive_block){.method = (enum archive_method)method};
    return buffer_append_byte(header, byte);
}

enum status archive_read_block(struct archive_reader *reader, struct archive_block *block,
                               struct archive_end *end) {
    struct buffer header = {0};
    uint64_t at = reader->offset;
    enum status status = read_method(reader, &header, block);
    if (status == STATUS_OK && block->method == ARCHIVE_END) {
        status = read_end(reader, &header, end);
    } else if (status == STATUS_OK) {
        status = read_sizes(reader, &header, block);
        if (status == STATUS_OK)
            status = reader->skim ? skip_payload(reader, block->coded_size)
                                  : read_payload(reader, &header, block->coded_size);
        if (status == STATUS_OK)
            status = note_point(reader, at);
        reader->content += block->raw_size;
    }
    buffer_free(&header);
    return status;
}
