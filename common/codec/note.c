/* Comments and seek tables as skippable frames. */
#include "codec/note.h"

#include <string.h>
#include "codec/archive_bytes.h"

enum { LENGTH_SIZE = 4 };

static const uint8_t own_magic[MAGIC_SIZE] = {0x50, 0x2A, 0x4D, 0x18};
static const char comment_tag[] = "LCNc", table_tag[] = "LCNs";

/* ---- writing ---- */

static enum status begin_note(struct buffer *note, const char *tag, size_t body) {
    uint8_t length[LENGTH_SIZE];
    note->size = 0;
    put_little_endian(length, LENGTH_SIZE, NOTE_TAG + body + NOTE_TAIL);
    TRY(buffer_append(note, own_magic, MAGIC_SIZE));
    TRY(buffer_append(note, length, LENGTH_SIZE));
    return buffer_append(note, tag, NOTE_TAG);
}

static enum status end_note(struct buffer *note) {
    uint8_t tail[NOTE_TAIL];
    put_little_endian(tail, LENGTH_SIZE, note->size - NOTE_HEAD + NOTE_TAIL);
    TRY(buffer_append(note, tail, LENGTH_SIZE));
    put_little_endian(tail, CHECK_SIZE, check_of(note->data, note->size, 0));
    return buffer_append(note, tail, CHECK_SIZE);
}

enum status note_make_comment(const char *text, struct buffer *note) {
    size_t size = strlen(text);
    if (size < 1 || size > COMMENT_MAXIMUM)
        return fail(STATUS_LIMIT, "a comment has 1 to %d bytes, not %zu", COMMENT_MAXIMUM, size);
    TRY(begin_note(note, comment_tag, size));
    TRY(buffer_append(note, text, size));
    return end_note(note);
}

enum status note_make_table(uint64_t frame_size, uint64_t content_size, const struct buffer *points,
                            struct buffer *note) {
    uint8_t sizes[SEEK_TABLE_BARE];
    put_little_endian(sizes, 8, frame_size);
    put_little_endian(sizes + 8, 8, content_size);
    TRY(begin_note(note, table_tag, sizeof sizes + points->size));
    TRY(buffer_append(note, sizes, sizeof sizes));
    if (points->size)
        TRY(buffer_append(note, points->data, points->size));
    return end_note(note);
}

enum status seek_points_add(struct buffer *points, struct seek_point point) {
    uint8_t bytes[SEEK_POINT_SIZE];
    if (points->size / SEEK_POINT_SIZE >= SEEK_POINTS_MAXIMUM)
        return fail(STATUS_LIMIT, "a seek table has at most %d points; let the models start anew less often",
                    SEEK_POINTS_MAXIMUM);
    put_little_endian(bytes, 8, point.content);
    put_little_endian(bytes + 8, 8, point.archive);
    return buffer_append(points, bytes, sizeof bytes);
}

/* ---- reading ---- */

struct seek_point seek_point_at(const uint8_t *points, size_t index) {
    const uint8_t *at = points + index * SEEK_POINT_SIZE;
    return (struct seek_point){get_little_endian(at, 8), get_little_endian(at + 8, 8)};
}

bool note_is_magic(const uint8_t *bytes, size_t size) {
    if (size > 0 && (bytes[0] & 0xF0) != own_magic[0])
        return false;
    size_t compared = size < MAGIC_SIZE ? size : MAGIC_SIZE;
    return compared < 2 || memcmp(bytes + 1, own_magic + 1, compared - 1) == 0;
}

enum note_kind note_claim(const uint8_t *head, uint64_t size) {
    if (size < NOTE_BARE || memcmp(head, own_magic, MAGIC_SIZE) != 0)
        return NOTE_FOREIGN;
    if (memcmp(head + NOTE_HEAD, comment_tag, NOTE_TAG) == 0)
        return NOTE_COMMENT;
    return memcmp(head + NOTE_HEAD, table_tag, NOTE_TAG) == 0 ? NOTE_TABLE : NOTE_FOREIGN;
}

enum note_kind note_kind(const uint8_t *note, size_t size) {
    enum note_kind kind = note_claim(note, size);
    if (kind == NOTE_FOREIGN)
        return kind;
    uint64_t length = size - NOTE_HEAD, body = size - NOTE_BARE;
    const uint8_t *tail = note + size - NOTE_TAIL;
    bool whole = get_little_endian(note + MAGIC_SIZE, LENGTH_SIZE) == length &&
                 get_little_endian(tail, LENGTH_SIZE) == length &&
                 get_little_endian(tail + LENGTH_SIZE, CHECK_SIZE) == check_of(note, size - CHECK_SIZE, 0);
    bool shaped = kind == NOTE_COMMENT
                      ? body >= 1 && body <= COMMENT_MAXIMUM
                      : body >= SEEK_TABLE_BARE && (body - SEEK_TABLE_BARE) % SEEK_POINT_SIZE == 0;
    return whole && shaped ? kind : NOTE_DAMAGED;
}
