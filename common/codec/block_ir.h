/* Method ir: z of the chunks that the decompressor rebuilds from it, the others as bytes.
 *
 *     payload:  preamble, range coder of z and sizes, bytes of the other chunks (zstd or stored) */
#ifndef LACONIC_CODEC_BLOCK_IR_H
#define LACONIC_CODEC_BLOCK_IR_H

#include "codec/block.h"

/* The numbers in front of an ir payload, behind which come token_bytes of the range coder and the fallback.
 */
struct block_ir_preamble {
    uint64_t coded_chunks; /* how many chunks go out as z */
    uint64_t token_bytes;
    uint64_t fallback_raw;               /* bytes of all other chunks together */
    enum archive_method fallback_method; /* ARCHIVE_END: there are none */
    uint64_t fallback_coded;             /* not written: what is left of the payload */
};
enum status block_ir_put_preamble(const struct block_ir_preamble *preamble, struct buffer *payload);
/* Moves *bytes behind it; false where numbers contradict each other or the block's header. */
bool block_ir_get_preamble(const uint8_t **bytes, const uint8_t *end, const struct archive_block *header,
                           struct block_ir_preamble *preamble);

/* Codes whether the chunk goes out as z, then its tokens or its size. Decoding fills chunk->is_coded, size,
 * code_count and code[], which holds up to `capacity` ids; false: no encoder wrote this. */
bool block_ir_code_chunk(struct chunk_model *model, struct range_coder *coder, struct chunk *chunk,
                         int32_t *code, uint32_t capacity);

/* A payload and its parts; zero it first. */
struct block_ir {
    struct buffer tokens, fallback, whole;
    struct block_ir_preamble preamble;
    uint64_t token_count;
};

/* Fills the block's codes and the payload; the models stay as they are. */
enum status block_ir_encode(struct block_tools *tools, struct block *block, struct block_ir *ir,
                            struct codec_report *report);
/* Reads the tokens back with the decoder's model, which so comes to where the decoder will be. */
enum status block_ir_verify(struct block_tools *tools, const struct block *block, const struct block_ir *ir);
void block_ir_report(const struct block_ir *ir, const struct block *block, struct codec_report *report);
void block_ir_free(struct block_ir *ir);

/* Rebuilds block->raw, whose size and number of chunks are set, from the reader's payload. */
enum status block_ir_decode(struct block_tools *tools, struct block *block,
                            const struct archive_block *header, const struct archive_reader *reader,
                            struct codec_report *report);

#endif
