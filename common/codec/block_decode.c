/* From payload to content, each method by its own file. */
#include "codec/block_decode.h"

#include "codec/block_hybrid.h"
#include "codec/block_ir.h"
#include "codec/block_text.h"
#include "codec/block_zstd.h"

enum status block_decode(struct block_tools *tools, struct block *block, const struct archive_block *header,
                         const struct archive_reader *reader, struct codec_report *report) {
    const struct buffer *payload = &reader->payload;
    block->raw_size = header->raw_size;
    block->chunk_count = header->chunk_count;
    switch (header->method) {
    case ARCHIVE_IR:
        return block_ir_decode(tools, block, header, reader, report);
    case ARCHIVE_HYBRID:
        return block_hybrid_decode(tools, block, header, reader, report);
    case ARCHIVE_TEXT:
        TRY(block_text_decode(tools, block, reader));
        break;
    case ARCHIVE_BYTES:
        TRY(block_bytes_decode(tools, block, reader));
        break;
    default:
        TRY(block_zstd_decode(tools, reader, header->method, payload->data, payload->size, block->raw,
                              block->raw_size));
    }
    block_report(header, report);
    return STATUS_OK;
}
