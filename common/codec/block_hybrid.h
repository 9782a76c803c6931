/* Method hybrid: every chunk's z, and its bytes under the decompressor given that z. Lossless whatever z is.
 *
 *     payload:  streams (1 byte), token bytes (varint), range coder of sizes and z, range coder of bytes */
#ifndef LACONIC_CODEC_BLOCK_HYBRID_H
#define LACONIC_CODEC_BLOCK_HYBRID_H

#include "codec/block.h"

/* What encoding a block leaves, and memory to choose z in; zero it first. */
struct block_hybrid {
    struct buffer tokens, whole;
    struct text_chunk *chunks, *trial; /* [chunk_count] */
    uint64_t *prices, *trial_prices;   /* [chunk_count] of z and bytes, in 1 / BITS_ONE of a bit */
    int32_t *codes, *trial_codes;      /* [raw_size] */
    uint64_t token_count;
};

/* Chooses for every chunk the cheapest z (nothing, the compressor's own, the tokenizer's, with `shortened`
 * shorter ones) and codes. The context-mixing model `bytes` learns, tools->model does not. */
enum status block_hybrid_encode(struct block_tools *tools, struct block *block, struct byte_model *bytes,
                                bool shortened, struct block_hybrid *hybrid);
/* Reads sizes and z back with the decoder's model, which so comes to where the decoder will be. */
enum status block_hybrid_verify(struct block_tools *tools, const struct block *block,
                                const struct block_hybrid *hybrid);
void block_hybrid_free(struct block_hybrid *hybrid);

enum status block_hybrid_decode(struct block_tools *tools, struct block *block,
                                const struct archive_block *header, const struct archive_reader *reader,
                                struct codec_report *report);

#endif
