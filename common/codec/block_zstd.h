/* Methods zstd and stored: a whole block, or the chunks of an ir block that have no z. */
#ifndef LACONIC_CODEC_BLOCK_ZSTD_H
#define LACONIC_CODEC_BLOCK_ZSTD_H

#include "codec/block.h"

/* Appends raw[0 .. size) to `out` as zstd, or stored where zstd does not make it smaller. Uses block->pieces.
 */
enum status block_zstd_encode(struct block_tools *tools, struct block *block, const uint8_t *raw, size_t size,
                              struct buffer *out, enum archive_method *method);

/* Exactly raw_size bytes out of a piece of the payload. */
enum status block_zstd_decode(struct block_tools *tools, const struct archive_reader *reader,
                              enum archive_method method, const uint8_t *coded, size_t coded_size,
                              uint8_t *raw, size_t raw_size);

#endif
