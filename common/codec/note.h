/* Notes beside the content: skippable frames as zstd and lz4 have them, which every decoder passes over.
 *
 *     magic 0x184D2A50 .. 5F | length of the rest | the rest
 *
 * Those laconic writes have the magic 0x184D2A50 and can be found from either end: the rest is a tag, a body,
 * the length again and a check. docs/format.md specifies them.
 */
#ifndef LACONIC_CODEC_NOTE_H
#define LACONIC_CODEC_NOTE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/buffer.h"
#include "base/status.h"

enum {
    NOTE_HEAD = 8,          /* magic and length */
    NOTE_TAG = 4,           /* "LCNc" or "LCNs" */
    NOTE_TAIL = 8,          /* the length again, check */
    NOTE_BODY_OFFSET = 12,  /* of a whole note */
    NOTE_BARE = 20,         /* a note without a body */
    COMMENT_MAXIMUM = 4096, /* bytes */
    SEEK_POINT_SIZE = 16,   /* of a table's entry */
    SEEK_TABLE_BARE = 16,   /* a table's body without entries */
    SEEK_POINTS_MAXIMUM = 1 << 24
};

/* A block before which the models start anew. Offsets within its frame: in the content, in the archive. */
struct seek_point {
    uint64_t content, archive;
};

/* Every note of ours is put together in a buffer; check and length are added. */
enum status note_make_comment(const char *text, struct buffer *note); /* 1 .. COMMENT_MAXIMUM bytes */
enum status note_make_table(uint64_t frame_size, uint64_t content_size, const struct buffer *points,
                            struct buffer *note);

/* Points as a table holds them. */
enum status seek_points_add(struct buffer *points, struct seek_point point);
struct seek_point seek_point_at(const uint8_t *points, size_t index);

/* Is this the magic of a skippable frame? With fewer than 4 bytes: may it become one? */
bool note_is_magic(const uint8_t *bytes, size_t size);

enum note_kind {
    NOTE_FOREIGN,
    NOTE_COMMENT,
    NOTE_TABLE,
    NOTE_DAMAGED /* one of ours that its check or its lengths disown */
};
/* Of a whole note in memory; the body is note[NOTE_BODY_OFFSET .. size - NOTE_TAIL). */
enum note_kind note_kind(const uint8_t *note, size_t size);
/* By its first NOTE_BODY_OFFSET bytes alone: what it claims to be. */
enum note_kind note_claim(const uint8_t *head, uint64_t size);

#endif
