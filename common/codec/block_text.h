/* Methods text and bytes: byte by byte under the decompressor and the context-mixing model of bytes (text),
 * or under the latter alone (bytes).
 *
 *     text payload:  streams (1 byte), window (1 byte), range coder        bytes payload:  range coder */
#ifndef LACONIC_CODEC_BLOCK_TEXT_H
#define LACONIC_CODEC_BLOCK_TEXT_H

#include "codec/block.h"

/* What text is given: how far back the decompressor sees, in blocks of EXACT_KEYS bytes; how many streams at
 * most, none shorter than `stream_bytes` if there is more than one. */
struct text_effort {
    int window, streams;
    uint32_t stream_bytes;
};

/* Content as bytes, under the decompressor and the model of bytes or the latter alone, which learns. */
enum status block_text_encode(struct block_tools *tools, struct block *block,
                              const struct text_effort *effort, struct byte_model *model,
                              struct buffer *payload);
enum status block_bytes_encode(struct block *block, struct byte_model *model, struct buffer *payload);
enum status block_text_decode(struct block_tools *tools, struct block *block,
                              const struct archive_reader *reader);
enum status block_bytes_decode(struct block_tools *tools, struct block *block,
                               const struct archive_reader *reader);

#endif
