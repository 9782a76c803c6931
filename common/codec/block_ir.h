/* The encoder's side of method ir. */
#ifndef LACONIC_CODEC_BLOCK_IR_H
#define LACONIC_CODEC_BLOCK_IR_H

#include "codec/block.h"

/* A payload and its parts; zero it first. */
struct block_ir {
    struct buffer tokens, fallback, whole;
    struct block_preamble preamble;
    uint64_t token_count;
};

/* Fills the block's codes and the payload; the models stay as they are. */
enum status block_ir_encode(struct block_tools *tools, struct block *block, struct block_ir *ir,
                            struct codec_report *report);
/* Reads the tokens back with the decoder's model, which so comes to where the decoder will be. */
enum status block_ir_prove(struct block_tools *tools, const struct block *block, const struct block_ir *ir);
void block_ir_report(const struct block_ir *ir, const struct block *block, struct codec_report *report);
void block_ir_free(struct block_ir *ir);

#endif
