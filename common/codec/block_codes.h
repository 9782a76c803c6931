/* Candidates for the z of a block's chunks, and whether the decompressor rebuilds the chunks from them. */
#ifndef LACONIC_CODEC_BLOCK_CODES_H
#define LACONIC_CODEC_BLOCK_CODES_H

#include "codec/block.h"

/* z of every chunk of the block, none longer than its text: the compressor's greedy one; where that is not
 * known to be exact the tokenizer's own tokens. Then is_exact of those that have one: whether the
 * decompressor rebuilds the chunk. */
enum status block_write_codes(struct block_tools *tools, struct block *block);
void block_take_tokenizer_codes(struct block_tools *tools, struct block *block);
enum status block_check_codes(struct block_tools *tools, struct block *block);

#endif
