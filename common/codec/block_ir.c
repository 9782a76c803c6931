/* Encoding a block as z: a chunk goes out as z only if the decompressor rebuilds it from that, others as
 * bytes. */
#include "codec/block_ir.h"

#include <string.h>

static uint32_t count_exact(const struct block *block) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < block->chunk_count; i++)
        count += block->chunks[i].is_exact;
    return count;
}

/* The greedy z, and where that fails the tokenizer's own tokens, the code the pair was first taught. */
static enum status find_codes(struct block_tools *tools, struct block *block, struct codec_report *report) {
    TRY(block_write_codes(tools, block));
    TRY(block_check_codes(tools, block));
    uint32_t greedy = count_exact(block);
    report->greedy_exact += greedy;
    if (tools->pair->tokenizer.merge_count > 0 && greedy < block->chunk_count) {
        block_take_tokenizer_codes(tools, block);
        TRY(block_check_codes(tools, block));
    }
    report->exact += count_exact(block);
    return STATUS_OK;
}

/* A z that takes more bits than the bytes themselves is no use. */
static bool code_pays(const struct chunk_model *model, const struct block *block, const struct chunk *chunk) {
    return chunk_model_price(model, block->codes + chunk->code_begin, chunk->code_count) < 8.0 * chunk->size;
}

static enum status code_chunks(struct block_tools *tools, struct block *block, struct buffer *tokens) {
    struct chunk_model *model = &tools->scratch;
    struct range_coder coder;
    chunk_model_copy(model, &tools->model);
    range_begin_encoding(&coder, tokens);
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        struct chunk *chunk = &block->chunks[i];
        chunk->is_coded = chunk->is_exact && code_pays(model, block, chunk);
        block_code_chunk(model, &coder, chunk, block->codes + chunk->code_begin, chunk->code_count);
    }
    return range_finish_encoding(&coder);
}

enum status block_ir_prove(struct block_tools *tools, const struct block *block, const struct block_ir *ir) {
    struct range_coder coder;
    int32_t code[CHUNK_MAXIMUM];
    bool same = true;
    range_begin_decoding(&coder, ir->tokens.data, ir->tokens.size);
    for (uint32_t i = 0; i < block->chunk_count && same; i++) {
        const struct chunk *chunk = &block->chunks[i];
        struct chunk read = {0};
        same = block_code_chunk(&tools->model, &coder, &read, code, CHUNK_MAXIMUM) &&
               read.is_coded == chunk->is_coded;
        if (same && read.is_coded)
            same = read.code_count == chunk->code_count &&
                   memcmp(code, block->codes + chunk->code_begin, read.code_count * sizeof *code) == 0;
        else
            same = same && read.size == chunk->size;
    }
    return same && range_finish_decoding(&coder) ? STATUS_OK : block_fail_proof();
}

static size_t gather_fallback(struct block *block) {
    size_t size = 0;
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        const struct chunk *chunk = &block->chunks[i];
        if (!chunk->is_coded) {
            memcpy(block->fallback + size, block->raw + chunk->begin, chunk->size);
            size += chunk->size;
        }
    }
    return size;
}

enum status block_ir_encode(struct block_tools *tools, struct block *block, struct block_ir *ir,
                            struct codec_report *report) {
    struct block_preamble *preamble = &ir->preamble;
    preamble->fallback_method = ARCHIVE_END;
    TRY(find_codes(tools, block, report));
    TRY(code_chunks(tools, block, &ir->tokens));
    for (uint32_t i = 0; i < block->chunk_count; i++) {
        preamble->coded_chunks += block->chunks[i].is_coded;
        ir->token_count += block->chunks[i].is_coded ? block->chunks[i].code_count : 0;
    }
    preamble->token_bytes = ir->tokens.size;
    preamble->fallback_raw = gather_fallback(block);
    if (preamble->fallback_raw > 0)
        TRY(block_append_bytes(tools, block, block->fallback, preamble->fallback_raw, &ir->fallback,
                               &preamble->fallback_method));
    TRY(block_put_preamble(preamble, &ir->whole));
    TRY(buffer_append(&ir->whole, ir->tokens.data, ir->tokens.size));
    return ir->fallback.size ? buffer_append(&ir->whole, ir->fallback.data, ir->fallback.size) : STATUS_OK;
}

void block_ir_free(struct block_ir *ir) {
    buffer_free(&ir->tokens);
    buffer_free(&ir->fallback);
    buffer_free(&ir->whole);
}

void block_ir_report(const struct block_ir *ir, const struct block *block, struct codec_report *report) {
    report->ir_chunks += ir->preamble.coded_chunks;
    report->ir_input_bytes += block->raw_size - ir->preamble.fallback_raw;
    report->ir_tokens += ir->token_count;
    report->ir_coded_bytes += ir->tokens.size;
    report->fallback_chunks += block->chunk_count - ir->preamble.coded_chunks;
    report->fallback_input_bytes += ir->preamble.fallback_raw;
    report->fallback_coded_bytes += ir->fallback.size;
}
