/* From payload to content. */
#ifndef LACONIC_CODEC_BLOCK_DECODE_H
#define LACONIC_CODEC_BLOCK_DECODE_H

#include "codec/block.h"

/* Rebuilds block->raw, as the header says, from the reader's payload. STATUS_FORMAT for what no encoder
 * wrote; the models in `tools` then are of no use. Adds to the report. */
enum status block_decode(struct block_tools *tools, struct block *block, const struct archive_block *header,
                         const struct archive_reader *reader, struct codec_report *report);

#endif
