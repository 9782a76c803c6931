/* Candidates for the z of a block's chunks, and their proof by rebuilding. */
#include "codec/block_codes.h"

#include <string.h>

static bool is_valid_code(const int32_t *ids, uint32_t count, int vocabulary) {
    for (uint32_t i = 0; i < count; i++)
        if (ids[i] < 0 || ids[i] >= vocabulary || ids[i] == TOKEN_EOS)
            return false;
    return true;
}

struct answers {
    const struct block_tools *tools;
    struct block *block;
};

static enum status keep_code(void *context, int row, const int32_t *ids, int count, bool ended) {
    struct answers *answers = context;
    struct block *block = answers->block;
    struct chunk *chunk = &block->chunks[block->row_chunks[row]];
    int vocabulary = tokenizer_vocabulary(&answers->tools->pair->tokenizer);
    chunk->has_code =
        ended && (uint32_t)count <= chunk->size && is_valid_code(ids, (uint32_t)count, vocabulary);
    if (chunk->has_code) {
        chunk->code_count = (uint32_t)count;
        memcpy(block->codes + chunk->code_begin, ids, (size_t)count * sizeof *ids);
    }
    return STATUS_OK;
}

enum status block_write_codes(struct block_tools *tools, struct block *block) {
    struct answers answers = {tools, block};
    int32_t ids[CHUNK_MAXIMUM];
    block_clear_rows(block);
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        struct chunk *chunk = &block->chunks[i];
        const uint8_t *bytes = block->raw + chunk->begin;
        chunk->code_begin = chunk->begin;
        chunk->has_code = chunk->is_exact = chunk->is_coded = false;
        chunk->text_count = (uint32_t)model_pair_encode_text(tools->pair, bytes, chunk->size, ids);
        block_add_row(block, i, ids, chunk->text_count, (int)chunk->text_count);
    }
    struct t5_rows rows = block_rows(block);
    return engine_generate(tools->engine, ENGINE_COMPRESSOR, &rows, block->limits, keep_code, &answers);
}

void block_take_tokenizer_codes(struct block_tools *tools, struct block *block) {
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        struct chunk *chunk = &block->chunks[i];
        if (chunk->is_exact)
            continue;
        chunk->code_count = (uint32_t)tokenizer_encode(&tools->pair->tokenizer, block->raw + chunk->begin,
                                                       chunk->size, block->codes + chunk->code_begin);
        chunk->has_code = true;
    }
}

static enum status compare_text(void *context, int row, const int32_t *ids, int count, bool ended) {
    struct answers *answers = context;
    struct block *block = answers->block;
    struct chunk *chunk = &block->chunks[block->row_chunks[row]];
    uint8_t bytes[CHUNK_MAXIMUM];
    size_t size = tokenizer_decode(&answers->tools->pair->tokenizer, ids, (size_t)count, bytes, sizeof bytes);
    chunk->is_exact = ended && size == chunk->size && memcmp(bytes, block->raw + chunk->begin, size) == 0;
    return STATUS_OK;
}

enum status block_check_codes(struct block_tools *tools, struct block *block) {
    struct answers answers = {tools, block};
    block_clear_rows(block);
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        const struct chunk *chunk = &block->chunks[i];
        if (chunk->has_code && !chunk->is_exact)
            block_add_row(block, i, block->codes + chunk->code_begin, chunk->code_count,
                          (int)chunk->text_count);
    }
    struct t5_rows rows = block_rows(block);
    return engine_generate(tools->engine, ENGINE_DECOMPRESSOR, &rows, block->limits, compare_text, &answers);
}
