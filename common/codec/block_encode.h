/* From content to the smallest payload that mode and level allow. */
#ifndef LACONIC_CODEC_BLOCK_ENCODE_H
#define LACONIC_CODEC_BLOCK_ENCODE_H

#include "codec/block.h"

/* What block_encode() will use of what needs memory; text: the pair writes bytes. */
struct codec_use block_use(const struct codec_settings *settings, bool text);

/* Codes block->raw, cut as begin and size of block->chunks say. Fills the header and appends to an empty
 * payload. */
enum status block_encode(struct block_tools *tools, struct block *block,
                         const struct codec_settings *settings, struct archive_block *header,
                         struct buffer *payload, struct codec_report *report);

#endif
