/* The container: frames of a header, blocks and an end. docs/format.md is the specification.
 *
 * Writing is a function per part. A reader keeps its place, so that every sentence about damage says where.
 * Nothing read is used before its checksum has matched, nothing is allocated by a length that is not bounded.
 */
#ifndef LACONIC_CODEC_ARCHIVE_H
#define LACONIC_CODEC_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include "base/buffer.h"
#include "base/status.h"
#include "codec/codec.h"
#include "text/chunking.h"

enum {
    ARCHIVE_VERSION = 1,
    ARCHIVE_BLOCK_MAXIMUM = 1 << 18, /* content bytes of one block */
    ARCHIVE_VARINT_MAXIMUM = 10      /* bytes */
};

/* How a block, or what fell back inside a block, is coded. */
enum archive_method {
    ARCHIVE_END,
    ARCHIVE_STORED,
    ARCHIVE_ZSTD,
    ARCHIVE_IR,     /* z of chunks */
    ARCHIVE_TEXT,   /* bytes under the decompressor and the context-mixing model */
    ARCHIVE_BYTES,  /* bytes under the context-mixing model alone */
    ARCHIVE_HYBRID, /* z and bytes under the decompressor given z */
    ARCHIVE_METHODS
};

struct archive_header {
    enum codec_mode mode;
    struct chunking chunking;
    uint8_t model_hash[16];
    int window;            /* of the context-mixing model, log2 of bytes */
    uint64_t content_size; /* CODEC_SIZE_UNKNOWN: not known when the frame began */
    bool no_check;         /* the end has no hash of the content */
    bool seek_table;       /* one follows the frame */
};

struct archive_block {
    enum archive_method method;
    uint32_t raw_size;    /* content bytes, 1 .. ARCHIVE_BLOCK_MAXIMUM */
    uint32_t chunk_count; /* 1 .. raw_size */
    uint32_t coded_size;  /* bytes of the payload: raw_size when stored, else 1 .. raw_size - 1 */
};

struct archive_end {
    uint64_t content_size;
    uint64_t content_hash; /* XXH64 of the whole content */
    bool no_check;         /* without the hash */
};

/* Each adds the bytes it wrote to *written. */
enum status archive_write_header(FILE *output, const struct archive_header *header, uint64_t *written);
enum status archive_write_block(FILE *output, const struct archive_block *block, bool restart,
                                const uint8_t *payload, uint64_t *written);
enum status archive_write_end(FILE *output, const struct archive_end *end, uint64_t *written);
/* Behind a frame with the flag; points as seek_points_add() gathers them (codec/note.h). */
enum status archive_write_table(FILE *output, uint64_t frame_size, uint64_t content_size,
                                const struct buffer *points, uint64_t *written);
/* 1 .. COMMENT_MAXIMUM bytes, else STATUS_LIMIT. */
enum status archive_write_comment(FILE *output, const char *text, uint64_t *written);

struct archive_reader {
    FILE *input;
    off_t origin;    /* where the archive begins in a file that can seek */
    uint64_t offset; /* of the next byte */
    uint64_t frame;  /* number of the frame being read, from 1; 0: none yet */
    uint64_t block;  /* number of the block being read in its frame, from 1 */
    struct buffer payload;
    /* of the frame being read */
    uint64_t begin, content; /* its first byte; content of the blocks read */
    bool no_check, seek_table;
    bool whole;           /* read from its beginning, so that its seek table can be compared */
    struct buffer points; /* what that table holds so far */
    bool restart;         /* the models start anew before the block read */
    bool skim;            /* payloads are neither read nor checked; the input can seek */
    /* skippable frames passed over, and what is to be done with comments (NULL: nothing) */
    uint64_t notes, note_bytes;
    void (*comment)(void *context, const char *text, size_t size);
    void *comment_context;
};

void archive_reader_open(struct archive_reader *reader, FILE *input);
void archive_reader_close(
    struct archive_reader *reader); /* frees the payload; the stream stays the caller's */

/* Passes over skippable frames. *more false: the input ended properly behind a frame. No frame at all is
 * damage. */
enum status archive_read_header(struct archive_reader *reader, struct archive_header *header, bool *more);

/* A block and its payload (reader->payload), or the frame's end: then block->method is ARCHIVE_END, and the
 * seek table behind it has been compared with the blocks. */
enum status archive_read_block(struct archive_reader *reader, struct archive_block *block,
                               struct archive_end *end);

/* Goes on reading there, a byte of the archive. */
enum status archive_seek(struct archive_reader *reader, uint64_t offset);

/* A sentence about the block being read. Returns STATUS_FORMAT. */
enum status archive_fail(const struct archive_reader *reader, const char *what);

/* Little-endian base 128, lowest group first, shortest form only. Put returns the bytes written; get moves
 * *bytes and returns false on a number that is cut off, not in its shortest form or larger than `maximum`. */
size_t archive_put_varint(uint8_t bytes[ARCHIVE_VARINT_MAXIMUM], uint64_t value);
enum status archive_append_varint(struct buffer *buffer, uint64_t value);
bool archive_get_varint(const uint8_t **bytes, const uint8_t *end, uint64_t maximum, uint64_t *value);

#endif
